"""RATES_BR_04: what spills over from the US."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy


def first_score(*, window: int, change: int, **_: Any) -> int:
    return max(-(-window // 2), change + 1)


@strategy(
    id="RATES_BR_04",
    lookback=first_score,
    family="RATES_BR",
    source="Miranda-Agrippino and Rey (2020), U.S. Monetary Policy and the Global Financial Cycle, "
    "Review of Economic Studies 87(6)",
    dataset="macro_synthetic",
    legs=("DI_1Y", "UST_1Y"),
    series=(Need("DI_1Y", "percent"), Need("UST_1Y", "percent")),
    defaults={"max_holding_bars": 21, "max_leverage": 2.0},
)
def rates_br_04(
    bars: Bars,
    window: Annotated[int, Range(20, 1260), "Observations of the z-score."] = 252,
    threshold: Annotated[float, Range(0.1, 5.0), "|z| above which there is a position."] = 2.0,
    change: Annotated[int, Range(1, 63), "Bars over which the US yield moves."] = 5,
    move: Annotated[float, Range(0.0, 200.0), "Move of the US yield from which a position is opened, bps."] = 15.0,
    hedge: Annotated[bool, "Whether UST_1Y is the other leg, at the opposite DV01."] = False,
    stop: Annotated[float, Range(0.001, 1.0), "Loss that ends all legs, as a part of the largest one."] = 0.04,
    take: Annotated[float, Range(0.001, 1.0), "Gain that ends all legs, as a part of the largest one."] = 0.08,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight of a leg."] = 1.0,
) -> Decision:
    """Receive or pay Brazil's one-year rate when a move of US rates has left it unusually far above or below them.

    z of DI_1Y - UST_1Y over 252 days. z > 2 is LONG DI_1Y (receive), z < -2 SHORT (pay). A position is opened only when
    UST_1Y has moved by 15 bps or more, up or down, over 5 days; it stands for as long as z is beyond 2 on its side. The
    size is tanh(|z| / 2) times the largest weight, taken at the entry. With `hedge`, UST_1Y is the opposite leg:
    w_DI D_DI + w_UST D_UST = 0 with D = T / (1 + y) at the entry, the larger weight being that size.

    The legs end at the first close at which together they have lost 4 % or gained 8 % of what is in the largest
    one, and stay flat until the direction changes.

    Inputs: DI_1Y and UST_1Y in percent. Score: z. Raw: DI_1Y - UST_1Y.
    """
    local, foreign = bars.known("DI_1Y", "percent"), bars.known("UST_1Y", "percent")
    score = views.z(local - foreign, window)
    way = views.toward(score, threshold, strict=True)
    moved = 100.0 * np.abs(views.change(foreign, change))
    quiet = ~(np.round(moved, 9) >= move)  # 3.15 - 3.00 is a hair less than 15 bps in binary
    durations = (views.modified_duration(1.0, local), views.modified_duration(1.0, foreign))
    pair = dict(zip(("DI_1Y", "UST_1Y"), views.neutral(*durations, max_position), strict=True))
    return views.decide(
        bars,
        pair if hedge else {"DI_1Y": max_position},
        views.standing(np.where(quiet, 0.0 * way, way), way),
        views.size_of(score),
        inputs={"DI_1Y": local, "UST_1Y": foreign},
        stop=(stop, take),
        outside=f"UST_1Y has not moved by {move:g} bps.",
        score=score,
        raw=local - foreign,
        reasons=[(f"|z| is not above {threshold:g}.", way == 0.0)],
    )
