"""SOV_BR_01: the fiscal premium."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import views
from engine.bars import Bars, Floats
from engine.strategy import Decision, Need, Range, strategy


def first_score(*, window: int, **_: Any) -> int:
    return -(-window // 2)


@strategy(
    id="SOV_BR_01",
    lookback=first_score,
    family="SOVEREIGN",
    source="Laubach (2009), New evidence on the interest rate effects of budget deficits and debt, "
    "Journal of the European Economic Association 7(4)",
    dataset="macro_synthetic",
    legs=("DI_10Y", "USDBRL"),
    series=(
        Need("DEBT_GDP", "percent"),
        Need("PRIMARY_GDP", "percent"),
        Need("DI_10Y", "percent"),
        Need("UST_10Y", "percent"),
    ),
    defaults={"max_holding_bars": 63, "max_leverage": 2.0},
)
def sov_br_01(
    bars: Bars,
    months: Annotated[int, Range(24, 360), "Months of the z-score of debt and deficit."] = 120,
    window: Annotated[int, Range(20, 1260), "Bars of the z-score of the spread."] = 252,
    risk_threshold: Annotated[float, Range(0.1, 5.0), "|risk| above which the public finances count as extreme."] = 1.0,
    spread_threshold: Annotated[float, Range(0.1, 5.0), "|spread| above which its price does not agree."] = 1.5,
    stop: Annotated[float, Range(0.001, 1.0), "Loss that ends all legs, as a part of the largest one."] = 0.05,
    take: Annotated[float, Range(0.001, 1.0), "Gain that ends all legs, as a part of the largest one."] = 0.12,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight of a leg."] = 1.0,
) -> Decision:
    """Sell Brazil when its finances are bad and long rates do not show it, buy it in the opposite case.

    risk = z of DEBT_GDP - PRIMARY_GDP (debt plus primary deficit, in percent of GDP) over 120 months, one observation
    at each publication of the debt. spread = z of DI_10Y - UST_10Y (percent) over 252 bars.

    risk > 1 and spread < -1.5 is DI_10Y short (pay) and USDBRL long; risk < -1 and spread > 1.5 the reverse. Both
    weights are tanh(|z| / 2) times the largest weight, with z = (risk - spread) / 2, taken at the entry. Score: z. Raw:
    DI_10Y - UST_10Y.

    Both legs end at the first close at which together they have lost 5 % or gained 12 % of what is in the larger
    one, and stay flat until the direction changes.
    """
    inputs = {name: bars.known(name, "percent") for name in ("DEBT_GDP", "PRIMARY_GDP", "DI_10Y", "UST_10Y")}
    risk = _risk(bars, months)
    premium = inputs["DI_10Y"] - inputs["UST_10Y"]
    spread = views.z(premium, window)
    score = (risk - spread) / 2.0
    worse = (risk > risk_threshold) & (spread < -spread_threshold)
    better = (risk < -risk_threshold) & (spread > spread_threshold)
    return views.decide(
        bars,
        {"DI_10Y": -max_position, "USDBRL": max_position},
        np.where(worse, 1.0, np.where(better, -1.0, 0.0 * score)),
        views.size_of(score),
        inputs=inputs,
        stop=(stop, take),
        outside=f"Risk and spread do not disagree by {risk_threshold:g} and {spread_threshold:g}.",
        score=score,
        raw=premium,
    )


def _risk(bars: Bars, months: int) -> Floats:
    """z of debt less primary surplus, each publication of the debt beside the surplus known at that moment. [T]"""
    if not {"DEBT_GDP", "PRIMARY_GDP"} <= set(bars.panel.series):
        return np.full(len(bars), np.nan)
    debt, surplus = bars.panel.get("DEBT_GDP", "percent"), bars.panel.get("PRIMARY_GDP", "percent")
    burden = views.with_values(debt, debt.value - surplus.at(views.published(debt)))
    return burden.derived(bars.decided, views.zscore_of(months))
