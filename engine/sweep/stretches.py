"""What equity did between orders: drawdown, and returns where they are not those of the price."""

from __future__ import annotations

from engine.bars import Floats
from engine.jit import jit
from engine.sweep.course import CLOSE, Course
from engine.sweep.lanes import CASH, DEEPEST, FLOOR, LEAST, LOW, MORE, MORE_SQUARED, PEAK, UNITS, WIDTH, Lanes

# An account whose cash is this much of its position or less earns what the price earns.
INVESTED = 1e-13
# Bars that a drawdown takes in one step where it can.
_STRIDE = 16
# The ratio of two equities and that of the two prices differ by rounding, and by what INVESTED forgives.
_EDGE = 1.0 - 1e-12


@jit
def sink(
    first: int,
    stop: int,
    cash: float,
    units: float,
    peak: float,
    low: float,
    depth: float,
    course: Course,
) -> tuple[float, float, float]:
    """Follow a drawdown while units are held beside cash; in short strides where `look_back` could not take one.

    A stride with a new peak is gone through bar by bar if it, or the old peak and the lowest of it, may go deeper.
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
            top, bottom = max(one, other), min(low, one, other)
            fall = course.falls[rung, t] * _EDGE if milder else bottom / top
            if top <= peak:
                low = bottom
                t = until
            elif fall >= depth and bottom / peak >= depth:
                peak = top
                low = top
                t = until
        while t < until:
            equity = cash + units * course.table[t, CLOSE]
            if equity > peak:
                depth = min(depth, low / peak)
                peak = equity
                low = equity
            low = min(low, equity)
            t += 1
    return peak, low, depth


@jit
def look_back(lane: int, count: int, course: Course, lanes: Lanes) -> None:
    """Follow a lane's drawdown through the stretches before its next `count` orders; the last one has no order.

    Equity rises or falls with the close, rounding included, so its extremes are where those of the closes are. A
    stretch with a new peak has to be looked at closely only if the lowest of it and before, under that peak, would be
    deeper than ever; if not, no low of it can matter.
    """
    sheet, marks, at = lanes.sheet, lanes.marks[lane], lanes.at[lane]
    tops, bottoms, spans, rungs = course.tops, course.bottoms, course.spans, course.rungs
    widest = rungs.shape[0] - 1
    since, done = lanes.since[lane], lanes.done[lane]
    peak, low, depth = marks[PEAK], marks[LOW], marks[DEEPEST]
    for k in range(count):
        cash, units = sheet[k * WIDTH + lane + CASH], sheet[k * WIDTH + lane + UNITS]
        stop = at[done + k] if done + k < lanes.orders[lane] else lanes.end[lane]
        top = cash
        bottom = cash
        if units != 0.0 and since < stop:
            rung = rungs[min(stop - since, widest)]
            last = stop - spans[rung]
            highest, lowest = max(tops[rung, last], tops[rung, since]), min(bottoms[rung, last], bottoms[rung, since])
            for t in range(since + spans[rung], last, spans[rung]):
                highest = max(highest, tops[rung, t])
                lowest = min(lowest, bottoms[rung, t])
            one, other = cash + units * highest, cash + units * lowest
            top, bottom = max(one, other), min(one, other)
        bottom = min(low, bottom)
        if top <= peak:
            low = bottom
        elif bottom / top >= depth:
            peak = top
            low = top
        else:
            peak, low, depth = sink(since, stop, cash, units, peak, low, depth, course)
        since = stop
    marks[PEAK] = peak
    marks[LOW] = low
    marks[DEEPEST] = depth


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
def earn_back(lane: int, count: int, course: Course, lanes: Lanes) -> None:
    """Go through the stretches before a lane's next `count` orders in which it did not earn what the price has."""
    sheet, at = lanes.sheet, lanes.at[lane]
    since, done = lanes.since[lane], lanes.done[lane]
    for k in range(count):
        row = k * WIDTH + lane
        cash, units = sheet[row + CASH], sheet[row + UNITS]
        stop = at[done + k] if done + k < lanes.orders[lane] else lanes.end[lane]
        if units != 0.0 and not (units > 0.0 and abs(cash) <= INVESTED * units * sheet[row + FLOOR]):
            earn(since, stop, cash, units, course.table, lanes.marks[lane])
        since = stop
