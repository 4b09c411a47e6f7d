"""A constant exposure, scaled to a constant risk."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import indicators, positions
from engine.bars import Bars
from engine.strategy import Decision, Range, strategy


def full_window(*, window: int, **_: Any) -> int:
    return window + 1


@strategy(
    lookback=full_window,
    family="risk",
    source="Barroso and Santa-Clara (2015), Momentum has its moments, Journal of Financial Economics 116(1), "
    "pp. 111-120, risk-managed momentum",
    dataset="sp500_daily",
)
def vol_target(
    bars: Bars,
    exposure: Annotated[float, Range(-1.0, 1.0), "The exposure that is scaled; below 0 it is short."] = 1.0,
    volatility_target: Annotated[float, Range(0.01, 1.0), "Yearly volatility of the position."] = 0.12,
    window: Annotated[int, Range(10, 1260), "Daily returns that the volatility is taken of."] = 126,
    days_per_year: Annotated[int, Range(200, 366), "Days by which variance is annualised."] = 252,
    max_scale: Annotated[float, Range(0.1, 20.0), "Most that the exposure is multiplied by."] = 1.0,
) -> Decision:
    """Hold an exposure that is the smaller the more the price has moved of late.

    At each month's end the weight of a symbol is exposure x min(12 % / volatility, `max_scale`) / N, with the standard
    deviation of its last 126 daily log returns, annualised. Weights stand until the next month's end. More than all of
    equity needs a `max_scale` and a `max_leverage` above 1. Needs daily bars.
    """
    positions.require_daily(bars, "vol_target")
    decided = np.flatnonzero(indicators.month_ends(bars.time))
    volatility = indicators.volatility(bars.close, window, periods_per_year=days_per_year)[decided]
    scale = np.full(volatility.shape, max_scale)
    np.divide(volatility_target, volatility, out=scale, where=volatility > volatility_target / max_scale)
    scale[np.isnan(volatility)] = np.nan
    return Decision(exposure * scale / len(bars.symbols), rows=decided)
