"""True range and realised volatility, yearly where it says so."""

from __future__ import annotations

import math

import numpy as np

from engine.bars import Floats
from engine.indicators.arrays import as_rows, positive, positive_prices, together, whole
from engine.indicators.averages import rma, sma
from engine.indicators.rolling import lag, rolling_std
from engine.jit import jit


@jit
def _ranges(high: Floats, low: Floats, close: Floats, before: Floats, out: Floats) -> None:
    """True ranges, row by row; `before` [N] is room for the last close of each column."""
    before[:] = np.nan
    for t in range(high.shape[0]):
        tops, bottoms, closes, found = high[t], low[t], close[t], out[t]
        for n in range(found.shape[0]):
            last, now = before[n], closes[n]
            top = last if last > tops[n] else tops[n]
            bottom = last if last < bottoms[n] else bottoms[n]
            found[n] = np.nan if math.isnan(last) else top - bottom
            before[n] = last if math.isnan(now) else now


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """The range of a bar and the gap before it: max(high, close before) - min(low, close before).

    Unit: that of the prices. Source: Wilder (1978), New Concepts in Technical Trading Systems, section III.
    Warm-up: row 1. NaN: skipped; the close before is that of the last traded bar.
    """
    high, low, close = together(high, low, close)
    tops = as_rows(high)
    out = np.empty(tops.shape)
    _ranges(tops, as_rows(low), as_rows(close), np.empty(tops.shape[1]), out)
    return out.reshape(np.shape(high))


def atr(high: Floats, low: Floats, close: Floats, *, window: int = 14) -> Floats:
    """Average true range: Wilder's average of the true range.

    Unit: that of the prices. Source: Wilder (1978), New Concepts in Technical Trading Systems, section III.
    Warm-up: row window. NaN: skipped, without ageing the average.
    """
    return rma(true_range(high, low, close), window)


def volatility(close: Floats, window: int = 20, *, periods_per_year: float = 252.0) -> Floats:
    """Close-to-close volatility: sample standard deviation (ddof 1) of the last `window` log returns, annualised.

    std(ln(c_t / c_(t-1))) sqrt(periods_per_year). Unit: fraction per year.
    Source: Hull (2018), Options, Futures and Other Derivatives, 10th ed., 15.4.
    Warm-up: row window. NaN: skipped; the return is that since the last traded bar.
    """
    positive(periods_per_year=periods_per_year)
    (close,) = positive_prices(close)
    return rolling_std(np.log(close / lag(close, 1)), window) * math.sqrt(periods_per_year)


def parkinson(high: Floats, low: Floats, window: int = 20, *, periods_per_year: float = 252.0) -> Floats:
    """Volatility from the ranges of the bars: sqrt(mean(ln(h / l)^2) / (4 ln 2)), annualised.

    Blind to gaps between bars. Unit: fraction per year. Source: Parkinson (1980), Journal of Business 53(1).
    Warm-up: row window - 1. NaN: skipped.
    """
    positive(periods_per_year=periods_per_year)
    high, low = positive_prices(high, low)
    return np.sqrt(sma(np.log(high / low) ** 2, window) * (periods_per_year / (4.0 * math.log(2.0))))


def garman_klass(
    open: Floats, high: Floats, low: Floats, close: Floats, *, window: int = 20, periods_per_year: float = 252.0
) -> Floats:
    """Volatility from ranges and bodies: sqrt(mean(ln(h / l)^2 / 2 - (2 ln 2 - 1) ln(c / o)^2)), annualised.

    Blind to gaps between bars. Unit: fraction per year. Source: Garman and Klass (1980), Journal of Business 53(1).
    Warm-up: row window - 1. NaN: skipped.
    """
    positive(periods_per_year=periods_per_year)
    open, high, low, close = positive_prices(open, high, low, close)
    part = 0.5 * np.log(high / low) ** 2 - (2.0 * math.log(2.0) - 1.0) * np.log(close / open) ** 2
    return np.sqrt(np.maximum(sma(part, window), 0.0) * periods_per_year)


def yang_zhang(
    open: Floats, high: Floats, low: Floats, close: Floats, *, window: int = 20, periods_per_year: float = 252.0
) -> Floats:
    """Volatility from gaps, bodies and ranges, free of drift: sqrt(V_gap + k V_body + (1 - k) V_range), annualised.

    V_gap and V_body are sample variances of ln(o_t / c_(t-1)) and ln(c / o), V_range is the mean of
    ln(h / c) ln(h / o) + ln(l / c) ln(l / o) (Rogers and Satchell 1991), k = 0.34 / (1.34 + (n + 1) / (n - 1)).
    Unit: fraction per year. Source: Yang and Zhang (2000), Journal of Business 73(3).
    Warm-up: row window. NaN: skipped; the gap is that since the last traded bar.
    """
    whole(2, window=window)
    positive(periods_per_year=periods_per_year)
    open, high, low, close = positive_prices(open, high, low, close)
    gap = np.log(open / lag(close, 1))
    # The first bar has no gap, so it counts in none of the three.
    gap, body, up, down = together(gap, np.log(close / open), np.log(high / open), np.log(low / open))
    inner = sma(up * (up - body) + down * (down - body), window)
    k = 0.34 / (1.34 + (window + 1.0) / (window - 1.0))
    variance = rolling_std(gap, window) ** 2 + k * rolling_std(body, window) ** 2 + (1.0 - k) * inner
    return np.sqrt(np.maximum(variance, 0.0) * periods_per_year)
