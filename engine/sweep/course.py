"""What all trials of one symbol share: its traded bars, sums over them, and extremes of every stretch of closes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars, Floats
from engine.jit import inlined, jit

# Columns of the table of a course.
PRICE, CLOSE, GAINED, SQUARED = range(4)
# Stretches of 2, 4, … bars have their extremes written down; of a long history only those of 8 and 64.
_DENSE, _SPARSE = (1, 2, 3, 4, 5, 6, 7), (3, 6)
_LONG = 100_000


class Course(NamedTuple):
    """The traded bars of a symbol.

    `table` [T, 4] holds where an order fills, the close, and the running sums of returns and of their squares.
    `tops` and `bottoms` [R, T] are the highest and lowest of the `spans[r]` closes from each bar on, `falls` the least
    ratio of one of them to one before; `rungs[n]` is the widest span within n bars, the last rung for any more.
    `rows` [T] are the numbers of the bars among all.
    """

    table: Floats
    tops: Floats
    bottoms: Floats
    falls: Floats
    spans: NDArray[np.int64]
    rungs: NDArray[np.int64]
    rows: NDArray[np.int64]
    lowest: Floats


@jit
def lay(n: int, opens: Floats, closes: Floats, course: Course) -> int:
    """Write the traded bars of symbol n and say how many they are; `opens` are the prices at which its orders fill."""
    table, rows = course.table, course.rows
    count = 0
    gained = 0.0
    squared = 0.0
    lowest = np.inf
    for t in range(closes.shape[0]):
        close = closes[t, n]
        if np.isnan(close):
            continue
        gain = close / table[count - 1, CLOSE] - 1.0 if count > 0 else 0.0
        gained += gain
        squared += gain * gain
        lowest = min(lowest, close)
        rows[count] = t
        table[count, PRICE] = opens[t, n]
        table[count, CLOSE] = close
        table[count, GAINED] = gained
        table[count, SQUARED] = squared
        count += 1
    course.lowest[0] = lowest
    return count


@jit
def climb(course: Course) -> None:
    """Extremes of stretches, each rung from the one below; near the end those of the fewer bars that are left."""
    spans, total = course.spans, course.table.shape[0]
    for t in range(total):
        course.tops[0, t] = course.bottoms[0, t] = course.table[t, CLOSE]
        course.falls[0, t] = 1.0
    for rung in range(1, spans.shape[0]):
        top, bottom, fall = course.tops[rung, :total], course.bottoms[rung, :total], course.falls[rung, :total]
        high, low, fell = (
            course.tops[rung - 1, :total],
            course.bottoms[rung - 1, :total],
            course.falls[rung - 1, :total],
        )
        for t in range(total):
            top[t], bottom[t], fall[t] = high[t], low[t], fell[t]
        for step in range(spans[rung - 1], spans[rung], spans[rung - 1]):
            higher, lower, deeper = high[step:], low[step:], fell[step:]
            for t in range(higher.shape[0]):
                fall[t] = min(fall[t], min(deeper[t], lower[t] / top[t]))
                top[t] = max(top[t], higher[t])
                bottom[t] = min(bottom[t], lower[t])


@inlined
def extremes(first: int, stop: int, course: Course) -> tuple[float, float]:
    """The highest and the lowest close of bars first <= t < stop."""
    rung = course.rungs[min(stop - first, course.rungs.shape[0] - 1)]
    tops, bottoms, span = course.tops[rung], course.bottoms[rung], course.spans[rung]
    one, other = np.uint64(first), np.uint64(stop - span)
    highest, lowest = max(tops[one], tops[other]), min(bottoms[one], bottoms[other])
    for t in range(first + span, stop - span, span):
        highest, lowest = max(highest, tops[t]), min(lowest, bottoms[t])
    return highest, lowest


@jit
def first_of(bars: int, course: Course) -> Course:
    """The course of so many bars that lies at the beginning of a longer one."""
    table, rows = course.table[:bars], course.rows[:bars]
    return Course(table, course.tops, course.bottoms, course.falls, course.spans, course.rungs, rows, course.lowest)


def room_for(bars: int) -> Course:
    """A course of so many bars, not filled yet."""
    spans = np.array([1, *(2**power for power in (_DENSE if bars < _LONG else _SPARSE))])
    rungs = np.searchsorted(spans, np.arange(spans[-1] + 1), side="right") - 1
    tops, bottoms, falls = (np.empty((len(spans), bars)) for _ in range(3))
    return Course(np.empty((bars, 4)), tops, bottoms, falls, spans, rungs, np.empty(bars, dtype=np.int64), np.empty(1))


def course_of(bars: Bars, n: int, *, at_open: bool) -> Course:
    """The course of symbol n; its orders fill at the open or at the close."""
    course = room_for(int(np.count_nonzero(~np.isnan(bars.close[:, n]))))
    lay(n, bars.open if at_open else bars.close, bars.close, course)
    climb(course)
    return course
