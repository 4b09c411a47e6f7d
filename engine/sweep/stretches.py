"""What equity did between orders: drawdown, and returns where they are not those of the price.

A stretch is the bars from one order to the bar before the next: cash and units stay, so equity is linear in the close.
`follow` takes all lanes through their stretches by the highest and the lowest close alone: the drawdown where there is
no new peak, a bound of it where there is one. `look_back` goes through those whose bound is deeper than all that was
found.
"""

from __future__ import annotations

from engine.bars import Floats
from engine.jit import inlined, jit
from engine.sweep.course import CLOSE, Course
from engine.sweep.lanes import (
    BOTTOM,
    BOUND,
    CASH,
    DEEPEST,
    FLOOR,
    LANES,
    LEAST,
    LEAST_BOUND,
    MORE,
    MORE_SQUARED,
    PEAK,
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
def invested(cash: float, units: float, floor: float) -> bool:
    """Whether an account earns what the price earns, whose close is never below `floor`."""
    return (units > 0.0) & (abs(cash) <= INVESTED * units * floor)


@jit
def follow(count: int, sheet: Floats) -> None:
    """Follow the peak and the drawdown of all lanes through the stretches before their next `count` orders.

    Equity rises or falls with the close, rounding included, so its extremes are where those of the closes are. How deep
    a stretch with a new peak went is not known yet: at worst it fell from that peak to its lowest equity.
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
            bound, deepest = (depth, 1.0) if higher else (1.0, depth)
            sheet[row + BOUND] = bound
            sheet[after + PEAK] = highest
            sheet[after + LEAST_BOUND] = bound if bound < sheet[row + LEAST_BOUND] else sheet[row + LEAST_BOUND]
            sheet[after + DEEPEST] = deepest if deepest < sheet[row + DEEPEST] else sheet[row + DEEPEST]


@jit
def drawdown(first: int, stop: int, cash: float, units: float, peak: float, deepest: float, course: Course) -> float:
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
            else:
                inside = course.falls[rung, t] * _EDGE if milder else bottom / top  # at worst, below its own peak
                if min(inside, bottom / peak) >= deepest:
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
        if sheet[row + BOUND] < deepest:
            since = at[done + k - 1]  # before the first order there is nothing to fall
            stop = at[done + k] if done + k < lanes.orders[lane] else lanes.end[lane]
            cash, units, peak = sheet[row + CASH], sheet[row + UNITS], sheet[row + PEAK]
            deepest = drawdown(since, stop, cash, units, peak, deepest, course)
    sheet[end + DEEPEST] = deepest


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
def add_unlike(lane: int, first: int, stop: int, course: Course, lanes: Lanes) -> None:
    """Go through those of the next stretches first <= k < stop in which a lane did not earn what the price has."""
    sheet, at, done = lanes.sheet, lanes.at[lane], lanes.done[lane]
    for k in range(first, stop):
        row = k * WIDTH + lane
        cash, units = sheet[row + CASH], sheet[row + UNITS]
        if units != 0.0 and not invested(cash, units, sheet[row + FLOOR]):
            end = at[done + k] if done + k < lanes.orders[lane] else lanes.end[lane]
            earn(at[done + k - 1], end, cash, units, course.table, lanes.marks[lane])
