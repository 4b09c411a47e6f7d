"""FX_05: terms of trade."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy

# Shares of Brazil's commodity exports that the basket stands for.
BASKET = {"SOY": 0.30, "IRON": 0.25, "BRENT": 0.20, "SUGAR": 0.15, "COFFEE": 0.10}


def first_score(*, change: int, window: int, **_: Any) -> int:
    return change + -(-window // 2)


@strategy(
    id="FX_05",
    lookback=first_score,
    family="FX",
    source="Chen and Rogoff (2003), Commodity currencies, Journal of International Economics 60(1)",
    dataset="macro_synthetic",
    legs=("USDBRL",),
    series=(*(Need(name, "price") for name in BASKET), Need("USDBRL", "price")),
    defaults={"max_holding_bars": 28, "stop_loss": 0.04, "take_profit": 0.06},
)
def fx_05(
    bars: Bars,
    change: Annotated[int, Range(5, 252), "Bars over which returns are taken."] = 63,
    window: Annotated[int, Range(20, 1260), "Observations of each z-score."] = 504,
    threshold: Annotated[float, Range(0.1, 5.0), "|M| from which there is a position."] = 1.0,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight."] = 1.0,
) -> Decision:
    """Sell the dollar when commodities have risen and the real has not followed, buy it in the opposite case.

    M = z(sum of w times the 63-day log return of each commodity) + z(63-day log return of USDBRL), both over 504 days;
    w: soy 0.30, iron ore 0.25, Brent 0.20, sugar 0.15, coffee 0.10. M >= 1 is SHORT USDBRL, M <= -1 LONG. The size is
    tanh(|M| / 2) times the largest weight, taken at the entry.

    Inputs: SOY, IRON, BRENT, SUGAR, COFFEE and USDBRL, prices. Score: M. Raw: the basket's log return.
    """
    prices = {name: bars.known(name, "price") for name in (*BASKET, "USDBRL")}
    moves = {name: views.change(np.log(price), change) for name, price in prices.items()}
    basket = sum((share * moves[name] for name, share in BASKET.items()), np.zeros(len(bars)))
    score = views.z(basket, window) + views.z(moves["USDBRL"], window)
    return views.decide(
        bars,
        {"USDBRL": max_position},
        -views.toward(score, threshold),
        views.size_of(score),
        inputs=prices,
        outside=f"|M| is below {threshold:g}.",
        score=score,
        raw=basket,
    )
