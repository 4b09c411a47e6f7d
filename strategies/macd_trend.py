"""Crossing of the MACD line and its signal line."""

from __future__ import annotations

from typing import Annotated, Any

from engine import indicators
from engine.bars import Bars
from engine.positions import Side, sided
from engine.strategy import Range, Weights, strategy


def fast_below_slow(*, fast: int, slow: int, **_: Any) -> str | None:
    return None if fast < slow else f"fast ({fast}) must be below slow ({slow})."


def first_cross(*, slow: int, signal: int, **_: Any) -> int:
    return slow + signal  # the first signal takes one bar less, and a cross needs two of them


@strategy(
    check=fast_below_slow,
    lookback=first_cross,
    family="trend",
    source="Appel (2005), Technical Analysis: Power Tools for Active Investors, ch. 8",
    dataset="nasdaq_daily",
)
def macd_trend(
    bars: Bars,
    fast: Annotated[int, Range(2, 200), "Bars of the fast average."] = 12,
    slow: Annotated[int, Range(3, 400), "Bars of the slow average."] = 26,
    signal: Annotated[int, Range(2, 200), "Bars of the average of their difference."] = 9,
    side: Annotated[Side, "Which crosses open a position."] = "long",
) -> Weights:
    """Hold a symbol from the cross of its MACD line above the signal line until the opposite cross.

    The line is the exponential average of `fast` closes less that of `slow`, the signal line its exponential average
    of `signal` bars. There is no position before the first cross, and a tie changes nothing. Each of N symbols gets
    1/N of equity.
    """
    line, average, _ = indicators.macd(bars.close, fast=fast, slow=slow, signal=signal)
    up, down = indicators.cross_above(line, average), indicators.cross_below(line, average)
    return sided(side, (up, down), (down, up)) / len(bars.symbols)
