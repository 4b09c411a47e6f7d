"""SOV_01: level and slope of the curve of default swaps."""

from __future__ import annotations

from typing import Annotated, Any

from engine import views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy


def first_score(*, window: int, **_: Any) -> int:
    return -(-window // 2)


@strategy(
    id="SOV_01",
    lookback=first_score,
    family="SOVEREIGN",
    source="Pan and Singleton (2008), Default and recovery implicit in the term structure of sovereign CDS spreads, "
    "Journal of Finance 63(5)",
    dataset="macro_synthetic",
    legs=("CDS_5Y",),
    series=(Need("CDS_5Y", "bps"), Need("CDS_1Y", "bps"), Need("DEBT_GDP", "percent")),
    defaults={"max_holding_bars": 21, "stop_loss": 0.15, "take_profit": 0.1},
)
def sov_01(
    bars: Bars,
    window: Annotated[int, Range(20, 1260), "Observations of each z-score."] = 252,
    debt_level: Annotated[float, Range(0.0, 300.0), "Debt in percent of GDP that adds nothing to the score."] = 75.0,
    debt_scale: Annotated[float, Range(0.1, 100.0), "Percent of GDP beyond it that add all they can."] = 10.0,
    threshold: Annotated[float, Range(0.1, 5.0), "|X| from which there is a position."] = 1.25,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight."] = 1.0,
) -> Decision:
    """Sell protection when it is dear and its curve is flat, buy it when it is cheap and the curve steep.

    X = 0.5 z(CDS_5Y) - 0.3 z(CDS_5Y - CDS_1Y) + 0.2 c, spreads in basis points and z over 252 bars;
    c = (DEBT_GDP - 75) / 10, not beyond -1 and 1.

    X >= 1.25 is SHORT CDS_5Y (sell protection), X <= -1.25 LONG. The weight is tanh(|X| / 2) times the largest
    weight, taken at the entry. Score: X. Raw: CDS_5Y.
    """
    five, one, debt = bars.known("CDS_5Y", "bps"), bars.known("CDS_1Y", "bps"), bars.known("DEBT_GDP", "percent")
    burden = views.clipped((debt - debt_level) / debt_scale)
    score = 0.5 * views.z(five, window) - 0.3 * views.z(five - one, window) + 0.2 * burden
    return views.decide(
        bars,
        {"CDS_5Y": max_position},
        -views.toward(score, threshold),
        views.size_of(score),
        inputs={"CDS_5Y": five, "CDS_1Y": one, "DEBT_GDP": debt},
        outside=f"|X| is below {threshold:g}.",
        score=score,
        raw=five,
    )
