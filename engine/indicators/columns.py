"""Columns one after the other, each as a series without gaps: for kernels that look at one value after the next.

Some columns are taken out and put back together, because what a row holds of them comes in one line of the cache.
Column after column would fetch such a line, of another page, for eight bytes of it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.jit import jit

# Columns that are taken out together.
STRIP = 16


def room_for(bars: int) -> tuple[Floats, NDArray[np.int64]]:
    """Room [2, STRIP, T, 1] for the series and for what is found, and for the number of each one's values."""
    return np.empty((2, STRIP, bars, 1)), np.empty(STRIP, dtype=np.int64)


@jit
def take(values: Floats, n: int, stop: int, series: Floats, counts: NDArray[np.int64]) -> None:
    """The traded bars of the columns n to `stop`, and how many there are of each."""
    counts[:] = 0
    for t in range(values.shape[0]):
        row = values[t, n:stop]
        for lane in range(row.shape[0]):
            series[lane, counts[lane], 0] = row[lane]
            counts[lane] += 0 if math.isnan(row[lane]) else 1


@jit
def put(values: Floats, n: int, stop: int, found: Floats, counts: NDArray[np.int64], out: Floats) -> None:
    """What was found of the columns n to `stop`, at their traded bars; NaN at the others."""
    counts[:] = 0
    for t in range(values.shape[0]):
        row, written = values[t, n:stop], out[t, n:stop]
        for lane in range(row.shape[0]):
            value, traded = found[lane, counts[lane], 0], not math.isnan(row[lane])
            written[lane] = value if traded else np.nan
            counts[lane] += 1 if traded else 0
