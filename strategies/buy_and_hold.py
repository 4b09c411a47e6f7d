"""Buy and hold."""

from __future__ import annotations

import numpy as np

from engine.bars import Bars
from engine.strategy import Weights, strategy


@strategy(family="benchmark", source="Malkiel (1973), A Random Walk Down Wall Street", dataset="sp500_daily")
def buy_and_hold(bars: Bars) -> Weights:
    """Buy every symbol in equal parts at the first bar and keep it.

    The yardstick of every other strategy. A symbol that starts to trade later is bought when it does.
    """
    return np.broadcast_to(1.0 / len(bars.symbols), bars.close.shape)
