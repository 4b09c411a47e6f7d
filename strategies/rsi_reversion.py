"""Return of the relative strength index from an extreme."""

from __future__ import annotations

from typing import Annotated, Any

from engine import indicators
from engine.bars import Bars
from engine.positions import Side, sided
from engine.strategy import Range, Weights, strategy


def entry_below_exit(*, entry: float, exit: float, **_: Any) -> str | None:
    return None if entry < exit else f"entry ({entry:g}) must be below exit ({exit:g})."


def first_value(*, window: int, trend: int, exit_average: int, **_: Any) -> int:
    return max(window + 1, trend, exit_average)


@strategy(
    check=entry_below_exit,
    lookback=first_value,
    family="reversal",
    source="Wilder (1978), New Concepts in Technical Trading Systems, section VI; with window 2, entry 5, trend 200 "
    "and exit_average 5: Connors and Alvarez (2009), Short Term Trading Strategies That Work, ch. 9",
    dataset="sp500_daily",
)
def rsi_reversion(
    bars: Bars,
    window: Annotated[int, Range(2, 200), "Bars of the index."] = 14,
    entry: Annotated[float, Range(0.1, 50.0), "Below it a long position opens; a short one above 100 less it."] = 30.0,
    exit: Annotated[float, Range(1.0, 100.0), "Above it a long position ends; a short one below 100 less it."] = 70.0,
    trend: Annotated[int, Range(0, 400), "Bars of the average on whose right side the close has to be. 0: none."] = 0,
    exit_average: Annotated[int, Range(0, 400), "Leave beyond the average of so many closes. 0: by the index."] = 0,
    side: Annotated[Side, "Which extremes open a position."] = "long",
) -> Weights:
    """Buy what has fallen so much that its relative strength index is low, and sell it when the index is high.

    A long position opens with the index below `entry`, with `trend` only above that average, and ends with the index
    above `exit`, or with `exit_average` when the close is above that one; a short one is the mirror image. A bar on
    which it would end opens nothing. Connors' RSI-2 is window 2, entry 5, trend 200, exit_average 5. Each of N symbols
    gets 1/N of equity.
    """
    index, close = indicators.rsi(bars.close, window), bars.close
    low, high = index < entry, index > 100.0 - entry
    if trend:
        average = indicators.sma(close, trend)
        low, high = low & (close > average), high & (close < average)
    long_end, short_end = index > exit, index < 100.0 - exit
    if exit_average:
        nearer = indicators.sma(close, exit_average)
        long_end, short_end = close > nearer, close < nearer
    return sided(side, (low & ~long_end, long_end), (high & ~short_end, short_end)) / len(bars.symbols)
