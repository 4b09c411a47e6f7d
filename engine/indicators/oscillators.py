"""Oscillators and the strength of trends."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from engine.bars import Floats
from engine.errors import InvalidInput
from engine.indicators.arrays import as_rows, ratio, run, together, whole
from engine.indicators.averages import ema, rma, sma, smooth, smoothed
from engine.indicators.rolling import lag, rolling_max, rolling_min
from engine.indicators.volatility import true_range
from engine.jit import jit


class Macd(NamedTuple):
    """The difference of two averages, its own average, and the difference of those."""

    line: Floats
    signal: Floats
    histogram: Floats


class Directional(NamedTuple):
    """The strength of a trend whichever its direction, and the movement up and down, all from 0 to 100."""

    adx: Floats
    plus: Floats
    minus: Floats


class Stochastic(NamedTuple):
    """The smoothed place of the close in its range, and the average of that, both from 0 to 100."""

    k: Floats
    d: Floats


@jit
def _rsi(values: Floats, window: int, state: Floats, out: Floats) -> None:
    """Row by row, so that columns can be the lanes of vectors; `state` [8, N] is room."""
    before, counts = state[0], state[1]
    start_up, total_up, up = state[2], state[3], state[4]
    start_down, total_down, down = state[5], state[6], state[7]
    state[:] = 0.0
    before[:] = np.nan
    alpha = 1.0 / window
    for t in range(values.shape[0]):
        row, found = values[t], out[t]
        for n in range(row.shape[0]):
            value, last = row[n], before[n]
            change = value - last
            known = not math.isnan(change)
            count = counts[n] + 1.0
            rise, fall = max(change, 0.0), max(-change, 0.0)
            start, total, rose = smooth(rise, count, window, alpha, start_up[n], total_up[n], up[n])
            start_up[n], total_up[n], up[n] = (
                start if known else start_up[n],
                total if known else total_up[n],
                rose if known else up[n],
            )
            start, total, fell = smooth(fall, count, window, alpha, start_down[n], total_down[n], down[n])
            start_down[n], total_down[n], down[n] = (
                start if known else start_down[n],
                total if known else total_down[n],
                fell if known else down[n],
            )
            counts[n] = count if known else counts[n]
            before[n] = last if math.isnan(value) else value
            moved = rose + fell
            told = known & (count >= window) & (moved != 0.0)
            found[n] = 100.0 * (rose / (moved if told else 1.0)) if told else np.nan


@jit
def _moves(high: Floats, low: Floats, state: Floats, up: Floats, down: Floats) -> None:
    """How far the high has risen, where further than the low has fallen, and the other way round; else 0."""
    highest, lowest = state[0], state[1]
    state[:] = np.nan
    for t in range(high.shape[0]):
        tops, bottoms, rises, falls = high[t], low[t], up[t], down[t]
        for n in range(tops.shape[0]):
            top, bottom, last_top, last_bottom = tops[n], bottoms[n], highest[n], lowest[n]
            rise, fall = top - last_top, last_bottom - bottom
            rises[n] = rise if (rise > fall) & (rise > 0.0) else 0.0 * rise  # what is unknown stays so
            falls[n] = fall if (fall > rise) & (fall > 0.0) else 0.0 * fall
            traded = not math.isnan(top)
            highest[n] = top if traded else last_top
            lowest[n] = bottom if traded else last_bottom


@jit
def _wilder_total(values: Floats, window: int, state: Floats, out: Floats) -> None:
    """Wilder's running total: less a part of itself, plus the new value. Starts with window - 1 values, as TA-Lib.

    Row by row, so that columns can be the lanes of vectors; `state` [2, N] is room.
    """
    counts, totals = state[0], state[1]
    state[:] = 0.0
    for t in range(values.shape[0]):
        row, found = values[t], out[t]
        for n in range(row.shape[0]):
            value, count, total = row[n], counts[n] + 1.0, totals[n]
            traded, told = not math.isnan(value), count >= window
            grown = (total - total / window if told else total) + value
            found[n] = grown if told else np.nan  # NaN where the value is
            counts[n] = count if traded else counts[n]
            totals[n] = grown if traded else total


@jit
def _above(values: Floats, first: int, stop: int, base: float) -> float:
    """Sum of values - base; four sums at a time, because each addition has to wait for the one before."""
    a = b = c = d = 0.0
    row = first
    while row + 4 <= stop:
        a += values[row] - base
        b += values[row + 1] - base
        c += values[row + 2] - base
        d += values[row + 3] - base
        row += 4
    while row < stop:
        a += values[row] - base
        row += 1
    return (a + b) + (c + d)


@jit
def _around(values: Floats, first: int, stop: int, base: float, mean: float) -> float:
    """Sum of the sizes of values - base - mean."""
    a = b = c = d = 0.0
    row = first
    while row + 4 <= stop:
        a += abs(values[row] - base - mean)
        b += abs(values[row + 1] - base - mean)
        c += abs(values[row + 2] - base - mean)
        d += abs(values[row + 3] - base - mean)
        row += 4
    while row < stop:
        a += abs(values[row] - base - mean)
        row += 1
    return (a + b) + (c + d)


@jit
def _cci(typical: Floats, window: int, traded: Floats, out: Floats) -> None:
    """Distances are taken from the newest value, so that a window of one repeated value has none at all.

    `traded` [T] is room for the values of a column one behind the other.
    """
    for n in range(typical.shape[1]):
        count = 0
        for t in range(typical.shape[0]):
            out[t, n] = np.nan
            newest = typical[t, n]
            if math.isnan(newest):
                continue
            traded[count] = newest
            count += 1
            if count < window:
                continue
            mean = _above(traded, count - window, count, newest) / window
            deviation = _around(traded, count - window, count, newest, mean) / window
            if deviation > 0.0:
                out[t, n] = -mean / (0.015 * deviation)


def rsi(values: Floats, window: int = 14) -> Floats:
    """Relative strength index: 100 U / (U + D), U and D Wilder's averages of the rises and of the falls.

    Unit: 0 to 100. Source: Wilder (1978), New Concepts in Technical Trading Systems, section VI.
    Warm-up: row window. NaN: skipped; NaN too where nothing ever moved.
    """
    whole(1, window=window)
    return run(_rsi, values, window, np.empty((8, math.prod(np.shape(values)[1:]))))


def macd(values: Floats, *, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Convergence of averages: ema(fast) - ema(slow), its ema(signal), and the difference of the two.

    Both averages start at row slow - 1, the fast one with the mean of the last `fast` bars up to there.
    Unit: that of the values. Source: Appel (2005), Technical Analysis: Power Tools for Active Investors, ch. 8.
    Warm-up: row slow - 1, signal and histogram slow + signal - 2. NaN: skipped, without ageing the averages.
    """
    whole(1, fast=fast, slow=slow, signal=signal)
    if fast >= slow:
        raise InvalidInput(f"fast ({fast}) must be below slow ({slow}).")
    quick = smoothed(values, fast, 2.0 / (fast + 1.0), skip=slow - fast)
    line = quick - ema(values, slow)
    average = ema(line, signal)
    return Macd(line, average, line - average)


def stochastic(
    high: Floats, low: Floats, close: Floats, *, window: int = 14, smooth: int = 3, signal: int = 3
) -> Stochastic:
    """Stochastic oscillator: k is the sma(smooth) of 100 (close - lowest low) / (highest high - lowest low).

    Extremes are over the last `window` traded bars; d is the sma(signal) of k. Unit: 0 to 100.
    Source: Lane (1984), Technical Analysis of Stocks & Commodities 2(3).
    Warm-up: k row window + smooth - 2, d signal - 1 later. NaN: skipped; a bar without any range counts as skipped.
    """
    whole(1, window=window, smooth=smooth, signal=signal)
    high, low, close = together(high, low, close)
    lowest = rolling_min(low, window)
    k = sma(100.0 * ratio(close - lowest, rolling_max(high, window) - lowest), smooth)
    return Stochastic(k, sma(k, signal))


def cci(high: Floats, low: Floats, close: Floats, *, window: int = 20) -> Floats:
    """Commodity channel index: (p - mean) / (0.015 mean absolute deviation) of p = (high + low + close) / 3.

    Mean and deviation are over the last `window` traded bars. Each bar costs `window` steps, as in TA-Lib: the mean
    moves and every deviation with it. Sums by rank would take the logarithm of that, but they add up in an order that
    later bars decide, so that cutting the future off would change the last bits of the past.
    Unit: none, mostly within -100 to 100.
    Source: Lambert (1980), Commodities 9(10).
    Warm-up: row window - 1. NaN: skipped; NaN too where all values of the window are one.
    """
    whole(1, window=window)
    high, low, close = together(high, low, close)
    return run(_cci, (high + low + close) / 3.0, window, np.empty(len(high)))


def roc(values: Floats, bars: int = 10) -> Floats:
    """Rate of change over `bars` traded bars: (x_t - x_(t-bars)) / x_(t-bars).

    Unit: fraction. Source: Kaufman (2013), Trading Systems and Methods, 5th ed., ch. 9.
    Warm-up: row bars. NaN: skipped; NaN too where the earlier value is zero.
    """
    whole(1, bars=bars)
    before = lag(values, bars)
    return ratio(values - before, before)


def adx(high: Floats, low: Floats, close: Floats, *, window: int = 14) -> Directional:
    """Average directional movement: rma(window) of 100 |plus - minus| / (plus + minus).

    plus (minus) is 100 times Wilder's total of the rises of the high (falls of the low), where larger than the
    other, over that of the true range. Unit: 0 to 100.
    Source: Wilder (1978), New Concepts in Technical Trading Systems, section IV; totals start as in TA-Lib.
    Warm-up: plus and minus row window, adx 2 window - 1. NaN: skipped; a bar without any movement counts as skipped.
    """
    whole(2, window=window)
    high, low, close = together(high, low, close)
    tops, bottoms = as_rows(high), as_rows(low)
    moves, room = np.empty((2, *tops.shape)), np.empty((2, tops.shape[1]))
    _moves(tops, bottoms, room, *moves)
    ranges = run(_wilder_total, true_range(high, low, close), window, room)
    plus, minus = (
        100.0 * ratio(run(_wilder_total, move.reshape(np.shape(high)), window, room), ranges) for move in moves
    )
    return Directional(rma(100.0 * ratio(np.abs(plus - minus), plus + minus), window), plus, minus)
