"""Moving averages."""

from __future__ import annotations

import math

import numpy as np

from engine.bars import Floats
from engine.indicators import moments
from engine.indicators.arrays import run, whole
from engine.indicators.rolling import rolling_sum
from engine.jit import jit


@jit
def exponential(values: Floats, window: int, skip: int, alpha: float, out: Floats) -> None:
    """Start at the mean of `window` traded bars, the first `skip` ones left out, then go a part `alpha` of the way."""
    for n in range(values.shape[1]):
        count = -skip
        start, total, average = 0.0, 0.0, 0.0
        for t in range(values.shape[0]):
            out[t, n] = np.nan
            if math.isnan(values[t, n]):
                continue
            count += 1
            if count > window:
                average += alpha * (values[t, n] - average)
            elif count > 0:
                start = values[t, n] if count == 1 else start
                total += values[t, n] - start
                average = start + total / window
            if count >= window:
                out[t, n] = average


def sma(values: Floats, window: int) -> Floats:
    """Simple moving average: the mean of the last `window` traded bars.

    Unit: that of the values. Source: Kaufman (2013), Trading Systems and Methods, 5th ed., ch. 7.
    Warm-up: row window - 1. NaN: skipped.
    """
    return rolling_sum(values, window) / window


def ema(values: Floats, window: int) -> Floats:
    """Exponential moving average, a = 2 / (window + 1): e_t = e_(t-1) + a (x_t - e_(t-1)).

    It starts with the mean of the first `window` traded bars. Unit: that of the values.
    Source: Kaufman (2013), Trading Systems and Methods, 5th ed., ch. 7.
    Warm-up: row window - 1. NaN: skipped, without ageing the average.
    """
    whole(1, window=window)
    return run(exponential, values, window, 0, 2.0 / (window + 1.0))


def rma(values: Floats, window: int) -> Floats:
    """Wilder's average: an exponential one with a = 1 / window, which starts with the mean of `window` traded bars.

    Unit: that of the values. Source: Wilder (1978), New Concepts in Technical Trading Systems, section II.
    Warm-up: row window - 1. NaN: skipped, without ageing the average.
    """
    whole(1, window=window)
    return run(exponential, values, window, 0, 1.0 / window)


def wma(values: Floats, window: int) -> Floats:
    """Weighted average of the last `window` traded bars with weights 1 to `window`, the newest the heaviest.

    sum(i x_i) / (window (window + 1) / 2). Unit: that of the values.
    Source: Kaufman (2013), Trading Systems and Methods, 5th ed., ch. 7.
    Warm-up: row window - 1. NaN: skipped.
    """
    whole(1, window=window)
    return run(moments.weighted, values, window)
