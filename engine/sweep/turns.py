"""Where two averages cross, as `engine.indicators` defines it, on the traded bars of one symbol.

Averages of all windows are made side by side and kept in float32: two of them are compared eight bars at a time.
Where that cannot tell them apart, exact sums do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.indicators.comparing import TIE, exact
from engine.jit import inlined, jit
from engine.sweep.course import CLOSE
from engine.sweep.words import look_up

# Averages of float32 are off by 2^-24 of their size; two that are further apart than this are told apart.
_REACH = 1e9
_APART = np.float32(2.5e-7)
# Eight relations in one word, one per byte: 1 above, -1 below, 0 not told apart.
_ONES, _SIGNS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_ONE, _SIGN, _BYTE, _TOP = np.uint64(1), np.uint64(7), np.uint64(8), np.uint64(56)
# Bars of which averages are written window by window, while their sums are in the cache.
TILE = 1024


class Averages(NamedTuple):
    """Averages of closes [W, T] over windows [W], NaN before there are enough bars."""

    windows: NDArray[np.int64]
    rough: NDArray[np.float32]


@inlined
def add_up(table: Floats, sums: Floats) -> None:
    """Sums [2, T + 1] of all closes before each bar, and of what each addition rounds away.

    Of a close that is larger than the sum before it up to 2^-53 is lost, to those averages that hold it.
    """
    total = rest = 0.0
    sums[:, 0] = 0.0
    whole, left = sums[0, 1:], sums[1, 1:]
    for t in range(table.shape[0]):
        added = table[t, CLOSE]
        grown = total + added
        rest += added - (grown - total)
        total = grown
        whole[t], left[t] = total, rest


@jit
def roll(table: Floats, averages: Averages, sums: Floats) -> None:
    """Averages of all windows, each a difference of two of the sums [2, T + 1] that `add_up` writes.

    Where prices are so far apart that the large ones leave something behind in the sums of small ones, all is NaN.
    """
    windows, rough = averages
    bars = table.shape[0]
    lowest, highest = np.inf, 0.0
    for t in range(bars):
        lowest, highest = min(lowest, table[t, CLOSE]), max(highest, table[t, CLOSE])
    if highest > _REACH * lowest:
        rough[:] = np.nan
        return
    add_up(table, sums)
    for row in range(windows.shape[0]):
        rough[row, : min(windows[row] - 1, bars)] = np.nan
    for tile in range(0, bars, TILE):
        stop = min(tile + TILE, bars)
        for row in range(windows.shape[0]):
            window = windows[row]
            first = max(tile, window - 1)
            if first < stop:
                share = 1.0 / window
                average, since = rough[row, first:stop], first + 1 - window
                whole, left = sums[0, first + 1 : stop + 1], sums[1, first + 1 : stop + 1]
                gone, lost = sums[0, since : stop + 1 - window], sums[1, since : stop + 1 - window]
                for k in range(average.shape[0]):
                    average[k] = ((whole[k] - gone[k]) + (left[k] - lost[k])) * share


@jit
def compare(fast: NDArray[np.float32], slow: NDArray[np.float32], relation: NDArray[np.int8]) -> None:
    """Which of two averages is above, where float32 can tell."""
    for t in range(fast.shape[0]):
        gap = fast[t] - slow[t]
        least = _APART * slow[t]
        relation[t] = np.int8(gap > least) - np.int8(gap < -least)


@jit
def settle(
    first: int, stop: int, fast: int, slow: int, table: Floats, relation: NDArray[np.int8], ties: NDArray[np.int64]
) -> None:
    """Decide what `compare` could not, as `compare_averages` does: by exact sums of so many closes. Counts ties."""
    for t in range(first, stop):
        if relation[t] == 0:
            other = fast * exact(table, CLOSE, t, slow)
            gap = slow * exact(table, CLOSE, t, fast) - other
            tie = TIE * abs(other)
            relation[t] = np.int8(gap > tie) - np.int8(gap < -tie)
            ties[0] += 1 if relation[t] == 0 else 0


@inlined
def turned(here: np.uint64, before: np.uint64) -> np.uint64:
    """1 in every byte of a word that is on another side than the byte before it."""
    return ((here ^ (here << _BYTE | before >> _TOP)) & _SIGNS) >> _SIGN


@inlined
def mark(words: NDArray[np.uint64], marks: NDArray[np.uint64]) -> None:
    """Mark the first word, and those that hold a cross or something undecided or come after such a one."""
    marks[0] = _ONE
    ahead, out = words[1:], marks[1 : words.shape[0]]
    for k in range(out.shape[0]):
        out[k] = turned(ahead[k], words[k]) | (_ONES & ~(ahead[k] & words[k]))


@jit
def turns(
    first: int,
    total: int,
    fast: int,
    slow: int,
    table: Floats,
    averages: Averages,
    words: NDArray[np.uint64],
    relation: NDArray[np.int8],
    marks: NDArray[np.uint64],
    hits: NDArray[np.int32],
    ties: NDArray[np.int64],
    at: NDArray[np.int32],
) -> int:
    """Bars of the crosses from bar `first` on, the first one with both averages, up to `total`; 0 where are ties.

    `fast` and `slow` are rows of averages.
    """
    short, long = averages.windows[fast], averages.windows[slow]
    settle(first, first + 1, short, long, table, relation, ties)
    # What is no bar is like the bar beside it.
    for t in range(8 * (first >> 3), first):
        relation[t] = relation[first]
    for t in range(total, relation.shape[0]):
        relation[t] = 1
    count = 0
    begin = first >> 3
    before = words[begin] << _TOP
    mark(words[begin:], marks)
    for hit in range(look_up(marks[: words.shape[0] - begin], hits)):
        word = begin + hits[hit]
        if words[word] & _ONES != _ONES:
            settle(8 * word, min(total, 8 * word + 8), short, long, table, relation, ties)
        left = turned(words[word], words[word - 1] if word > begin else before)
        while left != 0:
            rest = left & (left - _ONE)
            byte = (((left ^ rest) - _ONE) & _ONES) * _ONES >> _TOP
            at[count] = 8 * word + np.int64(byte)
            count += 1
            left = rest
    while count > 0 and at[count - 1] >= total:
        count -= 1
    return count if ties[0] == 0 else 0


@jit
def turns_with_ties(first: int, total: int, relation: NDArray[np.int8], at: NDArray[np.int32]) -> int:
    """As `turns`: first a cross is any change, from then on the next bar on the other side, over ties."""
    count = 0
    state = 0
    for t in range(first + 1, total):
        side = relation[t]
        if side == -state if state != 0 else side * (side - relation[t - 1]) > 0:
            at[count] = t
            count += 1
            state = side
    return count
