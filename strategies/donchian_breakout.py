"""Breakout from a Donchian channel, as the Turtles traded it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np

from engine import indicators
from engine.bars import Bars
from engine.strategy import Range, Weights, strategy


def exit_within_entry(*, entry: int, exit: int, **_: Any) -> str | None:
    return None if exit <= entry else f"exit ({exit}) must not be above entry ({entry})."


def first_breakout(*, entry: int, **_: Any) -> int:
    return entry + 1  # the channel is that of the bars before


@strategy(
    check=exit_within_entry,
    lookback=first_breakout,
    family="trend",
    source="Faith (2003), The Original Turtle Trading Rules, system 1",
    dataset="fx_daily",
    symbols=("EURUSD",),
)
def donchian_breakout(
    bars: Bars,
    entry: Annotated[int, Range(2, 400), "Bars of the channel that opens a position."] = 20,
    exit: Annotated[int, Range(1, 400), "Bars of the channel that closes it."] = 10,
    side: Annotated[Literal["long", "short", "both"], "Which breakouts open a position."] = "long",
) -> Weights:
    """Buy a close above the highest high of the previous bars, sell below their lowest low.

    A long position opens on a close above the high of the `entry` bars before and ends on a close below the low
    of the `exit` bars before; a short one is the mirror image. Each of N symbols gets 1/N of equity.
    """
    weights = np.zeros(bars.close.shape)
    if side != "short":
        breakout = bars.close > indicators.lag(indicators.rolling_max(bars.high, entry), 1)
        end = bars.close < indicators.lag(indicators.rolling_min(bars.low, exit), 1)
        weights += indicators.latch(breakout, end)
    if side != "long":
        breakout = bars.close < indicators.lag(indicators.rolling_min(bars.low, entry), 1)
        end = bars.close > indicators.lag(indicators.rolling_max(bars.high, exit), 1)
        weights -= indicators.latch(breakout, end)
    return weights / len(bars.symbols)
