"""What equity did between orders: drawdown, and returns where they are not those of the price."""

from __future__ import annotations

import numpy as np

from engine.bars import Floats
from engine.jit import inlined, jit
from engine.sweep.course import CLOSE, Course
from engine.sweep.lanes import (
    BOTTOM,
    CASH,
    DEEPEST,
    FLOOR,
    LANES,
    LEAST,
    MORE,
    MORE_SQUARED,
    PEAK,
    THREAT,
    THREATS,
    TOP,
    UNITS,
    WIDTH,
    Lanes,
)

# An account whose cash is this much of its position or less earns what the price earns.
INVESTED = 1e-13
# Bars that a drawdown takes in one step where it can.
_STRIDE = 16
# The ratio of two equities and that of the two prices differ by rounding, and by what INVESTED forgives.
_EDGE = 1.0 - 1e-12


@inlined
def extremes(first: int, stop: int, course: Course) -> tuple[float, float]:
    """The highest and the lowest close of bars first <= t < stop."""
    count, widest = stop - first, course.rungs.shape[0] - 1
    rung = course.rungs[min(count, widest)]
    tops, bottoms, span = course.tops[rung], course.bottoms[rung], course.spans[rung]
    one, other = np.uint64(first), np.uint64(stop - span)
    highest, lowest = max(tops[one], tops[other]), min(bottoms[one], bottoms[other])
    if count > widest:
        for t in range(first + span, stop - span, span):
            highest, lowest = max(highest, tops[t]), min(lowest, bottoms[t])
    return highest, lowest


@jit
def follow(count: int, sheet: Floats) -> None:
    """Follow the peak and the drawdown of all lanes through the stretches before their next `count` orders.

    Equity rises or falls with the close, rounding included, so its extremes are where those of the closes are. What a
    stretch with a new peak has done is not known yet: at the worst it fell from that peak to its lowest equity, which
    is left as its `THREAT`.
    """
    for k in range(count):
        for lane in range(LANES):
            row = k * WIDTH + lane
            after = row + WIDTH
            cash, units, peak = sheet[row + CASH], sheet[row + UNITS], sheet[row + PEAK]
            one, other = cash + units * sheet[row + TOP], cash + units * sheet[row + BOTTOM]
            top, bottom = (one, other) if one > other else (other, one)
            higher = top > peak
            highest = top if higher else peak
            depth = bottom / highest
            threat, deepest = (depth, 1.0) if higher else (1.0, depth)
            sheet[row + THREAT] = threat
            sheet[after + PEAK] = highest
            sheet[after + THREATS] = threat if threat < sheet[row + THREATS] else sheet[row + THREATS]
            sheet[after + DEEPEST] = deepest if deepest < sheet[row + DEEPEST] else sheet[row + DEEPEST]


@jit
def fall(first: int, stop: int, cash: float, units: float, peak: float, deepest: float, course: Course) -> float:
    """The deepest drawdown after bars first <= t < stop on which units are held beside cash, below this peak at first.

    It goes in short strides. Those that have a new peak and could be deeper are gone through bar by bar.
    """
    rung = course.rungs[_STRIDE]
    span = course.spans[rung]
    # Beside no debt equity falls less than the price does.
    milder = units > 0.0 and cash >= -INVESTED * units * course.lowest[0]
    t = first
    while t < stop:
        until = min(t + span, stop)
        if t + span == until:
            one, other = cash + units * course.tops[rung, t], cash + units * course.bottoms[rung, t]
            top, bottom = max(one, other), min(one, other)
            if top <= peak:
                deepest = min(deepest, bottom / peak)
                t = until
            elif (course.falls[rung, t] * _EDGE if milder else bottom / top) >= deepest and bottom / peak >= deepest:
                peak = top
                t = until
        while t < until:
            equity = cash + units * course.table[t, CLOSE]
            peak = max(peak, equity)
            deepest = min(deepest, equity / peak)
            t += 1
    return deepest


@jit
def look_back(lane: int, count: int, course: Course, lanes: Lanes) -> None:
    """Look closely at those of the next `count` stretches of a lane that may be the deepest of all."""
    sheet, at, done = lanes.sheet, lanes.at[lane], lanes.done[lane]
    end = count * WIDTH + lane
    deepest = sheet[end + DEEPEST]
    for k in range(count):
        row = k * WIDTH + lane
        if sheet[row + THREAT] < deepest:
            since = at[done + k - 1] if done + k > 0 else lanes.since[lane]
            stop = at[done + k] if done + k < lanes.orders[lane] else lanes.end[lane]
            cash, units, peak = sheet[row + CASH], sheet[row + UNITS], sheet[row + PEAK]
            deepest = fall(since, stop, cash, units, peak, deepest, course)
    sheet[end + DEEPEST] = deepest
    sheet[end + THREATS] = 1.0


@jit
def earn(first: int, stop: int, cash: float, units: float, table: Floats, marks: Floats) -> None:
    """Add up the returns after bar `first` while units are held beside cash, their squares, and the least equity."""
    gains = 0.0
    squares = 0.0
    least = marks[LEAST]
    before = cash + units * table[first, CLOSE]
    for t in range(first + 1, stop):
        equity = cash + units * table[t, CLOSE]
        gain = equity / before - 1.0
        gains += gain
        squares += gain * gain
        least = min(least, equity)
        before = equity
    marks[MORE] += gains
    marks[MORE_SQUARED] += squares
    marks[LEAST] = least


@jit
def earn_back(lane: int, first: int, stop: int, course: Course, lanes: Lanes) -> None:
    """Go through those of the next stretches first <= k < stop in which a lane did not earn what the price has."""
    sheet, at, done = lanes.sheet, lanes.at[lane], lanes.done[lane]
    for k in range(first, stop):
        row = k * WIDTH + lane
        cash, units = sheet[row + CASH], sheet[row + UNITS]
        if units != 0.0 and not (units > 0.0 and abs(cash) <= INVESTED * units * sheet[row + FLOOR]):
            end = at[done + k] if done + k < lanes.orders[lane] else lanes.end[lane]
            earn(at[done + k - 1], end, cash, units, course.table, lanes.marks[lane])
