"""Resampling bars that depend on each other: the stationary bootstrap and the length of its blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.overfit.hac import autocovariance
from engine.overfit.series import column

# Insignificant autocorrelations in a row that end the search for dependence.
_QUIET = 5
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


def automatic_block_length(values: ArrayLike) -> float:
    """Mean block length, in bars, that is best for the variance of the mean of a series [T]; at least 1.

    (2 G^2 / D)^(1/3) T^(1/3), D = 2 g(0)^2, G = sum |k| w(k / M) c_k and g(0) = sum w(k / M) c_k over |k| <= M, w the
    flat-top window, M twice the first lag from which five autocorrelations in a row are within
    2 sqrt(log10(T) / T): Politis and White (2004), Automatic block-length selection for the dependent bootstrap,
    section 3, with D as corrected by Patton, Politis and White (2009). At most ceil(min(3 sqrt(T), T / 3)). 1 for a
    series without variance or below 3 bars.
    """
    series = column(values, "values")
    count = len(series)
    if count < 3 or float(np.ptp(series)) == 0.0:
        return 1.0
    centred = series - series.mean()
    reach = min(math.isqrt(count - 1) + 1 + _QUIET, count - 1)
    covariances = np.array([autocovariance(centred, lag) for lag in range(reach + 1)])
    quiet = np.abs(covariances / covariances[0]) < 2.0 * math.sqrt(math.log10(count) / count)
    silences = (lag for lag in range(1, reach + 2 - _QUIET) if quiet[lag : lag + _QUIET].all())
    width = min(2 * next(silences, reach), reach)
    lags = np.arange(1, width + 1)
    weighed = np.minimum(1.0, 2.0 * (1.0 - lags / width)) * covariances[1 : width + 1]
    level = float(covariances[0] + 2.0 * weighed.sum())
    slope = float(2.0 * (lags * weighed).sum())
    longest = float(math.ceil(min(3.0 * math.sqrt(count), count / 3.0)))
    power, against = slope * slope * count, level * level
    if power >= longest**3 * against:
        return longest
    return max(math.cbrt(power / against), 1.0)
