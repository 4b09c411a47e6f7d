"""The symbols whose prices move least."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import indicators, positions
from engine.bars import Bars
from engine.positions import Side
from engine.strategy import Decision, Range, strategy


def full_window(*, window: int, **_: Any) -> int:
    return window + 1


@strategy(
    lookback=full_window,
    family="defensive",
    source="Blitz and van Vliet (2007), The volatility effect, Journal of Portfolio Management 34(1), pp. 102-113; "
    "there three years of weekly returns",
    dataset="fx_daily",
)
def low_volatility(
    bars: Bars,
    window: Annotated[int, Range(20, 1260), "Daily returns that the volatility is taken of."] = 252,
    share: Annotated[float, Range(0.01, 0.5), "Part of the symbols on a side, at least one symbol."] = 0.1,
    count: Annotated[int, Range(0, 500), "Symbols on a side. 0: by their share."] = 0,
    side: Annotated[Side, "Hold the calm ones, sell the wild ones, or both with half of equity each."] = "long",
) -> Decision:
    """Hold the symbols of the lowest volatility, and sell those of the highest.

    At each month's end symbols are ranked by the standard deviation of their last `window` daily log returns. The
    calmest `share` of them (or `count`) have equal weights until the next month's end. A symbol that did not trade in
    the month that ends takes no part. Needs daily bars.
    """
    positions.require_daily(bars, "low_volatility")
    decided = np.flatnonzero(indicators.month_ends(bars.time))
    volatility = indicators.volatility(bars.close, window)
    past = positions.last_of_month(bars.time, volatility, decided, only=True)
    weights = positions.chosen(-past, side, share=share, count=count)
    alone = np.full(len(bars), len(bars.symbols) < 2)
    return Decision(weights, raw=volatility, reasons={"A ranking needs two symbols.": alone}, rows=decided)
