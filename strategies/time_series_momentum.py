"""Time-series momentum with a volatility target per instrument."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import indicators, positions
from engine.bars import Bars
from engine.strategy import Decision, Range, strategy

# Sessions of a month at the least, for a lookback in bars; the months themselves are counted on the calendar.
_SESSIONS = 19


def full_window(*, months: int, **_: Any) -> int:
    return months * _SESSIONS + 1


@strategy(
    lookback=full_window,
    family="momentum",
    source="Moskowitz, Ooi and Pedersen (2012), Time series momentum, Journal of Financial Economics 104(2)",
    dataset="fx_daily",
)
def time_series_momentum(
    bars: Bars,
    months: Annotated[int, Range(1, 36), "Months over which the return's sign is taken."] = 12,
    volatility_target: Annotated[float, Range(0.01, 1.0), "Yearly volatility of each position."] = 0.40,
    center_of_mass: Annotated[float, Range(5.0, 500.0), "Days of the volatility estimate's weights."] = 60.0,
    days_per_year: Annotated[int, Range(200, 366), "Days by which variance is annualised."] = 261,
    max_weight: Annotated[float, Range(0.1, 20.0), "Most leverage of one instrument before division by N."] = 10.0,
) -> Decision:
    """Go long what rose over the last twelve months and short what fell, each scaled to the same volatility.

    At each month's end the weight of an instrument is sign(12-month return) x 40 % / volatility / N. Volatility
    is the exponentially weighted one of daily returns (centre of mass 60 days), annualised by 261, known at the
    close of the decision. Weights stand until the next month's end. Needs daily bars.
    """
    positions.require_daily(bars, "time_series_momentum")
    variance = indicators.ewm_variance(indicators.returns(bars.close), center_of_mass) * days_per_year
    decided = np.flatnonzero(indicators.month_ends(bars.time))
    before = positions.last_of_month(bars.time, bars.close, decided, months)
    direction = np.sign(bars.close[decided] / before - 1.0)
    volatility = np.sqrt(variance[decided])
    size = np.full(volatility.shape, max_weight)
    np.divide(volatility_target, volatility, out=size, where=volatility > volatility_target / max_weight)
    size[np.isnan(volatility)] = np.nan
    return Decision(direction * size / len(bars.symbols), rows=decided)
