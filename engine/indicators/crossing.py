"""Who is above whom, when that changes, and what to hold in between."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.bars import Floats
from engine.errors import InvalidInput
from engine.indicators.arrays import as_rows, run, together, whole
from engine.indicators.moments import following
from engine.jit import jit

# Two averages of decimal prices that are equal on paper differ by the rounding of their binary forms, some 1e-16
# of their size; prices that differ on paper do so by far more than this.
TIE = 1e-12
EPSILON = 2.0**-52


@jit
def _latch(on: NDArray[np.bool_], off: NDArray[np.bool_], out: Floats) -> None:
    for n in range(on.shape[1]):
        state = 0.0
        for t in range(on.shape[0]):
            if off[t, n]:
                state = 0.0
            if on[t, n]:
                state = 1.0
            out[t, n] = state


@jit
def exact(values: Floats, n: int, t: int, window: int) -> float:
    """Sum of the last `window` traded values up to row t, in two floats (Knuth's TwoSum)."""
    total = 0.0
    rest = 0.0
    while window > 0:
        value = values[t, n]
        t -= 1
        if math.isnan(value):
            continue
        window -= 1
        grown = total + value
        part = grown - total
        rest += (total - (grown - part)) + (value - part)
        total = grown
    return total + rest


@jit
def _compare(values: Floats, fast: int, slow: int, out: Floats) -> None:
    """Sliding sums; exact ones where the rounding that they may have gathered could decide.

    Each step rounds twice, by at most half an EPSILON of what no sum or value exceeds: window x the largest value.
    """
    reach = 2.0 * EPSILON * (slow * (fast + 2.0) + fast * (slow + 2.0))
    for n in range(values.shape[1]):
        count = steps = 0
        oldest_fast = oldest_slow = 0
        ahead = behind = largest = 0.0
        for t in range(values.shape[0]):
            value = values[t, n]
            out[t, n] = np.nan
            if math.isnan(value):
                continue
            count += 1
            steps += 1
            largest = max(largest, abs(value))
            ahead += value
            behind += value
            if count > fast:
                oldest_fast = following(values, oldest_fast, n)
                ahead -= values[oldest_fast, n]
                oldest_fast += 1
            if count > slow:
                oldest_slow = following(values, oldest_slow, n)
                behind -= values[oldest_slow, n]
                oldest_slow += 1
            if count < fast or count < slow:
                continue
            gap, size = slow * ahead - fast * behind, abs(fast * behind)
            if abs(abs(gap) - TIE * size) <= reach * steps * largest:
                ahead, behind, steps = exact(values, n, t, fast), exact(values, n, t, slow), 1
                gap, size = slow * ahead - fast * behind, abs(fast * behind)
            out[t, n] = 0.0 if abs(gap) <= TIE * size else math.copysign(1.0, gap)


@jit
def _turns(relation: Floats, up: NDArray[np.bool_], down: NDArray[np.bool_]) -> None:
    for n in range(relation.shape[1]):
        before = np.nan
        for t in range(relation.shape[0]):
            now = relation[t, n]
            up[t, n] = now > 0.0 and before <= 0.0
            down[t, n] = now < 0.0 and before >= 0.0
            before = before if math.isnan(now) else now


@jit
def _last_turn(relation: Floats, out: Floats) -> None:
    for n in range(relation.shape[1]):
        before = np.nan
        side = 0.0
        for t in range(relation.shape[0]):
            now = relation[t, n]
            if now > 0.0 and before <= 0.0:
                side = 1.0
            elif now < 0.0 and before >= 0.0:
                side = -1.0
            out[t, n] = side
            before = before if math.isnan(now) else now


def compare_averages(values: Floats, fast: int, slow: int) -> Floats:
    """1 where the average of `fast` bars is above that of `slow` bars, -1 where below, 0 in a tie, NaN before both.

    Decided on slow x sum_fast against fast x sum_slow, where no quotient and no sum is rounded; a difference below
    1e-12 of their size is a tie. Unit: sign. Source: the rule is ours. Warm-up: row max(fast, slow) - 1. NaN: skipped.
    """
    whole(1, fast=fast, slow=slow)
    return run(_compare, values, fast, slow)


def crosses(relation: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a relation (1 above, 0 tie, -1 below) turns: from at-or-below to above, and from at-or-above to below.

    Unit: truth. Source: the rule is ours. Warm-up: row 1 after the relation's first. NaN: skipped, so that a
    turn is seen over it; false there.
    """
    rows = as_rows(relation)
    up, down = np.empty((2, *rows.shape), dtype=np.bool_)
    _turns(rows, up, down)
    shape = np.shape(relation)
    return up.reshape(shape), down.reshape(shape)


def last_cross(relation: Floats) -> Floats:
    """1 after the last turn upwards, -1 after the last one downwards, 0 before the first: see `crosses`.

    Unit: sign. Source: the rule is ours. Warm-up: row 1 after the relation's first. NaN: skipped, so that a turn is
    seen over it; the last turn stands there.
    """
    rows = as_rows(relation)
    out = np.empty(rows.shape)
    _last_turn(rows, out)
    return out.reshape(np.shape(relation))


def cross_above(values: ArrayLike, others: ArrayLike) -> NDArray[np.bool_]:
    """Where `values` goes from at or below `others` (values or one level) to above them.

    A difference below 1e-12 of the larger of the two is a tie. Unit: truth. Source: the rule is ours.
    Warm-up: row 1. NaN: a bar counts when both are known; a cross is seen over the others; false there.
    """
    return crosses(_relation(values, others))[0]


def cross_below(values: ArrayLike, others: ArrayLike) -> NDArray[np.bool_]:
    """Where `values` goes from at or above `others` (values or one level) to below them.

    A difference below 1e-12 of the larger of the two is a tie. Unit: truth. Source: the rule is ours.
    Warm-up: row 1. NaN: a bar counts when both are known; a cross is seen over the others; false there.
    """
    return crosses(_relation(values, others))[1]


def _relation(values: ArrayLike, others: ArrayLike) -> Floats:
    x, y = together(values, others)
    size = np.maximum(np.abs(x), np.abs(y))
    sign: Floats = np.where(np.abs(x - y) <= TIE * size, 0.0, np.sign(x - y))
    return sign


def latch(on: NDArray[np.bool_], off: NDArray[np.bool_]) -> Floats:
    """1 from each `on` until the next `off`, 0 elsewhere; where both are set, `on` wins.

    Unit: 0 or 1. Source: the set-reset latch of electronics. Warm-up: row 0. NaN: there is none among truths.
    """
    shape = np.shape(on)
    if np.shape(off) != shape:
        raise InvalidInput(f"on and off must have one shape, given {shape} and {np.shape(off)}.")
    rows = [np.ascontiguousarray(values).reshape(shape[0], math.prod(shape[1:])) for values in (on, off)]
    out = np.empty(rows[0].shape)
    _latch(rows[0], rows[1], out)
    return out.reshape(shape)
