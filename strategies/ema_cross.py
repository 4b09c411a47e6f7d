"""Crossing of two exponential moving averages."""

from __future__ import annotations

from typing import Annotated, Any

from engine import indicators
from engine.bars import Bars
from engine.positions import Side, sided
from engine.strategy import Range, Weights, strategy


def fast_below_slow(*, fast: int, slow: int, **_: Any) -> str | None:
    return None if fast < slow else f"fast ({fast}) must be below slow ({slow})."


def first_cross(*, slow: int, **_: Any) -> int:
    return slow + 1  # a cross is a change, so it needs two slow averages


@strategy(
    check=fast_below_slow,
    lookback=first_cross,
    family="trend",
    source="Kaufman (2013), Trading Systems and Methods, 5th ed., ch. 8, two trendlines, with exponential smoothing",
    dataset="fx_daily",
    symbols=("EURUSD",),
)
def ema_cross(
    bars: Bars,
    fast: Annotated[int, Range(2, 200), "Bars of the fast average."] = 20,
    slow: Annotated[int, Range(3, 400), "Bars of the slow average."] = 50,
    side: Annotated[Side, "Which crosses open a position."] = "long",
) -> Weights:
    """Hold a symbol from the cross of its fast exponential average above the slow one until the opposite cross.

    There is no position before the first cross, and a tie between the averages changes nothing. An average of n bars
    goes 2 / (n + 1) of the way to each close and starts with the mean of n. Each of N symbols gets 1/N of equity.
    """
    averages = indicators.ema(bars.close, fast), indicators.ema(bars.close, slow)
    up, down = indicators.cross_above(*averages), indicators.cross_below(*averages)
    return sided(side, (up, down), (down, up)) / len(bars.symbols)
