"""Breakout from a Keltner channel."""

from __future__ import annotations

from typing import Annotated, Any

from engine import indicators
from engine.bars import Bars
from engine.positions import Side, sided
from engine.strategy import Range, Weights, strategy


def first_cross(*, window: int, range_window: int, **_: Any) -> int:
    return max(window, range_window + 1) + 1  # a cross is a change, so it needs two channels


@strategy(
    lookback=first_cross,
    family="trend",
    source="Keltner (1960), How to Make Money in Commodities, the ten-day moving average rule; with the average true "
    "range as Raschke has it, and an exit at the middle of ours",
    dataset="nasdaq_daily",
)
def keltner_breakout(
    bars: Bars,
    window: Annotated[int, Range(2, 400), "Bars of the exponential average in the middle."] = 20,
    range_window: Annotated[int, Range(1, 400), "Bars of the average true range."] = 10,
    width: Annotated[float, Range(0.1, 10.0), "Average true ranges from the middle to a line."] = 2.0,
    side: Annotated[Side, "Which breakouts open a position."] = "long",
) -> Weights:
    """Buy when the close rises through the upper line of the channel, and sell when it is below the middle.

    A short position opens when the close falls through the lower line and ends above the middle. The middle is the
    exponential average of (high + low + close) / 3, the lines are `width` average true ranges from it. A close that is
    outside when the channel begins opens nothing. Each of N symbols gets 1/N of equity.
    """
    upper, middle, lower = indicators.keltner(
        bars.high, bars.low, bars.close, window=window, range_window=range_window, width=width
    )
    long = indicators.cross_above(bars.close, upper), bars.close < middle
    short = indicators.cross_below(bars.close, lower), bars.close > middle
    return sided(side, long, short) / len(bars.symbols)
