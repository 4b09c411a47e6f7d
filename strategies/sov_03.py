"""SOV_03: migration of the rating."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import indicators, views
from engine.bars import Bars, Floats
from engine.strategy import Decision, Need, Range, strategy


def first_score(*, change: int, window: int, **_: Any) -> int:
    return change - (-window // 2)


@strategy(
    id="SOV_03",
    lookback=first_score,
    family="SOVEREIGN",
    source="Cantor and Packer (1996), Determinants and impact of sovereign credit ratings, "
    "FRBNY Economic Policy Review 2(2)",
    dataset="macro_synthetic",
    legs=("CDS_5Y", "DI_10Y"),
    series=(Need("DEBT_GDP", "percent"), Need("IBC_BR", "index"), Need("TRADE_BAL", "usd_mn"), Need("CDS_5Y", "bps")),
    defaults={"max_holding_bars": 28, "max_leverage": 2.0},
)
def sov_03(
    bars: Bars,
    change: Annotated[int, Range(5, 252), "Bars over which the change of the spread is taken."] = 63,
    window: Annotated[int, Range(20, 1260), "Observations of its z-score."] = 252,
    debt_level: Annotated[float, Range(0.0, 300.0), "Debt in percent of GDP that says nothing of the rating."] = 80.0,
    growth_level: Annotated[float, Range(-10.0, 10.0), "Growth in percent a year that says nothing of it."] = 2.0,
    threshold: Annotated[float, Range(0.51, 0.99), "Probability of a downgrade above which it is bought."] = 0.73,
    stop: Annotated[float, Range(0.001, 1.0), "Loss that ends all legs, as a part of the largest one."] = 0.2,
    take: Annotated[float, Range(0.001, 1.0), "Gain that ends all legs, as a part of the largest one."] = 0.15,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight of a leg."] = 1.0,
) -> Decision:
    """Buy protection and pay long rates when fundamentals and spreads point to a downgrade, reverse it for an upgrade.

    L = 0.35 c((d - 80) / 10) - 0.25 c((g - 2) / 1.5) - 0.20 c(b / 5) + 0.20 z, and p = 1 / (1 + exp(-L)). d: DEBT_GDP,
    percent. g: IBC_BR against 12 months before, percent. b: TRADE_BAL over 12 months, in USD bn (the series is USD
    mn). z: that of the 63-day change of CDS_5Y (basis points) over 252 bars. c keeps a value between -2 and 2.

    p > 0.73 is CDS_5Y long and DI_10Y short, p < 0.27 the reverse. Both weights are tanh(|L| / 2) times the largest
    weight, taken at the entry. Score: L. Raw: p.

    Both legs end at the first close at which together they have lost 20 % or gained 15 % of what is in the larger
    one, and stay flat until the direction changes.
    """
    debt, spread = bars.known("DEBT_GDP", "percent"), bars.known("CDS_5Y", "bps")
    growth = bars.derived("IBC_BR", views.year_on_year, "index")
    trade = bars.derived("TRADE_BAL", _year_in_billions, "usd_mn")
    widening = views.z(views.change(spread, change), window)
    score = (
        0.35 * views.clipped((debt - debt_level) / 10.0, 2.0)
        - 0.25 * views.clipped((growth - growth_level) / 1.5, 2.0)
        - 0.20 * views.clipped(trade / 5.0, 2.0)
        + 0.20 * widening
    )
    downgrade = 1.0 / (1.0 + np.exp(-score))
    return views.decide(
        bars,
        {"CDS_5Y": max_position, "DI_10Y": -max_position},
        np.where(downgrade > threshold, 1.0, np.where(downgrade < 1.0 - threshold, -1.0, 0.0 * score)),
        views.size_of(score),
        inputs={
            "DEBT_GDP": debt,
            "IBC_BR against 12 months before": growth,
            "TRADE_BAL over 12 months": trade,
            "CDS_5Y": spread,
        },
        stop=(stop, take),
        outside=f"The probability of a downgrade is between {1.0 - threshold:g} and {threshold:g}.",
        score=score,
        raw=downgrade,
    )


def _year_in_billions(values: Floats) -> Floats:
    return indicators.rolling_sum(values, 12) / 1000.0
