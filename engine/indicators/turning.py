"""Kernels of what turns and what stands until it turns: one column bar by bar, several of them row by row.

In one column a branch is guessed right, because turns are seldom; of many columns one always turns, and what is chosen
without a branch is done for several columns in one step.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.jit import inlined, jit

# Bars of one column that are looked at together.
AT_ONCE = 256


@inlined
def rises(now: float, before: float) -> bool:
    return (now > 0.0) & (before <= 0.0)


@inlined
def falls(now: float, before: float) -> bool:
    return (now < 0.0) & (before >= 0.0)


@jit
def turns(relation: Floats, before: Floats, up: NDArray[np.bool_], down: NDArray[np.bool_]) -> None:
    """Where a relation rises, and where it falls; `before` [N] is room for the last one that was known."""
    before[:] = np.nan
    for t in range(relation.shape[0]):
        row, rising, falling = relation[t], up[t], down[t]
        for n in range(row.shape[0]):
            now, last = row[n], before[n]
            rising[n] = rises(now, last)
            falling[n] = falls(now, last)
            before[n] = last if math.isnan(now) else now


@inlined
def last_turn_of_one(relation: Floats, up: float, down: float, out: Floats) -> None:
    """`last_turn` of one column. After a first turn what is no tie says by its sign which turn was the last."""
    before, side, turned = np.nan, 0.0, False
    for first in range(0, relation.shape[0], AT_ONCE):
        some, stands = relation[first : first + AT_ONCE], out[first : first + AT_ONCE]
        plain = turned
        for k in range(some.shape[0]):
            plain &= abs(some[k, 0]) > 0.0
        if plain:
            for k in range(some.shape[0]):
                stands[k, 0] = up if some[k, 0] > 0.0 else down
            before, side = some[some.shape[0] - 1, 0], stands[some.shape[0] - 1, 0]
            continue
        for k in range(some.shape[0]):
            now = some[k, 0]
            if rises(now, before):
                side, turned = up, True
            elif falls(now, before):
                side, turned = down, True
            before = before if math.isnan(now) else now
            stands[k, 0] = side


@jit
def last_turn(relation: Floats, up: float, down: float, state: Floats, out: Floats) -> None:
    """`up` since a relation rose, `down` since it fell, at first 0; `state` [2, N] is room."""
    if relation.shape[1] == 1:
        last_turn_of_one(relation, up, down, out)
        return
    before, side = state[0], state[1]
    before[:] = np.nan
    side[:] = 0.0
    for t in range(relation.shape[0]):
        row, stands = relation[t], out[t]
        for n in range(row.shape[0]):
            now, last, stood = row[n], before[n], side[n]
            turned = down if falls(now, last) else stood
            turned = up if rises(now, last) else turned
            stands[n] = side[n] = turned
            before[n] = last if math.isnan(now) else now


@inlined
def latch_of_one(on: NDArray[np.bool_], off: NDArray[np.bool_], out: Floats) -> None:
    state = 0.0
    for t in range(on.shape[0]):
        state = 0.0 if off[t, 0] else state
        state = 1.0 if on[t, 0] else state
        out[t, 0] = state


@jit
def latches(on: NDArray[np.bool_], off: NDArray[np.bool_], state: Floats, out: Floats) -> None:
    """1 from each `on` until the next `off`, `on` before `off`; `state` [N] is room."""
    if on.shape[1] == 1:
        latch_of_one(on, off, out)
        return
    state[:] = 0.0
    for t in range(on.shape[0]):
        opens, ends, held = on[t], off[t], out[t]
        for n in range(held.shape[0]):
            state[n] = 1.0 if opens[n] else (0.0 if ends[n] else state[n])
            held[n] = state[n]
