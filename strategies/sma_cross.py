"""Crossing of two simple moving averages."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from engine import indicators
from engine.bars import Bars
from engine.strategy import Crossing, Range, Weights, strategy


def fast_below_slow(*, fast: int, slow: int, **_: Any) -> str | None:
    return None if fast < slow else f"fast ({fast}) must be below slow ({slow})."


def first_cross(*, slow: int, **_: Any) -> int:
    return slow + 1  # a cross is a change, so it needs two slow averages


@strategy(
    check=fast_below_slow,
    lookback=first_cross,
    crossing=Crossing("fast", "slow", "side"),
    family="trend",
    source="Brock, Lakonishok and LeBaron (1992), Journal of Finance 47(5)",
    dataset="fx_daily",
    symbols=("EURUSD",),
)
def sma_cross(
    bars: Bars,
    fast: Annotated[int, Range(2, 200), "Bars of the fast average."] = 20,
    slow: Annotated[int, Range(3, 400), "Bars of the slow average."] = 50,
    side: Annotated[Literal["long", "short", "both"], "Which crosses open a position."] = "long",
) -> Weights:
    """Hold a symbol from the cross of its fast average above the slow one until the opposite cross.

    There is no position before the first cross: averages that are already apart when the data begin say nothing
    about when to enter. A tie between the averages changes nothing. Each of N symbols gets 1/N of equity.
    """
    share = 1.0 / len(bars.symbols)
    up, down = {"long": (share, 0.0), "short": (0.0, -share), "both": (share, -share)}[side]
    return indicators.last_cross(indicators.compare_averages(bars.close, fast, slow), up, down)
