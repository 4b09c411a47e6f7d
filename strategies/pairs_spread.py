"""Two prices that belong together, when they have drifted apart."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import indicators, views
from engine.bars import Bars, Floats
from engine.strategy import Decision, Range, strategy


def exit_within_entry(*, entry: float, exit: float, **_: Any) -> str | None:
    return None if exit < entry else f"exit ({exit:g}) must be below entry ({entry:g})."


def full_window(*, window: int, **_: Any) -> int:
    return window


@strategy(
    check=exit_within_entry,
    lookback=full_window,
    family="relative value",
    source="Gatev, Goetzmann and Rouwenhorst (2006), Pairs trading, Review of Financial Studies 19(3), section 2 "
    "(thresholds); Chan (2013), Algorithmic Trading, ch. 3, Bollinger bands (rolling hedge ratio)",
    dataset="fx_daily",
    symbols=("AUDUSD", "NZDUSD"),
)
def pairs_spread(
    bars: Bars,
    window: Annotated[int, Range(10, 1260), "Bars of the regression."] = 60,
    entry: Annotated[float, Range(0.1, 10.0), "|z| from which a position opens."] = 2.0,
    exit: Annotated[float, Range(0.0, 10.0), "|z| at which it ends."] = 0.0,
) -> Decision:
    """Buy the cheap one of two symbols and sell the dear one in its hedge ratio, until they are together again.

    ln(first) is regressed on ln(second) over the last `window` bars on which both traded; z is the last residual over
    the residuals' standard deviation (ddof 1). z <= -entry buys the first one and sells the second, z >= entry does
    the opposite, and it ends when |z| is down to `exit` or z has changed its sign. The slope of the entry stays:
    weights are 1 / (1 + slope) and -slope / (1 + slope). A slope of zero or less is no hedge and opens nothing. Pairs
    are the first and second symbol, the third and fourth, and so on; each of P pairs gets 1/P of equity, gross.
    """
    weights, scores = np.zeros((2, *bars.close.shape))
    pairs = len(bars.symbols) // 2
    for first in range(0, 2 * pairs, 2):
        pair = slice(first, first + 2)
        z, slope = _spread(np.log(bars.close[:, pair]), window)
        hedged = slope > 0.0
        cheap = indicators.latch((z <= -entry) & hedged, z >= -exit)
        dear = indicators.latch((z >= entry) & hedged, z <= exit)
        way, of_second = cheap - dear, np.where(hedged, slope, 0.0)
        weights[:, first] = way * views.entry_size(way, 1.0 / (1.0 + of_second)) / pairs
        weights[:, first + 1] = -way * views.entry_size(way, of_second / (1.0 + of_second)) / pairs
        scores[:, pair] = np.column_stack((z, -z))
    unpaired = np.full(len(bars), pairs == 0)
    return Decision(weights, score=scores, reasons={"A pair needs two symbols.": unpaired})


def _spread(prices: Floats, window: int) -> tuple[Floats, Floats]:
    """z of the last residual of first on second, and the slope, [T] each; NaN where one of them stood still."""
    first, second = np.where(np.isnan(prices).any(axis=1, keepdims=True), np.nan, prices).T
    slope = indicators.rolling_beta(first, second, window)
    residual = first - indicators.sma(first, window) - slope * (second - indicators.sma(second, window))
    unexplained = 1.0 - indicators.rolling_corr(first, second, window) ** 2
    deviation = indicators.rolling_std(first, window) * np.sqrt(np.maximum(unexplained, 0.0))
    z = np.full(residual.shape, np.nan)
    np.divide(residual, deviation, out=z, where=deviation > 1e-9)
    return z, slope
