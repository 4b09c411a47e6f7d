"""Indicators: values [T, N] in, values [T, N] out, row t from rows up to t only.

A bar on which a symbol did not trade (NaN) is skipped: windows are over the symbol's own last n traded bars, and
the indicator is NaN on the skipped bar. It is NaN too until n values are there. Every loop runs forward from the
first bar, so a longer history never changes an earlier value, not even in the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats, Times
from engine.jit import jit

# Two averages of decimal prices that are equal on paper differ by the rounding of their binary forms, some 1e-16
# of their size; prices that differ on paper do so by far more than this.
TIE = 1e-12


@jit
def _rolling_sum(values: Floats, window: int, out: Floats) -> None:
    """Sliding sums carried in two floats (Knuth's TwoSum): what leaves the window leaves no rounding behind."""
    for n in range(values.shape[1]):
        total = 0.0
        rest = 0.0
        count = 0
        oldest = 0
        for t in range(values.shape[0]):
            out[t, n] = np.nan
            if math.isnan(values[t, n]):
                continue
            count += 1
            added = values[t, n]
            for _ in range(1 if count <= window else 2):
                grown = total + added
                part = grown - total
                rest += (total - (grown - part)) + (added - part)
                total = grown
                if count > window:
                    while math.isnan(values[oldest, n]):
                        oldest += 1
                    added = -values[oldest, n]
            if count > window:
                oldest += 1
            if count >= window:
                out[t, n] = total + rest


@jit
def _rolling_extreme(values: Floats, window: int, sign: float, out: Floats) -> None:
    """Largest value (sign 1) or smallest (sign -1) of the last `window` traded bars."""
    for n in range(values.shape[1]):
        count = 0
        for t in range(values.shape[0]):
            out[t, n] = np.nan
            if math.isnan(values[t, n]):
                continue
            count += 1
            if count < window:
                continue
            best = values[t, n]
            seen = 1
            back = t
            while seen < window:
                back -= 1
                if not math.isnan(values[back, n]):
                    seen += 1
                    if sign * values[back, n] > sign * best:
                        best = values[back, n]
            out[t, n] = best


@jit
def _lag(values: Floats, bars: int, out: Floats) -> None:
    for n in range(values.shape[1]):
        count = 0
        behind = 0
        for t in range(values.shape[0]):
            out[t, n] = np.nan
            if math.isnan(values[t, n]):
                continue
            count += 1
            if count > bars:
                while math.isnan(values[behind, n]):
                    behind += 1
                out[t, n] = values[behind, n]
                behind += 1


@jit
def _ewm_variance(values: Floats, decay: float, out: Floats) -> None:
    """Weighted variance around the weighted mean, weights decay^age, updated as in West (1979)."""
    for n in range(values.shape[1]):
        weight = 0.0
        mean = 0.0
        moment = 0.0
        for t in range(values.shape[0]):
            out[t, n] = np.nan
            if math.isnan(values[t, n]):
                continue
            weight = 1.0 + decay * weight
            before = values[t, n] - mean
            mean += before / weight
            moment = decay * moment + before * (values[t, n] - mean)
            out[t, n] = moment / weight


@jit
def _latch(on: NDArray[np.bool_], off: NDArray[np.bool_], out: Floats) -> None:
    for n in range(on.shape[1]):
        state = 0.0
        for t in range(on.shape[0]):
            if off[t, n]:
                state = 0.0
            if on[t, n]:
                state = 1.0
            out[t, n] = state


def _like(values: Floats) -> tuple[Floats, Floats]:
    """The values as the one array type that the kernels are compiled for, and room for the result."""
    rows = np.ascontiguousarray(values, dtype=np.float64).view()
    rows.flags.writeable = False
    return rows, np.empty(rows.shape)


def rolling_sum(values: Floats, window: int) -> Floats:
    """Sum of the last `window` traded bars."""
    rows, out = _like(values)
    _rolling_sum(rows, window, out)
    return out


def sma(values: Floats, window: int) -> Floats:
    """Simple moving average."""
    return rolling_sum(values, window) / window


def rolling_max(values: Floats, window: int) -> Floats:
    """Largest of the last `window` traded bars, the current one included."""
    rows, out = _like(values)
    _rolling_extreme(rows, window, 1.0, out)
    return out


def rolling_min(values: Floats, window: int) -> Floats:
    """Smallest of the last `window` traded bars, the current one included."""
    rows, out = _like(values)
    _rolling_extreme(rows, window, -1.0, out)
    return out


def lag(values: Floats, bars: int) -> Floats:
    """The value `bars` traded bars ago."""
    rows, out = _like(values)
    _lag(rows, bars, out)
    return out


def returns(values: Floats) -> Floats:
    """Simple return since the previous traded bar."""
    change: Floats = values / lag(values, 1) - 1.0
    return change


def ewm_variance(values: Floats, center_of_mass: float) -> Floats:
    """Exponentially weighted variance, weights (c / (1 + c))^age normalised to 1: pandas' ewm(com=c).var(bias=True)."""
    rows, out = _like(values)
    _ewm_variance(rows, center_of_mass / (1.0 + center_of_mass), out)
    return out


def compare_averages(values: Floats, fast: int, slow: int) -> Floats:
    """1 where the average of `fast` bars is above that of `slow` bars, -1 where below, 0 in a tie, NaN before both.

    Decided on slow x sum_fast against fast x sum_slow: no quotient is rounded.
    """
    ahead, behind = slow * rolling_sum(values, fast), fast * rolling_sum(values, slow)
    gap = ahead - behind
    sign: Floats = np.where(np.abs(gap) <= TIE * np.abs(behind), 0.0, np.sign(gap))
    return np.where(np.isnan(gap), np.nan, sign)


def crosses(relation: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a relation (1 above, 0 tie, -1 below) turns: from at-or-below to above, and from at-or-above to below."""
    before = lag(relation, 1)
    return (relation > 0.0) & (before <= 0.0), (relation < 0.0) & (before >= 0.0)


def latch(on: NDArray[np.bool_], off: NDArray[np.bool_]) -> Floats:
    """1 from each `on` until the next `off`, 0 elsewhere; where both are set, `on` wins."""
    out = np.empty(on.shape)
    _latch(np.ascontiguousarray(on), np.ascontiguousarray(off), out)
    return out


def month_ends(time: Times) -> NDArray[np.bool_]:
    """The bar of each month at which to take a month-end decision, told without looking at any later bar.

    That is the last bar of the month's last weekday; where that day has no bar (a holiday), the first bar of the
    next month. A calendar knows which day is the last weekday, while only the next bar knows which bar was last.
    """
    days = time.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    last_day = (months + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    weekday = (last_day.astype(np.int64) + 3) % 7  # Monday 0; 1970-01-01 was a Thursday
    last_weekday = last_day - np.maximum(weekday - 4, 0).astype("timedelta64[D]")
    on_day = days == last_weekday
    first_of_day = np.concatenate(([True], days[1:] != days[:-1]))
    chosen: NDArray[np.bool_] = on_day & first_of_day
    first_of_month = np.concatenate(([False], months[1:] != months[:-1]))
    for at in np.flatnonzero(first_of_month):
        if not chosen[(months == months[at - 1])].any():
            chosen[at] = True
    return chosen


_KERNELS: tuple[Callable[[Floats], object], ...] = (
    lambda values: compare_averages(values, 2, 3),
    lambda values: rolling_max(values, 2),
    lambda values: ewm_variance(values, 60.0),
    lambda values: latch(values > 1.0, values < 1.0),
)


def warm(values: Floats) -> None:
    """Compile, or load, every kernel of this module."""
    for run in _KERNELS:
        run(values)
    lag(values, 1)
