"""Who is above whom, when that changes, and what to hold in between."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.bars import Floats
from engine.errors import InvalidInput
from engine.indicators.abreast import ABREAST
from engine.indicators.arrays import as_rows, run, together, whole
from engine.indicators.columns import room_for
from engine.indicators.comparing import TIE, compare, relate
from engine.indicators.turning import last_turn, latches, turns


def compare_averages(values: Floats, fast: int, slow: int) -> Floats:
    """1 where the average of `fast` bars is above that of `slow` bars, -1 where below, 0 in a tie, NaN before both.

    Decided on slow x sum_fast against fast x sum_slow, where no quotient and no sum is rounded; a difference below
    1e-12 of their size is a tie. Unit: sign. Source: the rule is ours. Warm-up: row max(fast, slow) - 1. NaN: skipped.
    """
    whole(1, fast=fast, slow=slow)
    rows = as_rows(values)
    out = np.empty(rows.shape)
    if rows.shape[1] == 1 and relate(rows, fast, slow, out):  # as a rule
        return out.reshape(np.shape(values))
    return run(compare, values, fast, slow, np.empty((2, ABREAST)), *room_for(len(values)))


def crosses(relation: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a relation (1 above, 0 tie, -1 below) turns: from at-or-below to above, and from at-or-above to below.

    Unit: truth. Source: the rule is ours. Warm-up: row 1 after the relation's first. NaN: skipped, so that a
    turn is seen over it; false there.
    """
    rows = as_rows(relation)
    up, down = np.empty((2, *rows.shape), dtype=np.bool_)
    turns(rows, np.empty(rows.shape[1]), up, down)
    shape = np.shape(relation)
    return up.reshape(shape), down.reshape(shape)


def last_cross(relation: Floats, up: float = 1.0, down: float = -1.0) -> Floats:
    """`up` after the last turn upwards, `down` after the last one downwards, 0 before the first: see `crosses`.

    Unit: sign, or that of `up` and `down`. Source: the rule is ours. Warm-up: row 1 after the relation's first.
    NaN: skipped, so that a turn is seen over it; the last turn stands there.
    """
    rows = as_rows(relation)
    out = np.empty(rows.shape)
    last_turn(rows, float(up), float(down), np.empty((2, rows.shape[1])), out)
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
    latches(rows[0], rows[1], np.empty(rows[0].shape[1]), out)
    return out.reshape(shape)
