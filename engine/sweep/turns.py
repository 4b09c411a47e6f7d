"""Where two averages cross, as `engine.indicators` defines it, on the traded bars of one symbol.

Averages of all windows are made side by side and kept in float32: two of them are compared eight bars at a time.
Where that cannot tell them apart, exact sums do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.indicators.crossing import TIE, exact
from engine.jit import jit
from engine.sweep.course import CLOSE

# Averages of float32 are off by 2^-24 of their size; two that are further apart than this are told apart.
_REACH = 1e9
_APART = np.float32(2.5e-7)
# Eight relations in one word, one per byte: 1 above, -1 below, 0 not told apart.
_ONES, _SIGNS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_ONE, _SIGN, _BYTE, _TOP = np.uint64(1), np.uint64(7), np.uint64(8), np.uint64(56)
# Windows side by side, bars of them that are written at once, and the room that this takes: totals, their rests, what
# leaves the windows, and the sums.
ABREAST, TILE = 32, 16
_REST, _GONE, _TILE = ABREAST, 2 * ABREAST, 3 * ABREAST
ROLLING = _TILE + TILE * ABREAST


class Averages(NamedTuple):
    """Averages of closes [W, T] over windows [W], NaN before there are enough bars."""

    windows: NDArray[np.int64]
    rough: NDArray[np.float32]


@jit
def roll(table: Floats, averages: Averages, room: Floats) -> None:
    """Rolling sums carried in two floats (TwoSum), ABREAST windows side by side, TILE bars written at once.

    Where prices are so far apart that the large ones leave something behind in the sums of small ones, all is NaN.
    """
    windows, rough = averages
    bars = table.shape[0]
    lowest, highest = np.inf, 0.0
    for t in range(bars):
        lowest, highest = min(lowest, table[t, CLOSE]), max(highest, table[t, CLOSE])
    for first in range(0, windows.shape[0], ABREAST):
        count = min(ABREAST, windows.shape[0] - first)
        room[:] = 0.0
        for t in range(bars):
            added = table[t, CLOSE]
            for lane in range(count):
                window = windows[first + lane]
                room[_GONE + lane] = -table[t - window, CLOSE] if t >= window else 0.0
            tile = _TILE + t % TILE * ABREAST
            for lane in range(ABREAST):
                total, rest, gone = room[lane], room[_REST + lane], room[_GONE + lane]
                grown = total + added
                part = grown - total
                rest += (total - (grown - part)) + (added - part)
                total = grown + gone
                part = total - grown
                rest += (grown - (total - part)) + (gone - part)
                room[lane] = total
                room[_REST + lane] = rest
                room[tile + lane] = total + rest
            if t % TILE == TILE - 1 or t == bars - 1:
                for lane in range(count):
                    share = 1.0 / windows[first + lane]
                    for k in range(t % TILE + 1):
                        rough[first + lane, t - t % TILE + k] = room[_TILE + k * ABREAST + lane] * share
    for row in range(windows.shape[0]):
        rough[row, : windows[row] - 1 if highest <= _REACH * lowest else bars] = np.nan


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


@jit
def turned(here: np.uint64, before: np.uint64) -> np.uint64:
    """1 in every byte of a word that is on another side than the byte before it."""
    return ((here ^ (here << _BYTE | before >> _TOP)) & _SIGNS) >> _SIGN


@jit
def look_up(first: int, words: NDArray[np.uint64], hits: NDArray[np.int32]) -> int:
    """Which words from `first` on hold a cross or something undecided, or come after such a one; says how many.

    They are written down without a branch, which would be guessed wrong at every cross.
    """
    count = 0
    before = words[first]
    for word in range(first, words.shape[0]):
        here = words[word]
        hits[count] = word
        count += 1 if turned(here, before) | (_ONES & ~(here & before)) != 0 else 0
        before = here
    return count


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
    before = words[first >> 3] << _TOP
    for hit in range(look_up(first >> 3, words, hits)):
        word = hits[hit]
        if words[word] & _ONES != _ONES:
            settle(8 * word, min(total, 8 * word + 8), short, long, table, relation, ties)
        left = turned(words[word], words[word - 1] if word > first >> 3 else before)
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
