"""FX_BR_01: carry, fair value and flow."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import indicators, views
from engine.bars import Bars, Floats
from engine.strategy import Decision, Need, Range, strategy


def no_weight_at_all(*, carry_weight: float, value_weight: float, flow_weight: float, **_: Any) -> str | None:
    if carry_weight + value_weight + flow_weight > 0.0:
        return None
    return "One of carry_weight, value_weight and flow_weight must be above 0."


def first_score(*, window: int, volatility: int, **_: Any) -> int:
    half = -(-window // 2)
    return max(window - 1 + half, volatility + half)


@strategy(
    id="FX_BR_01",
    check=no_weight_at_all,
    lookback=first_score,
    family="FX",
    source="Asness, Moskowitz and Pedersen (2013), Value and Momentum Everywhere, Journal of Finance 68(3); "
    "Evans and Lyons (2002), Order Flow and Exchange Rate Dynamics, Journal of Political Economy 110(1)",
    dataset="macro_synthetic",
    legs=("USDBRL",),
    series=(
        Need("SELIC_TARGET", "percent"),
        Need("FED_FUNDS", "percent"),
        Need("USDBRL", "price"),
        Need("FXFLOW_TOTAL", "usd_mn"),
        Need("VIX", "index", optional=True),
        Need("CDS_5Y", "bps", optional=True),
    ),
    defaults={"max_holding_bars": 21, "stop_loss": 0.05, "take_profit": 0.10},
)
def fx_br_01(
    bars: Bars,
    window: Annotated[int, Range(20, 1260), "Observations of each z-score and of the mean that is fair value."] = 252,
    volatility: Annotated[int, Range(5, 252), "Bars of the volatility that carry is divided by."] = 21,
    flow: Annotated[int, Range(2, 126), "Days of flow that are summed."] = 21,
    carry_weight: Annotated[float, Range(0.0, 1.0), "Weight of carry in X."] = 0.40,
    value_weight: Annotated[float, Range(0.0, 1.0), "Weight of the distance from fair value in X."] = 0.35,
    flow_weight: Annotated[float, Range(0.0, 1.0), "Weight of flow in X."] = 0.25,
    threshold: Annotated[float, Range(0.01, 1.0), "|X| from which there is a position."] = 0.1,
    risk_off: Annotated[float, Range(0.0, 1.0), "Aversion to risk above which the size is halved."] = 0.3,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight."] = 1.0,
) -> Decision:
    """Sell the dollar when the real pays well, is cheap and is being bought, buy it in the opposite case.

    C = z((SELIC - FED_FUNDS) / volatility of 21 days), B = z(ln S - mean of 252 days of ln S), F = z(flow of 21 days),
    each over 252 days. X = 0.40 tanh(C / 2) + 0.35 tanh(B / 2) + 0.25 tanh(F / 2). X >= 0.1 is SHORT USDBRL,
    X <= -0.1 LONG. The size is tanh(|X| / 2) times the largest weight, taken at the entry, and half of that while the
    aversion to risk is above 0.3 at the entry.

    The aversion to risk, -1 to 1, is the mean of tanh(z / 2) of VIX and of CDS_5Y over 252 days, or that of the one
    that is there. Without either the size is not halved, and a note says so.

    Inputs: SELIC_TARGET and FED_FUNDS in percent, USDBRL, FXFLOW_TOTAL in USD mn (positive: into Brazil); volatility is
    annualised, in percent. Optional: VIX, CDS_5Y in basis points. Score: X. Raw: SELIC - FED_FUNDS.
    """
    selic, fed = bars.known("SELIC_TARGET", "percent"), bars.known("FED_FUNDS", "percent")
    price, flows = bars.known("USDBRL", "price"), bars.known("FXFLOW_TOTAL", "usd_mn")
    log = np.log(price)
    carry = views.z(views.over(selic - fed, 100.0 * indicators.volatility(price, volatility)), window)
    value = views.z(log - indicators.sma(log, window), window)
    flowing = views.z(bars.derived("FXFLOW_TOTAL", views.sum_of(flow), "usd_mn"), window)
    score = (
        carry_weight * np.tanh(carry / 2.0) + value_weight * np.tanh(value / 2.0) + flow_weight * np.tanh(flowing / 2.0)
    )
    aversion = _aversion(bars, window)
    return views.decide(
        bars,
        {"USDBRL": max_position},
        -views.toward(score, threshold),
        views.size_of(score) * np.where(aversion > risk_off, 0.5, 1.0),
        inputs={"SELIC_TARGET": selic, "FED_FUNDS": fed, "USDBRL": price, "FXFLOW_TOTAL": flows},
        outside=f"|X| is below {threshold:g}.",
        score=score,
        raw=selic - fed,
        notes=[("Without VIX and CDS_5Y the size is not halved when risk is shunned.", np.isnan(aversion))],
    )


def _aversion(bars: Bars, window: int) -> Floats:
    """The mean of what is known of it, NaN where nothing is. [T]"""
    known = [
        np.tanh(views.z(bars.known(key, unit), window) / 2.0) for key, unit in (("VIX", "index"), ("CDS_5Y", "bps"))
    ]
    count = np.sum(np.isfinite(known), axis=0)
    return views.over(np.nansum(known, axis=0), count.astype(np.float64))
