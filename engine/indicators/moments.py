"""Kernels over sliding power sums. Every indicator that needs a mean, a variance or more stands on this page.

The sums are of distances from a base, kept in two floats each (Knuth's TwoSum), and built anew every `window` traded
bars around the newest value as base. So the base is always one of the window's own values, and the mean is at most
sqrt(n) standard deviations from it: however large the prices and however small their movements, the sums lose no
more than a factor n of the last digit. Work per bar does not depend on the window.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from engine.bars import Floats
from engine.jit import inlined, jit

# A sum and what its rounding has cost it so far.
Sum: TypeAlias = tuple[float, float]
NOTHING: Sum = (0.0, 0.0)


@inlined
def plus(total: Sum, added: float) -> Sum:
    grown = total[0] + added
    part = grown - total[0]
    return grown, total[1] + ((total[0] - (grown - part)) + (added - part))


@inlined
def value_of(total: Sum) -> float:
    return total[0] + total[1]


@inlined
def following(values: Floats, row: int, n: int) -> int:
    """The first traded row of column n, from `row` on."""
    while row < values.shape[0] and math.isnan(values[row, n]):
        row += 1
    return row


@jit
def sums(n: int, values: Floats, window: int, out: Floats) -> None:
    """Sum of the window in column n: what leaves it leaves no rounding behind."""
    first = following(values, 0, n)
    count, total = 0, NOTHING
    for t in range(values.shape[0]):
        out[t, n] = np.nan
        if math.isnan(values[t, n]):
            continue
        count += 1
        total = plus(total, values[t, n])
        if count > window:
            total = plus(total, -values[first, n])
            first = following(values, first + 1, n)
        if count >= window:
            out[t, n] = value_of(total)


@jit
def deviations(n: int, values: Floats, window: int, ddof: int, scored: bool, out: Floats) -> None:
    """Standard deviation in column n or, when `scored`, how many of them the newest value is from the mean."""
    first = following(values, 0, n)
    share, free = 1.0 / window, 1.0 / (window - ddof)
    count, same, last, base = 0, 0, 0.0, 0.0
    sum1 = sum2 = NOTHING
    for t in range(values.shape[0]):
        out[t, n] = np.nan
        value = values[t, n]
        if math.isnan(value):
            continue
        count += 1
        same = same + 1 if value == last else 1
        last = value
        if count > window:
            gone = values[first, n] - base
            first = following(values, first + 1, n)
            sum1, sum2 = plus(sum1, -gone), plus(sum2, -gone * gone)
        start = t
        if count % window == 0:
            base, start, sum1, sum2 = value, first, NOTHING, NOTHING
        if count < window:
            continue
        for row in range(start, t + 1):
            if not math.isnan(values[row, n]):
                new = values[row, n] - base
                sum1, sum2 = plus(sum1, new), plus(sum2, new * new)
        mean = value_of(sum1) * share
        squares = value_of(sum2) - value_of(sum1) * mean
        # A window of one repeated value has no deviation at all, not even that of rounding.
        deviation = 0.0 if same >= window or squares <= 0.0 else math.sqrt(squares * free)
        if not scored:
            out[t, n] = deviation
        elif deviation > 0.0:
            out[t, n] = (value - base - mean) / deviation


@jit
def skew_of(n: int, mean: float, second: float, third: float) -> float:
    """Bias-corrected skewness from power means around the base."""
    spread = second - mean * mean
    if spread <= 0.0:
        return math.nan
    central = third - 3.0 * mean * second + 2.0 * mean * mean * mean
    return math.sqrt(n * (n - 1.0)) / (n - 2.0) * central / (spread * math.sqrt(spread))


@jit
def kurtosis_of(n: int, mean: float, second: float, third: float, fourth: float) -> float:
    """Bias-corrected excess kurtosis from power means around the base."""
    spread = second - mean * mean
    if spread <= 0.0:
        return math.nan
    square = mean * mean
    central = fourth - 4.0 * mean * third + 6.0 * square * second - 3.0 * square * square
    return (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * central / (spread * spread) - 3.0 * (n - 1.0))


@jit
def shapes(values: Floats, window: int, fourth: bool, out: Floats) -> None:
    """Skewness of the window or, when `fourth`, its excess kurtosis."""
    for n in range(values.shape[1]):
        first = following(values, 0, n)
        count, same, last, base = 0, 0, 0.0, 0.0
        sum1 = sum2 = sum3 = sum4 = NOTHING
        for t in range(values.shape[0]):
            out[t, n] = np.nan
            value = values[t, n]
            if math.isnan(value):
                continue
            count += 1
            same = same + 1 if value == last else 1
            last = value
            if count > window:
                gone = values[first, n] - base
                square = gone * gone
                first = following(values, first + 1, n)
                sum1, sum2 = plus(sum1, -gone), plus(sum2, -square)
                sum3, sum4 = plus(sum3, -square * gone), plus(sum4, -square * square)
            start = t
            if count % window == 0:
                base, start = value, first
                sum1 = sum2 = sum3 = sum4 = NOTHING
            if count < window:
                continue
            for row in range(start, t + 1):
                if not math.isnan(values[row, n]):
                    new = values[row, n] - base
                    square = new * new
                    sum1, sum2 = plus(sum1, new), plus(sum2, square)
                    sum3, sum4 = plus(sum3, square * new), plus(sum4, square * square)
            if same >= window:
                continue
            mean, second, third = value_of(sum1) / window, value_of(sum2) / window, value_of(sum3) / window
            if fourth:
                out[t, n] = kurtosis_of(window, mean, second, third, value_of(sum4) / window)
            else:
                out[t, n] = skew_of(window, mean, second, third)


@jit
def weighted(values: Floats, window: int, out: Floats) -> None:
    """Mean of the window with the weights 1 to `window`, the newest the heaviest."""
    for n in range(values.shape[1]):
        first = following(values, 0, n)
        count, base = 0, 0.0
        plain = heavy = NOTHING
        for t in range(values.shape[0]):
            out[t, n] = np.nan
            if math.isnan(values[t, n]):
                continue
            count += 1
            if count > window:
                gone = values[first, n] - base
                first = following(values, first + 1, n)
                heavy = plus(plus(heavy, -plain[0]), -plain[1])
                plain = plus(plain, -gone)
            start, weight = t, window
            if count % window == 0:
                base, start, weight = values[t, n], first, 1
                plain = heavy = NOTHING
            if count < window:
                continue
            for row in range(start, t + 1):
                if not math.isnan(values[row, n]):
                    new = values[row, n] - base
                    plain, heavy = plus(plain, new), plus(heavy, weight * new)
                    weight += 1
            out[t, n] = base + value_of(heavy) / (0.5 * window * (window + 1.0))
