"""Kernels of the rank of a value among the last ones: counted in short windows, looked up in long ones."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.indicators.columns import STRIP, put, take
from engine.jit import inlined, jit

# The longest window that is counted through: several values in a step, it takes no longer than to walk the tree.
COUNTED = 256


@inlined
def mean_rank(below: int, equal: int, window: int) -> float:
    """That of a value among `window`, itself among the `equal` ones, as a fraction."""
    return float((below + 0.5 * (equal + 1.0)) / window)


@jit
def count(series: Floats, window: int, found: Floats) -> None:
    """Ranks in one column without gaps."""
    found[: window - 1] = np.nan
    for t in range(window - 1, series.shape[0]):
        value, some = series[t, 0], series[t + 1 - window : t + 1]
        below = not_above = 0
        for k in range(some.shape[0]):
            below += 1 if some[k, 0] < value else 0
            not_above += 1 if some[k, 0] <= value else 0
        found[t, 0] = mean_rank(below, not_above - below, window)


@jit
def counted(values: Floats, window: int, room: Floats, counts: NDArray[np.int64], out: Floats) -> None:
    """Ranks in each column by counting; for the room see `columns`."""
    series, found = room[0], room[1]
    for n in range(0, values.shape[1], STRIP):
        stop = min(n + STRIP, values.shape[1])
        take(values, n, stop, series, counts)
        for lane in range(stop - n):
            count(series[lane][: counts[lane]], window, found[lane][: counts[lane]])
        put(values, n, stop, found, counts, out)


@jit
def add(tree: NDArray[np.int64], place: int, change: int) -> None:
    """Add to the number of values at this place (Fenwick 1994: a tree of counts in one array)."""
    while place < tree.shape[0]:
        tree[place] += change
        place += place & -place


@jit
def up_to(tree: NDArray[np.int64], place: int) -> int:
    """How many values are at this place or a lower one."""
    found = 0
    while place > 0:
        found += tree[place]
        place -= place & -place
    return found


@jit
def looked_up(values: Floats, places: NDArray[np.int64], window: int, tree: NDArray[np.int64], out: Floats) -> None:
    """Ranks in each column by a tree over the places [T, N] that its values have in order."""
    for n in range(values.shape[1]):
        tree[:] = 0
        traded = 0
        oldest = 0
        for t in range(values.shape[0]):
            out[t, n] = np.nan
            if math.isnan(values[t, n]):
                continue
            traded += 1
            add(tree, places[t, n], 1)
            if traded > window:
                while math.isnan(values[oldest, n]):
                    oldest += 1
                add(tree, places[oldest, n], -1)
                oldest += 1
            if traded >= window:
                below = up_to(tree, places[t, n] - 1)
                out[t, n] = mean_rank(below, up_to(tree, places[t, n]) - below, window)
