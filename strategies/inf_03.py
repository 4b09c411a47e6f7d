"""INF_03: inflation carry."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy

BENCHMARKS = ("INFLATION_TARGET", "IPCA_12M", "FOCUS_IPCA_12M")


def first_score(*, window: int, **_: Any) -> int:
    return -(-window // 2)


@strategy(
    id="INF_03",
    lookback=first_score,
    family="INFLATION",
    source="Ang, Bekaert and Wei (2007), Do macro variables, asset markets, or surveys forecast inflation better?, "
    "Journal of Monetary Economics 54(4)",
    dataset="macro_synthetic",
    legs=("NTNB_2Y", "DI_2Y"),
    series=(Need("NTNB_2Y", "percent"), Need("DI_2Y", "percent"), *(Need(name, "percent") for name in BENCHMARKS)),
    defaults={"max_holding_bars": 21, "max_leverage": 2.0},
)
def inf_03(
    bars: Bars,
    window: Annotated[int, Range(20, 1260), "Observations of each z-score."] = 252,
    threshold: Annotated[float, Range(0.1, 5.0), "|z| from which there is a position."] = 1.0,
    stop: Annotated[float, Range(0.001, 1.0), "Loss that ends all legs, as a part of the largest one."] = 0.015,
    take: Annotated[float, Range(0.001, 1.0), "Gain that ends all legs, as a part of the largest one."] = 0.02,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight of a leg."] = 1.0,
) -> Decision:
    """Sell breakeven inflation when it pays unusually much over what inflation is, should be and is expected to be.

    BE = (1 + DI_2Y) / (1 + NTNB_2Y) - 1, in percent a year. z is the mean of the z-scores over 252 bars of BE -
    INFLATION_TARGET, BE - IPCA_12M and BE - FOCUS_IPCA_12M, each difference taken with what was known at its bar.

    z >= 1 is SHORT breakeven (NTNB_2Y short, DI_2Y long), z <= -1 LONG. The legs are DV01-neutral with durations
    2 / (1 + y). The larger weight is tanh(|z| / 2) times the largest weight, taken at the entry.
    Score: z. Raw: BE.

    Both legs end at the first close at which together they have lost 1.5 % or gained 2 % of what is in the larger
    one, and stay flat until the direction changes.
    """
    real, nominal = bars.known("NTNB_2Y", "percent"), bars.known("DI_2Y", "percent")
    benchmarks = {name: bars.known(name, "percent") for name in BENCHMARKS}
    breakeven = views.breakeven(nominal, real)
    score = np.mean([views.z(breakeven - known, window) for known in benchmarks.values()], axis=0)
    durations = views.modified_duration(2.0, real), views.modified_duration(2.0, nominal)
    linked, plain = views.neutral(*durations, max_position)
    return views.decide(
        bars,
        {"NTNB_2Y": linked, "DI_2Y": plain},
        -views.toward(score, threshold),
        views.size_of(score),
        inputs={"NTNB_2Y": real, "DI_2Y": nominal, **benchmarks},
        stop=(stop, take),
        outside=f"|z| is below {threshold:g}.",
        score=score,
        raw=breakeven,
    )
