"""FX_04: relative value of volatility."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np

from engine import indicators, views
from engine.bars import Bars, Floats
from engine.strategy import Decision, Need, Range, strategy


def not_shorter(*, short: int, long: int, **_: Any) -> str | None:
    return None if short < long else f"short ({short}) must be below long ({long})."


def first_score(*, long: int, window: int, tail_window: int, **_: Any) -> int:
    return long + max(-(-window // 2), -(-tail_window // 2))


@strategy(
    id="FX_04",
    check=not_shorter,
    lookback=first_score,
    family="FX",
    source="Della Corte, Ramadorai and Sarno (2016), Volatility risk premia and exchange rate predictability, "
    "Journal of Financial Economics 120(1)",
    dataset="macro_synthetic",
    legs=("USDBRL",),
    series=(Need("USDBRL", "price"), Need("BRL_IMPLIED_VOL", "percent", optional=True, proxied=True)),
    defaults={"max_holding_bars": 14},
)
def fx_04(
    bars: Bars,
    short: Annotated[int, Range(5, 126), "Bars of the volatility of now."] = 21,
    long: Annotated[int, Range(8, 504), "Bars of the usual volatility, of skewness and of kurtosis."] = 63,
    window: Annotated[int, Range(20, 1260), "Observations of the z-scores of volatility."] = 252,
    tail_window: Annotated[int, Range(20, 1260), "Observations of the z-scores of skewness and kurtosis."] = 504,
    premium_weight: Annotated[float, Range(0.0, 1.0), "Weight of implied above realised volatility in X."] = 0.40,
    rise_weight: Annotated[float, Range(0.0, 1.0), "Weight of the volatility of now over the usual one in X."] = 0.25,
    skew_weight: Annotated[float, Range(0.0, 1.0), "Weight of skewness in X."] = 0.20,
    kurt_weight: Annotated[float, Range(0.0, 1.0), "Weight of excess kurtosis in X."] = 0.15,
    threshold: Annotated[float, Range(0.1, 5.0), "|X| from which there is a position."] = 1.0,
    stop: Annotated[float, Range(0.5, 10.0), "Loss that ends a position, in deviations over `horizon` bars."] = 2.0,
    take: Annotated[float, Range(0.5, 10.0), "Gain that ends a position, as a multiple of that loss."] = 1.5,
    horizon: Annotated[int, Range(1, 252), "Bars of the deviation of the stop."] = 14,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight."] = 1.0,
) -> Decision:
    """Buy the dollar when volatility says that trouble is feared, sell it when nobody fears any.

    With s(n) the yearly volatility of n days in percent: X = 0.40 z(implied - s(21), 252) + 0.25 z(s(21) / s(63), 252)
    + 0.20 z(skewness of 63 daily log returns, 504) + 0.15 z(their excess kurtosis, 504). X >= 1 is LONG USDBRL,
    X <= -1 SHORT. The size is tanh(|X| / 2) times the largest weight, taken at the entry.

    Where there is no implied volatility, or too little of it for its z-score, a proxy stands for it with a z-score of
    its own: sqrt((s(21)^2 + s(252)^2) / 2), volatility on its way back to that of the year. A note says so, and also
    where the series itself is a proxy.

    A position ends at the first close of USDBRL that is 2 d sqrt(14) against it or 1.5 times as much for it, from the
    close of its entry's decision on, d being the daily deviation of 21 days at that close; it then stays flat until the
    direction changes. The strategy itself sees to it, as the engine's stops are fixed fractions, so that an exit is
    filled like any other decision, at the bar after that close.

    Inputs: USDBRL. Optional: BRL_IMPLIED_VOL in percent. Score: X. Raw: implied (or its proxy) - s(21).
    """
    price, implied = bars.known("USDBRL", "price"), bars.known("BRL_IMPLIED_VOL", "percent")
    now, usual = (100.0 * indicators.volatility(price, count) for count in (short, long))
    premium = implied - now
    guess = _proxy(price, now, window) - now
    unknown = np.isnan(views.z(premium, window))
    returns = views.change(np.log(price), 1)
    score = (
        premium_weight * np.where(unknown, views.z(guess, window), views.z(premium, window))
        + rise_weight * views.z(views.over(now, usual), window)
        + skew_weight * views.z(indicators.rolling_skew(returns, long), tail_window)
        + kurt_weight * views.z(indicators.rolling_kurt(returns, long), tail_window)
    )
    loss = stop * now / 100.0 * math.sqrt(horizon / 252.0)
    return views.decide(
        bars,
        {"USDBRL": max_position},
        views.toward(score, threshold),
        views.size_of(score),
        inputs={"USDBRL": price},
        outside=f"|X| is below {threshold:g}.",
        score=score,
        raw=np.where(unknown, guess, premium),
        stop=(loss, take * loss),
        notes=[("Implied volatility is a proxy.", unknown | _is_proxy(bars))],
    )


def _proxy(price: Floats, now: Floats, window: int) -> Floats:
    year = 100.0 * indicators.volatility(price, window)
    return np.sqrt((now**2 + year**2) / 2.0)


def _is_proxy(bars: Bars) -> bool:
    found = bars.panel.series.get("BRL_IMPLIED_VOL")
    return found is not None and found.quality == "proxy"
