"""Trials whose weights are given: where they change, sixty-four bars in one word, and what that orders."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.bits import ONE, WORD, equal_mask, trailing_zeros
from engine.book import LEVERAGE_SLACK
from engine.config import Config
from engine.decisions import LARGEST
from engine.jit import inlined, jit
from engine.sweep.course import Course
from engine.sweep.kernel import advance
from engine.sweep.lanes import LANES, Lanes, seat
from engine.sweep.orders import Fees


class Wishes(NamedTuple):
    """Weights [n, T] of every trial over all bars, and the same memory as whole numbers `bits`.

    `fills` [T] says at which traded bar a decision is carried out; from their number on, at none. A weight below
    `least` counts as that, one beyond `most` is brought back to it. `flags` (of `flags_for(T)`) is room to
    work in; past bar T they stay 0.
    """

    weights: NDArray[Any]
    bits: NDArray[Any]
    fills: NDArray[np.int64]
    least: float
    most: float
    flags: NDArray[np.int8]


@inlined
def within(weight: float, least: float, most: float) -> float:
    """The target that a run of one symbol makes of a weight: `engine.decisions.decide`."""
    weight = least if weight < least else weight
    size = abs(weight)
    return weight * (most / size) if size > most * LEVERAGE_SLACK else weight


def least_of(config: Config) -> float:
    """The lowest weight that is permitted."""
    return -math.inf if config.allow_short else 0.0


@jit
def differ(bits: NDArray[Any], flags: NDArray[np.int8]) -> None:
    """Flag the first bar and those whose weight is not the one before, in bits: NaN is NaN here."""
    flags[0] = 1
    for t in range(1, bits.shape[0]):
        flags[t] = np.int8(bits[t] != bits[t - 1])


@jit
def ordered(i: int, bars: int, lane: int, wishes: Wishes, lanes: Lanes) -> bool:
    """Write the orders of trial i into a lane, as `simulation` makes them; False where a weight is too large.

    An order for a bar without a price waits for the next bar with one; the latest of those that wait is carried out.
    """
    weights, flags = wishes.weights[i], wishes.flags
    at, targets = lanes.at[lane], lanes.targets[lane]
    differ(wishes.bits[i], flags)
    wished = 0.0
    count = 0
    last = -1
    for start in range(0, weights.shape[0], WORD):
        changed = equal_mask(flags, start, 1)
        while changed != 0:
            t = start + trailing_zeros(changed)
            changed &= changed - ONE
            weight = float(weights[t])
            if math.isnan(weight):
                continue
            if abs(weight) > LARGEST:
                return False
            weight = max(weight, wishes.least)
            if weight == wished:
                continue
            wished = weight
            fill = wishes.fills[t]
            if fill < bars:
                count += 1 if fill != last else 0
                last = fill
                at[count - 1] = fill
                targets[count - 1] = within(weight, wishes.least, wishes.most)
    lanes.orders[lane] = count
    return True


@jit
def replayed(wishes: Wishes, capital: float, course: Course, fees: Fees, lanes: Lanes, rows: Floats) -> int:
    """Every trial of a block, from its weights to its row of `rows`; the first one with a weight too large, else -1."""
    bars = course.table.shape[0]
    started = 0
    busy = True
    while busy:
        busy = False
        for lane in range(LANES):
            if lanes.trial[lane] < 0 and started < rows.shape[0]:
                if not ordered(started, bars, lane, wishes, lanes):
                    return started
                seat(lane, started, bars, capital, course.lowest[0], lanes)
                started += 1
            busy = busy or lanes.trial[lane] >= 0
        advance(True, course, fees, lanes, rows)
    return -1
