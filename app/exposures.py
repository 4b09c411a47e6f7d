"""What a symbol of a dataset depends on, for scenarios: an instrument's yield or spread, an index, an exchange rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from app import instruments
from engine.returns import risky_duration
from engine.risk.stress import GROUP_OF, Exposure, Pair, Price, Rate
from engine.views import modified_duration

# Curves of scenarios by the points of the curves that instruments are made of.
_CURVES = {
    "brl_nominal": instruments.DI,
    "brl_real": instruments.NTNB,
    "usd_rates": instruments.UST,
    "usd_onshore": {**instruments.CUPOM, **instruments.NDF},
    "credit": {"CDS_5Y": 5.0},
}
_POINTS = {name: (curve, years) for curve, points in _CURVES.items() for name, years in points.items()}
# What is known by its dataset: elsewhere the same symbol may be something else.
_PRICES = {("sp500_daily", "SP500"): "equity_us", ("nasdaq_daily", "NASDAQ"): "equity_us", ("wti_daily", "WTI"): "oil"}


class Unmapped(NamedTuple):
    """Nothing that a scenario moves, and why."""

    reason: str


def exposure(dataset: str, symbol: str, cost_key: str | None, known: Callable[[str], float]) -> Exposure | Unmapped:
    """What the symbol depends on.

    Args:
        cost_key: what it is charged by: an instrument is one by its name and this.
        known: the present value of a series of the dataset (percent, basis points), NaN where there is none.
    """
    if instruments.COST_KEYS.get(symbol, "") == cost_key:
        return _instrument(symbol, known)
    if (dataset, symbol) in _PRICES:
        return Price(_PRICES[dataset, symbol])
    base, quote = symbol[:3], symbol[3:]
    if base in GROUP_OF and quote in GROUP_OF:
        return Pair(base, quote)
    return Unmapped("No scenario has a factor for it.")


def _instrument(symbol: str, known: Callable[[str], float]) -> Exposure | Unmapped:
    if symbol == "USDBRL":
        return Pair("USD", "BRL")
    if symbol == "IBOV":
        return Price("equity_br")
    level = np.array([known(symbol)])
    curve, years = _POINTS[symbol]
    if symbol == "CDS_5Y":  # what is held is bought protection
        duration = -risky_duration(level, np.array([known("UST_5Y")]), years=years)
    else:
        duration = modified_duration(years, level)
    if not np.isfinite(duration[0]):
        return Unmapped("The present value of the series that its duration is made of is not known.")
    return Rate(curve, years, float(duration[0]))
