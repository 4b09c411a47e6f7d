"""RATES_03: real rates of Brazil and the US."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy

UNITS = {
    "DI_2Y": "percent",
    "DI_5Y": "percent",
    "UST_2Y": "percent",
    "UST_5Y": "percent",
    "CDS_5Y": "bps",
    "IPCA_12M": "percent",
    "US_CPI_YOY": "percent",
}


def first_score(*, window: int, **_: Any) -> int:
    return -(-window // 2)


@strategy(
    id="RATES_03",
    lookback=first_score,
    family="RATES_BR",
    source="Asness, Moskowitz and Pedersen (2013), Value and Momentum Everywhere, Journal of Finance 68(3)",
    dataset="macro_synthetic",
    legs=("DI_2Y", "UST_2Y"),
    series=tuple(Need(key, unit) for key, unit in UNITS.items()),
    defaults={"max_holding_bars": 21, "max_leverage": 2.0},
)
def rates_03(
    bars: Bars,
    window: Annotated[int, Range(20, 1260), "Observations of each z-score."] = 504,
    threshold: Annotated[float, Range(0.1, 5.0), "|z| from which there is a position."] = 1.25,
    agreement: Annotated[float, Range(0.0, 1.0), "What the size gains when five years say the same."] = 0.1,
    stop: Annotated[float, Range(0.001, 1.0), "Loss that ends all legs, as a part of the largest one."] = 0.02,
    take: Annotated[float, Range(0.001, 1.0), "Gain that ends all legs, as a part of the largest one."] = 0.03,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight of a leg."] = 1.0,
) -> Decision:
    """Receive Brazil's rate against that of the US when it pays unusually much beyond inflation and credit risk.

    s = (DI - IPCA_12M) - (UST - US_CPI_YOY) - CDS_5Y / 100 at two years, each day with the inflation that was known on
    it; z of s over 504 days. z >= 1.25 is LONG DI_2Y (receive) and SHORT UST_2Y (pay), z <= -1.25 the reverse. The
    legs have opposite DV01 at the entry: w_DI D_DI + w_UST D_UST = 0 with D = T / (1 + y). The larger weight is the
    size times the largest weight; the size, taken at the entry, is tanh(|z| / 2), and 0.1 more, at most 1, when the
    same score at five years is beyond the threshold on the same side.

    Both legs end at the first close at which together they have lost 2 % or gained 3 % of what is in the larger
    one, and stay flat until the direction changes.

    Inputs: DI_2Y, DI_5Y, UST_2Y, UST_5Y, IPCA_12M and US_CPI_YOY in percent, CDS_5Y in basis points. Score: z of two
    years. Raw: s of two years, percent.
    """
    known = {key: bars.known(key, unit) for key, unit in UNITS.items()}
    common = known["US_CPI_YOY"] - known["IPCA_12M"] - known["CDS_5Y"] / 100.0
    spread = known["DI_2Y"] - known["UST_2Y"] + common
    score = views.z(spread, window)
    way = views.toward(score, threshold)
    longer = views.toward(views.z(known["DI_5Y"] - known["UST_5Y"] + common, window), threshold)
    size = np.minimum(1.0, views.size_of(score) + agreement * (longer == way))
    received, paid = views.neutral(
        views.modified_duration(2.0, known["DI_2Y"]), views.modified_duration(2.0, known["UST_2Y"]), max_position
    )
    return views.decide(
        bars,
        {"DI_2Y": received, "UST_2Y": paid},
        way,
        size,
        inputs=known,
        stop=(stop, take),
        outside=f"|z| is below {threshold:g}.",
        score=score,
        raw=spread,
    )
