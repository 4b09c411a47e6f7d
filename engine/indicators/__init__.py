"""Indicators: values [T, N] (or [T]) in, values of the same shape out, row t from rows up to t only.

A bar on which a symbol did not trade (NaN) is skipped: windows are over the symbol's own last n traded bars, and
the indicator is NaN on the skipped bar. It is NaN too until n values are there, and where it is not defined (a
quotient by zero). Of several inputs a bar counts when all of them are known. Every sum runs forward from the first
bar, so a longer history never changes an earlier value, not even in the last bit. "Row k" of a warm-up counts the
symbol's traded bars from 0. An infinite value is refused where one calculates with it.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.bars import Floats
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

# What the shipped strategies call. The rest compiles, or loads from the disk cache, when it is first used.
_SHIPPED: tuple[Callable[[Floats], object], ...] = (
    lambda values: last_cross(compare_averages(values, 2, 3)),
    lambda values: rolling_max(values, 2),
    lambda values: ewm_variance(values, 60.0),
    lambda values: latch(values > 1.0, values < 1.0),
    lambda values: lag(values, 1),
)


def warm(values: Floats) -> None:
    """Compile, or load, every kernel of the indicators that the shipped strategies use."""
    for compute in _SHIPPED:
        compute(values)
