"""Time-series momentum with a volatility target per instrument."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import indicators
from engine.bars import Bars, Floats, Times
from engine.errors import BadData
from engine.strategy import Range, Weights, strategy

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
) -> Weights:
    """Go long what rose over the last twelve months and short what fell, each scaled to the same volatility.

    At each month's end the weight of an instrument is sign(12-month return) x 40 % / volatility / N. Volatility
    is the exponentially weighted one of daily returns (centre of mass 60 days), annualised by 261, known at the
    close of the decision. Weights stand until the next month's end. Needs daily bars.
    """
    if not 200.0 <= bars.periods_per_year <= 366.0:
        raise BadData("time_series_momentum needs daily bars.", code="wrong_frequency")
    variance = indicators.ewm_variance(indicators.returns(bars.close), center_of_mass) * days_per_year
    decided = np.flatnonzero(indicators.month_ends(bars.time))
    weights = np.full(bars.close.shape, np.nan)
    before = _close_months_ago(bars.time, bars.close, decided, months)
    direction = np.sign(bars.close[decided] / before - 1.0)
    volatility = np.sqrt(variance[decided])
    size = np.full(volatility.shape, max_weight)
    np.divide(volatility_target, volatility, out=size, where=volatility > volatility_target / max_weight)
    size[np.isnan(volatility)] = np.nan
    weights[decided] = direction * size / len(bars.symbols)
    return weights


def _close_months_ago(time: Times, close: Floats, at: np.ndarray, months: int) -> Floats:
    """Last close of the month `months` before each bar `at` (of an earlier one's, where that month had none)."""
    rows = np.maximum.accumulate(np.where(np.isnan(close), -1, np.arange(len(close))[:, None]), axis=0)
    calendar = time.astype("datetime64[M]")
    # A decision that a holiday moved into the next month still counts from the month that ended.
    month = np.timedelta64(1, "M")
    ended = np.where(calendar[at] == calendar[np.maximum(at - 1, 0)], calendar[at], calendar[at] - month)
    last = np.searchsorted(calendar, ended - months * month, side="right") - 1
    found = np.where(last[:, None] < 0, -1, rows[np.maximum(last, 0)])
    return np.where(found < 0, np.nan, np.take_along_axis(close, np.maximum(found, 0), axis=0))
