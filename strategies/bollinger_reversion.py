"""Return from outside the Bollinger bands to their middle."""

from __future__ import annotations

from typing import Annotated, Any

from engine import indicators
from engine.bars import Bars
from engine.positions import Side, sided
from engine.strategy import Range, Weights, strategy


def first_cross(*, window: int, **_: Any) -> int:
    return window + 1  # a cross is a change, so it needs two bands


@strategy(
    lookback=first_cross,
    family="reversal",
    source="Bollinger (2001), Bollinger on Bollinger Bands, ch. 7 (bands); Chan (2013), Algorithmic Trading, ch. 3, "
    "Bollinger bands (rule)",
    dataset="sp500_daily",
)
def bollinger_reversion(
    bars: Bars,
    window: Annotated[int, Range(2, 400), "Bars of the bands."] = 20,
    width: Annotated[float, Range(0.1, 10.0), "Standard deviations from the middle to a band."] = 2.0,
    side: Annotated[Side, "Which bands open a position."] = "long",
) -> Weights:
    """Buy when the close falls through the lower band, and sell when it is back at the middle one.

    A short position opens when the close rises through the upper band and ends at the middle. The bands are the mean
    of the last `window` closes and `width` standard deviations (ddof 0) on either side. A close that is outside when
    the bands begin opens nothing. Each of N symbols gets 1/N of equity.
    """
    upper, middle, lower = indicators.bollinger(bars.close, window, width=width)
    long = indicators.cross_below(bars.close, lower), bars.close >= middle
    short = indicators.cross_above(bars.close, upper), bars.close <= middle
    return sided(side, long, short) / len(bars.symbols)
