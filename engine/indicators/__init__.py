"""Indicators: values [T, N] (or [T]) in, values of the same shape out, row t from rows up to t only.

A bar on which a symbol did not trade (NaN) is skipped: windows are over the symbol's own last n traded bars, and
the indicator is NaN on the skipped bar. It is NaN too until n values are there, and where it is not defined (a
quotient by zero). Of several inputs a bar counts when all of them are known. Every sum runs forward from the first
bar, so a longer history never changes an earlier value, not even in the last bit. "Row k" of a warm-up counts the
symbol's traded bars from 0. An infinite value is refused where one calculates with it.
"""

from __future__ import annotations

from engine.indicators.averages import ema, rma, sma, wma
from engine.indicators.channels import Channel, bollinger, donchian, keltner
from engine.indicators.crossing import compare_averages, cross_above, cross_below, crosses, last_cross, latch
from engine.indicators.months import month_ends
from engine.indicators.oscillators import Directional, Macd, Stochastic, adx, cci, macd, roc, rsi, stochastic
from engine.indicators.rolling import (
    ewm_variance,
    lag,
    percentile_rank,
    returns,
    rolling_beta,
    rolling_corr,
    rolling_kurt,
    rolling_max,
    rolling_min,
    rolling_skew,
    rolling_std,
    rolling_sum,
    zscore,
)
from engine.indicators.volatility import atr, garman_klass, parkinson, true_range, volatility, yang_zhang

__all__ = [
    "Channel",
    "Directional",
    "Macd",
    "Stochastic",
    "adx",
    "atr",
    "bollinger",
    "cci",
    "compare_averages",
    "cross_above",
    "cross_below",
    "crosses",
    "donchian",
    "ema",
    "ewm_variance",
    "garman_klass",
    "keltner",
    "lag",
    "last_cross",
    "latch",
    "macd",
    "month_ends",
    "parkinson",
    "percentile_rank",
    "returns",
    "rma",
    "roc",
    "rolling_beta",
    "rolling_corr",
    "rolling_kurt",
    "rolling_max",
    "rolling_min",
    "rolling_skew",
    "rolling_std",
    "rolling_sum",
    "rsi",
    "sma",
    "stochastic",
    "true_range",
    "volatility",
    "wma",
    "yang_zhang",
    "zscore",
]
