"""Where two averages cross, as `engine.indicators` defines it, on the traded bars of one symbol.

Averages of all windows are made side by side and kept in float32: two of them are compared sixteen bars at a time.
Where that cannot tell them apart, exact sums do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.bits import ONE, WORD, append_set_bits, equal_mask
from engine.indicators.comparing import TIE, exact
from engine.jit import inlined, jit
from engine.sweep.course import CLOSE

# Averages of float32 are off by 2^-24 of their size; two that are further apart than this are told apart.
_REACH = 1e9
_APART = np.float32(2.5e-7)
_LAST = np.uint64(WORD - 1)
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
    """Which of two averages is above: 1 the first, -1 the second, 0 where float32 cannot tell."""
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
def turns(
    first: int,
    total: int,
    fast: int,
    slow: int,
    table: Floats,
    averages: Averages,
    relation: NDArray[np.int8],
    ties: NDArray[np.int64],
    at: NDArray[np.int32],
) -> int:
    """Write the bars first < t < `total` of all crosses to `at` and say how many; 0 after a tie, which `ties` counts.

    `first` is the first bar with both averages, of which `fast` and `slow` are the rows; `relation` is that of
    `compare`, in whole words.
    """
    short, long = averages.windows[fast], averages.windows[slow]
    settle(first, first + 1, short, long, table, relation, ties)
    settle(total - 1, total, short, long, table, relation, ties)
    begin = WORD * (first // WORD)
    # What is no bar is like the bar beside it: no cross there.
    relation[begin:first] = relation[first]
    relation[total:] = relation[total - 1]
    before = np.uint64(relation[first] == 1)
    count = 0
    for start in range(begin, total, WORD):
        if equal_mask(relation, start, 0) != 0:
            settle(start, min(total, start + WORD), short, long, table, relation, ties)
        above = equal_mask(relation, start, 1)
        count = append_set_bits(above ^ (above << ONE | before), start, count, at)
        before = above >> _LAST
    return count if ties[0] == 0 else 0


@inlined
def seek(bar: int, k: int, count: int, at: NDArray[np.int32]) -> int:
    """How many of `count` crosses are at bars <= `bar`, looked for from cross k on: bars may come in any order."""
    while k > 0 and at[k - 1] > bar:
        k -= 1
    while k < count and at[k] <= bar:
        k += 1
    return k


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
