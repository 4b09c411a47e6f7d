"""Channels around the price."""

from __future__ import annotations

from typing import NamedTuple

from engine.bars import Floats
from engine.indicators.arrays import positive, together, whole
from engine.indicators.averages import sma, smoothed
from engine.indicators.rolling import rolling_max, rolling_min, rolling_std
from engine.indicators.volatility import true_range


class Channel(NamedTuple):
    """Upper line, middle line and lower line."""

    upper: Floats
    middle: Floats
    lower: Floats


def bollinger(values: Floats, window: int = 20, *, width: float = 2.0) -> Channel:
    """Bollinger bands: sma(window), plus and minus `width` standard deviations (ddof 0) of the same bars.

    Unit: that of the values. Source: Bollinger (2001), Bollinger on Bollinger Bands, ch. 7.
    Warm-up: row window - 1. NaN: skipped.
    """
    positive(width=width)
    middle, distance = sma(values, window), width * rolling_std(values, window, ddof=0)
    return Channel(middle + distance, middle, middle - distance)


def keltner(
    high: Floats, low: Floats, close: Floats, *, window: int = 20, range_window: int = 10, width: float = 2.0
) -> Channel:
    """Keltner channel: ema(window) of (high + low + close) / 3, plus and minus `width` times atr(range_window).

    Both averages start at one row, each with the mean of its last bars up to there. Unit: that of the prices.
    Source: Keltner (1960), How to Make Money in Commodities; with the average true range as Raschke has it.
    Warm-up: row max(window - 1, range_window). NaN: skipped, without ageing the averages.
    """
    whole(1, window=window, range_window=range_window)
    positive(width=width)
    high, low, close = together(high, low, close)
    start = max(window - 1, range_window)
    middle = smoothed((high + low + close) / 3.0, window, 2.0 / (window + 1.0), skip=start - (window - 1))
    ranges = smoothed(true_range(high, low, close), range_window, 1.0 / range_window, skip=start - range_window)
    return Channel(middle + width * ranges, middle, middle - width * ranges)


def donchian(high: Floats, low: Floats, window: int = 20) -> Channel:
    """Highest high and lowest low of the last `window` traded bars, the current one included, and their mean.

    A breakout compares with the channel of the bars before: `lag(upper, 1)`. Unit: that of the prices.
    Source: Donchian (1960), Commodity Year Book; Faith (2003), The Original Turtle Trading Rules.
    Warm-up: row window - 1. NaN: skipped.
    """
    high, low = together(high, low)
    upper, lower = rolling_max(high, window), rolling_min(low, window)
    return Channel(upper, 0.5 * (upper + lower), lower)
