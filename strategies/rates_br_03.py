"""RATES_BR_03: slope of the DI curve."""

from __future__ import annotations

from typing import Annotated, Any

from engine import views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy


def first_score(*, window: int, **_: Any) -> int:
    return -(-window // 2)


@strategy(
    id="RATES_BR_03",
    lookback=first_score,
    family="RATES_BR",
    source="Litterman and Scheinkman (1991), Common Factors Affecting Bond Returns, Journal of Fixed Income 1(1)",
    dataset="macro_synthetic",
    legs=("DI_2Y", "DI_5Y"),
    series=(Need("DI_2Y", "percent"), Need("DI_5Y", "percent")),
    defaults={"max_holding_bars": 63, "max_leverage": 2.0},
)
def rates_br_03(
    bars: Bars,
    window: Annotated[int, Range(20, 1260), "Observations of the z-score."] = 252,
    threshold: Annotated[float, Range(0.1, 5.0), "|z| above which there is a position."] = 1.5,
    stop: Annotated[float, Range(0.001, 1.0), "Loss that ends all legs, as a part of the largest one."] = 0.03,
    take: Annotated[float, Range(0.001, 1.0), "Gain that ends all legs, as a part of the largest one."] = 0.06,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight of a leg."] = 1.0,
) -> Decision:
    """Bet on a flatter DI curve when it is unusually steep, on a steeper one when it is unusually flat.

    z of DI_5Y - DI_2Y over 252 days. z > 1.5 is a flattener: LONG DI_5Y (receive), SHORT DI_2Y (pay); z < -1.5 is a
    steepener, the reverse. The legs have opposite DV01 at the entry: w5 D5 + w2 D2 = 0 with D = T / (1 + y), so that
    the larger weight is that of DI_2Y. It is tanh(|z| / 2) times the largest weight, taken at the entry.

    Both legs end at the first close at which together they have lost 3 % or gained 6 % of what is in the larger
    one, and stay flat until the direction changes.

    Inputs: DI_2Y and DI_5Y in percent. Score: z. Raw: DI_5Y - DI_2Y.
    """
    short, long = bars.known("DI_2Y", "percent"), bars.known("DI_5Y", "percent")
    slope = long - short
    score = views.z(slope, window)
    received, paid = views.neutral(
        views.modified_duration(5.0, long), views.modified_duration(2.0, short), max_position
    )
    return views.decide(
        bars,
        {"DI_5Y": received, "DI_2Y": paid},
        views.toward(score, threshold, strict=True),
        views.size_of(score),
        inputs={"DI_2Y": short, "DI_5Y": long},
        stop=(stop, take),
        outside=f"|z| is not above {threshold:g}.",
        score=score,
        raw=slope,
    )
