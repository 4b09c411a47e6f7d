"""Trials side by side: where their orders and the state of their accounts are kept.

The sheet is CHUNK + 1 rows, laid flat: field f of order k in lane n is `sheet[k * WIDTH + f + n]`, one field of all
lanes beside each other. Row k is the state before order k and the stretch that leads to it; after CHUNK orders the last
row becomes the first.

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
# The state before an order. First the account, …
CASH, UNITS, SUM, SQUARE, WORST, FLOOR, OPENED, PAID, SLIPPED = (LANES * at for at in range(9))
# … then the peak of equity and the deepest drawdown, as equity / peak; and of the stretches of this chunk the least
# BOUND, and how many earned other returns than the price.
PEAK, DEEPEST, LEAST_BOUND, UNLIKE = (LANES * at for at in range(9, 13))
# What is known of the order: its price and target, the close of its bar and of the bar before …
AT, AIM, THEN, BEFORE = (LANES * at for at in range(13, 17))
# … and of the stretch that leads to it: what the price has earned, its highest and lowest close, and where it has a new
# peak the least that equity / peak may have been.
EARNED, EARNED_SQUARED, TOP, BOTTOM, BOUND = (LANES * at for at in range(17, 22))
STATE, WIDTH = 13 * LANES, 22 * LANES
SHEET = (CHUNK + 1) * WIDTH
# Marks of a lane: the sums over bars that had to be gone through one by one, and the least equity among those.
MORE, MORE_SQUARED, LEAST = range(3)
MARKS = 3


class Lanes(NamedTuple):
    """Of every lane: the row that its trial has in the result, -1 while it has none; how many orders it has, and how
    many are done; the bar at which it ends. `at` and `targets` [LANES, T] are its orders: the bar of the
    course at which each is filled, increasing, and the target. `sheet` and `marks` are its state.
    """

    trial: NDArray[np.int64]
    orders: NDArray[np.int64]
    done: NDArray[np.int64]
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
def seat(lane: int, trial: int, end: int, capital: float, lowest: float, lanes: Lanes) -> None:
    """Give a lane, whose orders have been written, a trial over bars up to `end` with this lowest close."""
    sheet, marks = lanes.sheet, lanes.marks[lane]
    lanes.trial[lane] = trial
    lanes.done[lane] = 0
    lanes.end[lane] = end
    for field in range(0, STATE, LANES):
        sheet[field + lane] = 0.0
    sheet[CASH + lane] = capital
    sheet[WORST + lane] = capital
    sheet[FLOOR + lane] = lowest
    sheet[PEAK + lane] = capital
    sheet[DEEPEST + lane] = 1.0
    sheet[LEAST_BOUND + lane] = 1.0
    marks[MORE] = 0.0
    marks[MORE_SQUARED] = 0.0
    marks[LEAST] = capital


def lanes_of(total: int) -> Lanes:
    """Idle lanes with room for orders at `total` bars."""
    trial, orders, done, end = np.zeros((4, LANES), dtype=np.int64)
    at, targets = np.empty((LANES, total + 1), dtype=np.int32), np.empty((LANES, total + 1))
    lanes = Lanes(trial, orders, done, end, at, targets, np.empty(SHEET), np.empty((LANES, MARKS)))
    clear(lanes)
    return lanes
