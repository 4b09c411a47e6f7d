"""Resampling bars that depend on each other: the stationary bootstrap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

# So many numbers of a batch are in memory at a time.
_CELLS = 1 << 20


def stationary_draws(
    bars: int, block_length: float, replications: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """How often each bar is drawn, in batches of replications [b, T]; each row adds up to T.

    Blocks start at any bar with the same chance, run over the end to the first bar, and end after each bar with
    probability 1 / block_length: Politis and Romano (1994), The stationary bootstrap, section 2. A mean over a
    resample is a row of counts times the data. The draws of a replication do not depend on the size of a batch.
    """
    places = np.arange(bars)
    batch = max(1, _CELLS // bars)
    for first in range(0, replications, batch):
        counts = np.empty((min(batch, replications - first), bars))
        for row in counts:
            starts = rng.random(bars) < 1.0 / block_length
            starts[0] = True
            since = np.maximum.accumulate(np.where(starts, places, 0))
            drawn = rng.integers(0, bars, bars)[since] + (places - since)
            row[:] = np.bincount(drawn % bars, minlength=bars)
        yield counts
