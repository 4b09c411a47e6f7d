"""FX_02: carry and momentum."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np

from engine import indicators, views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy


def first_score(*, change: int, carry_window: int, momentum_window: int, **_: Any) -> int:
    return change + max(-(-carry_window // 2), -(-momentum_window // 2))


@strategy(
    id="FX_02",
    lookback=first_score,
    family="FX",
    source="Burnside, Eichenbaum and Rebelo (2011), Carry Trade and Momentum in Currency Markets, "
    "Annual Review of Financial Economics 3",
    dataset="macro_synthetic",
    legs=("USDBRL",),
    series=(Need("SELIC_TARGET", "percent"), Need("FED_FUNDS", "percent"), Need("USDBRL", "price")),
    defaults={"max_holding_bars": 21},
)
def fx_02(
    bars: Bars,
    change: Annotated[int, Range(5, 252), "Bars of the log return, and of the volatility that carry is over."] = 63,
    carry_window: Annotated[int, Range(20, 1260), "Observations of the z-score of carry."] = 252,
    momentum_window: Annotated[int, Range(20, 1260), "Observations of the z-score of the log return."] = 504,
    carry_weight: Annotated[float, Range(0.0, 1.0), "Weight of carry in X; the log return has the rest."] = 0.5,
    threshold: Annotated[float, Range(0.1, 5.0), "|X| from which there is a position."] = 0.75,
    volatility: Annotated[int, Range(5, 252), "Bars of the volatility of size and stop."] = 21,
    target_volatility: Annotated[float, Range(0.01, 1.0), "Yearly volatility above which the size shrinks."] = 0.15,
    stop: Annotated[float, Range(0.5, 10.0), "Loss that ends a position, in deviations over `horizon` bars."] = 2.5,
    take: Annotated[float, Range(0.5, 10.0), "Gain that ends a position, as a multiple of that loss."] = 1.5,
    horizon: Annotated[int, Range(1, 252), "Bars of the deviation of the stop."] = 21,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight."] = 1.0,
) -> Decision:
    """Sell the dollar when the real pays much for its risk and has been gaining, buy it in the opposite case.

    X = 0.5 z((SELIC - FED_FUNDS) / volatility of 63 days, 252) - 0.5 z(63-day log return of USDBRL, 504). X >= 0.75 is
    SHORT USDBRL, X <= -0.75 LONG. The size is tanh(|X| / 2) min(1, 0.15 / volatility of 21 days) times the largest
    weight, taken at the entry.

    A position ends at the first close of USDBRL that is 2.5 s sqrt(21) against it or 1.5 times as much for it, from the
    close of its entry's decision on, s being the daily deviation of 21 days at that close; it then stays flat until the
    direction changes. The strategy itself sees to it, as the engine's stops are fixed fractions, so that an exit is
    filled like any other decision, at the bar after that close.

    Inputs: SELIC_TARGET and FED_FUNDS in percent, USDBRL; volatility is annualised. Score: X. Raw: carry / volatility.
    """
    selic, fed, price = (
        bars.known("SELIC_TARGET", "percent"),
        bars.known("FED_FUNDS", "percent"),
        bars.known("USDBRL", "price"),
    )
    carry = views.over(selic - fed, 100.0 * indicators.volatility(price, change))
    moved = views.z(views.change(np.log(price), change), momentum_window)
    score = carry_weight * views.z(carry, carry_window) - (1.0 - carry_weight) * moved
    yearly = indicators.volatility(price, volatility)
    loss = stop * yearly * math.sqrt(horizon / 252.0)
    return views.decide(
        bars,
        {"USDBRL": max_position},
        -views.toward(score, threshold),
        views.size_of(score) * np.minimum(1.0, views.over(np.full(len(bars), target_volatility), yearly)),
        inputs={"SELIC_TARGET": selic, "FED_FUNDS": fed, "USDBRL": price},
        outside=f"|X| is below {threshold:g}.",
        score=score,
        raw=carry,
        stop=(loss, take * loss),
    )
