"""Who is above whom, when that changes, and what to hold in between."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.bars import Floats
from engine.errors import InvalidInput
from engine.indicators.arrays import together
from engine.indicators.rolling import lag, rolling_sum
from engine.jit import jit

# Two averages of decimal prices that are equal on paper differ by the rounding of their binary forms, some 1e-16
# of their size; prices that differ on paper do so by far more than this.
TIE = 1e-12


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


def compare_averages(values: Floats, fast: int, slow: int) -> Floats:
    """1 where the average of `fast` bars is above that of `slow` bars, -1 where below, 0 in a tie, NaN before both.

    Decided on slow x sum_fast against fast x sum_slow: no quotient is rounded; a difference below 1e-12 of their
    size is a tie. Unit: sign. Source: the rule is ours. Warm-up: row max(fast, slow) - 1. NaN: skipped.
    """
    ahead, behind = slow * rolling_sum(values, fast), fast * rolling_sum(values, slow)
    gap = ahead - behind
    sign: Floats = np.where(np.abs(gap) <= TIE * np.abs(behind), 0.0, np.sign(gap))
    return np.where(np.isnan(gap), np.nan, sign)


def crosses(relation: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a relation (1 above, 0 tie, -1 below) turns: from at-or-below to above, and from at-or-above to below.

    Unit: truth. Source: the rule is ours. Warm-up: row 1 after the relation's first. NaN: skipped, so that a
    turn is seen over it; false there.
    """
    before = lag(relation, 1)
    return (relation > 0.0) & (before <= 0.0), (relation < 0.0) & (before >= 0.0)


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
