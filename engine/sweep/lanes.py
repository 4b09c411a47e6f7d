"""Trials side by side: where their orders and the state of their accounts are kept.

Lanes know nothing of each other: a trial leaves the same bits behind whatever is beside it. One that is done makes
room for the next, so that no lane waits for a trial with more orders.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.jit import jit

# Trials side by side: two registers of eight, which do not wait for each other. And orders of each that are carried out
# before they are measured: they stay in the cache.
LANES = 16
CHUNK = 16
# A row of the sheet is one order of every lane. First the state before it, which the order before has written: the
# account, …
CASH, UNITS, SUM, SQUARE, WORST, FLOOR, OPENED, PAID, SLIPPED = (LANES * at for at in range(9))
# … the peak of equity, the deepest drawdown as equity / peak, the worst that stretches with a new peak may have done,
# and how many stretches earned other returns than the price …
PEAK, DEEPEST, THREATS, OTHERS = (LANES * at for at in range(9, 13))
# … then what is known of the order: its price and target, the close of its bar and of the bar before. And of the
# stretch from the previous order to the bar before this one: what the price has earned, its highest and lowest close,
# and the worst that it may have done.
AT, AIM, THEN, BEFORE, EARNED, EARNED_SQUARED, TOP, BOTTOM, THREAT = (LANES * at for at in range(13, 22))
STATE, WIDTH = 13 * LANES, 22 * LANES
SHEET = (CHUNK + 1) * WIDTH
# Marks of a lane: the sums over bars that had to be gone through one by one, and the least equity among those.
MORE, MORE_SQUARED, LEAST = range(3)
MARKS = 3


class Lanes(NamedTuple):
    """Of every lane: the row that its trial has in the result, -1 while it has none; how many orders it has, and how
    many are done; bars since <= t < end are ahead of it. `at` and `targets` [LANES, T] are its orders: the bar of the
    course at which each is filled, increasing, and the target. `sheet` and `marks` are its state.
    """

    trial: NDArray[np.int64]
    orders: NDArray[np.int64]
    done: NDArray[np.int64]
    since: NDArray[np.int64]
    end: NDArray[np.int64]
    at: NDArray[np.int32]
    targets: Floats
    sheet: Floats
    marks: Floats


@jit
def clear(lanes: Lanes) -> None:
    """No trial anywhere. What idle lanes hold is never read, but has to be numbers that are quick to compute with."""
    for at in range(lanes.sheet.shape[0]):
        lanes.sheet[at] = 1.0
    for lane in range(LANES):
        lanes.trial[lane] = -1


@jit
def seat(lane: int, trial: int, begin: int, end: int, capital: float, lowest: float, lanes: Lanes) -> None:
    """Give a lane, whose orders have been written, a trial over bars begin <= t < end with this lowest close."""
    sheet, marks = lanes.sheet, lanes.marks[lane]
    lanes.trial[lane] = trial
    lanes.done[lane] = 0
    lanes.since[lane] = begin
    lanes.end[lane] = end
    for field in range(0, STATE, LANES):
        sheet[field + lane] = 0.0
    sheet[CASH + lane] = capital
    sheet[WORST + lane] = capital
    sheet[FLOOR + lane] = lowest
    sheet[PEAK + lane] = capital
    sheet[DEEPEST + lane] = 1.0
    sheet[THREATS + lane] = 1.0
    marks[MORE] = 0.0
    marks[MORE_SQUARED] = 0.0
    marks[LEAST] = capital


def lanes_of(total: int) -> Lanes:
    """Idle lanes with room for orders at `total` bars."""
    trial, orders, done, since, end = np.zeros((5, LANES), dtype=np.int64)
    at, targets = np.empty((LANES, total + 1), dtype=np.int32), np.empty((LANES, total + 1))
    lanes = Lanes(trial, orders, done, since, end, at, targets, np.empty(SHEET), np.empty((LANES, MARKS)))
    clear(lanes)
    return lanes
