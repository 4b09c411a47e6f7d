"""CUPOM_02: the dollar rate onshore against offshore."""

from __future__ import annotations

from typing import Annotated, Any

from engine import views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy


def first_score(*, window: int, **_: Any) -> int:
    return -(-window // 2)


@strategy(
    id="CUPOM_02",
    lookback=first_score,
    family="CUPOM",
    source="McCauley, Shu and Ma (2014), Non-deliverable forwards: 2013 and beyond, BIS Quarterly Review, March",
    dataset="macro_synthetic",
    legs=("CUPOM_6M", "NDF_6M"),
    series=(Need("CUPOM_6M", "percent"), Need("NDF_6M", "percent")),
    defaults={"max_holding_bars": 21, "max_leverage": 2.0},
)
def cupom_02(
    bars: Bars,
    window: Annotated[int, Range(20, 1260), "Observations of the z-score."] = 252,
    threshold: Annotated[float, Range(0.1, 5.0), "|z| from which there is a position."] = 1.5,
    stop: Annotated[float, Range(0.001, 1.0), "Loss that ends all legs, as a part of the largest one."] = 0.02,
    take: Annotated[float, Range(0.001, 1.0), "Gain that ends all legs, as a part of the largest one."] = 0.03,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight of a leg."] = 1.0,
) -> Decision:
    """Receive the onshore dollar rate against the offshore one when their spread is unusually wide, pay it when narrow.

    spread = CUPOM_6M (onshore) - NDF_6M (the dollar rate that non-deliverable forwards imply), both in percent; z over
    252 bars.

    z >= 1.5 is SHORT the spread (CUPOM_6M long, NDF_6M short: it gains when the spread falls), z <= -1.5 LONG. The
    legs are DV01-neutral with durations 0.5 / (1 + y). The larger weight is tanh(|z| / 2) times the largest weight,
    taken at the entry. Score: z. Raw: the spread.

    Both legs end at the first close at which together they have lost 2 % or gained 3 % of what is in the larger
    one, and stay flat until the direction changes.
    """
    onshore, offshore = bars.known("CUPOM_6M", "percent"), bars.known("NDF_6M", "percent")
    score = views.z(onshore - offshore, window)
    durations = views.modified_duration(0.5, onshore), views.modified_duration(0.5, offshore)
    here, there = views.neutral(*durations, max_position)
    return views.decide(
        bars,
        {"CUPOM_6M": -here, "NDF_6M": -there},
        -views.toward(score, threshold),
        views.size_of(score),
        inputs={"CUPOM_6M": onshore, "NDF_6M": offshore},
        stop=(stop, take),
        outside=f"|z| is below {threshold:g}.",
        score=score,
        raw=onshore - offshore,
    )
