"""Moving averages."""

from __future__ import annotations

import math

import numpy as np

from engine.bars import Floats
from engine.indicators import moments
from engine.indicators.abreast import ABREAST, in_step
from engine.indicators.arrays import run, whole
from engine.indicators.rolling import rolling_sum
from engine.jit import inlined, jit


@inlined
def smooth(
    value: float, count: float, window: int, alpha: float, start: float, total: float, average: float
) -> tuple[float, float, float]:
    """`exponential` one value further, which is the `count`th: start, total and average, without a branch."""
    start = value if count == 1.0 else start
    total += value - start
    begun = start + total / window
    later = average + alpha * (value - average)
    return start, total, later if count > window else begun


@jit
def exponential_of(n: int, values: Floats, window: int, skip: int, alpha: float, out: Floats) -> None:
    """`exponential` of column n."""
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


@jit
def exponential_abreast(
    values: Floats, n: int, stop: int, window: int, skip: int, alpha: float, room: Floats, out: Floats
) -> None:
    """`exponential` of the columns n to `stop`, which trade in the same rows; the same bits: see `abreast`."""
    start, total, average = room[0, : stop - n], room[1, : stop - n], room[2, : stop - n]
    total[:] = 0.0
    count = -skip
    for t in range(values.shape[0]):
        now, found = values[t, n:stop], out[t, n:stop]
        traded = not math.isnan(now[0])
        count += 1 if traded else 0
        if traded and count > window:
            for lane in range(now.shape[0]):
                average[lane] += alpha * (now[lane] - average[lane])
        elif traded and count > 0:
            for lane in range(now.shape[0]):
                start[lane] = now[lane] if count == 1 else start[lane]
                total[lane] += now[lane] - start[lane]
                average[lane] = start[lane] + total[lane] / window
        there = traded and count >= window
        for lane in range(found.shape[0]):
            found[lane] = average[lane] if there else np.nan


@jit
def exponential(values: Floats, window: int, skip: int, alpha: float, room: Floats, out: Floats) -> None:
    """Start at the mean of `window` traded bars, the first `skip` ones left out, then go a part `alpha` of the way."""
    n = 0
    while n < values.shape[1]:
        width = in_step(values, n)
        if width == 1:
            exponential_of(n, values, window, skip, alpha, out)
        else:
            exponential_abreast(values, n, n + width, window, skip, alpha, room, out)
        n += width


def smoothed(values: Floats, window: int, alpha: float, *, skip: int = 0) -> Floats:
    """An exponential average: see `exponential`."""
    return run(exponential, values, window, skip, alpha, np.empty((3, ABREAST)))


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
    return smoothed(values, window, 2.0 / (window + 1.0))


def rma(values: Floats, window: int) -> Floats:
    """Wilder's average: an exponential one with a = 1 / window, which starts with the mean of `window` traded bars.

    Unit: that of the values. Source: Wilder (1978), New Concepts in Technical Trading Systems, section II.
    Warm-up: row window - 1. NaN: skipped, without ageing the average.
    """
    whole(1, window=window)
    return smoothed(values, window, 1.0 / window)


def wma(values: Floats, window: int) -> Floats:
    """Weighted average of the last `window` traded bars with weights 1 to `window`, the newest the heaviest.

    sum(i x_i) / (window (window + 1) / 2). Unit: that of the values.
    Source: Kaufman (2013), Trading Systems and Methods, 5th ed., ch. 7.
    Warm-up: row window - 1. NaN: skipped.
    """
    whole(1, window=window)
    return run(moments.weighted, values, window)
