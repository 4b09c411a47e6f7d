"""FX_03: flow, tactical."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import views
from engine.bars import Bars, Floats
from engine.strategy import Decision, Need, Range, strategy


def out_of_order(*, threshold: float, fade_from: float, fade_to: float, **_: Any) -> str | None:
    if threshold < fade_from < fade_to:
        return None
    return f"threshold ({threshold:g}) < fade_from ({fade_from:g}) < fade_to ({fade_to:g}) is needed."


def first_score(*, window: int, **_: Any) -> int:
    return 5 * (-(-window // 2) - 1) + 1


@strategy(
    id="FX_03",
    check=out_of_order,
    lookback=first_score,
    family="FX",
    source="Klitgaard and Weir (2004), Exchange Rate Changes and Net Positions of Speculators in the Futures Market, "
    "FRBNY Economic Policy Review 10(1)",
    dataset="macro_synthetic",
    legs=("USDBRL",),
    series=(Need("FXFLOW_TOTAL", "usd_mn"), Need("CFTC_BRL_NET", "contracts"), Need("FXFLOW_FIN", "usd_mn")),
)
def fx_03(
    bars: Bars,
    flow: Annotated[int, Range(2, 126), "Days of flow that are summed: four weeks."] = 20,
    window: Annotated[int, Range(8, 520), "Weeks of each z-score."] = 104,
    flow_weight: Annotated[float, Range(0.0, 1.0), "Weight of the total flow in X."] = 0.40,
    position_weight: Annotated[float, Range(0.0, 1.0), "Weight of the speculators' position in X."] = 0.35,
    financial_weight: Annotated[float, Range(0.0, 1.0), "Weight of the financial flow in X."] = 0.25,
    threshold: Annotated[float, Range(0.1, 5.0), "|X| from which there is a position."] = 1.0,
    fade_from: Annotated[float, Range(0.2, 10.0), "|X| above which the position begins to fade."] = 2.0,
    fade_to: Annotated[float, Range(0.3, 20.0), "|X| from which the position is the contrary one in full."] = 3.0,
    stop: Annotated[float, Range(0.001, 1.0), "Loss that ends a position, as a part of its price."] = 0.03,
    take: Annotated[float, Range(0.001, 1.0), "Gain that ends a position, as a part of its price."] = 0.05,
    hold: Annotated[int, Range(1, 252), "Bars after which a position ends."] = 14,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight."] = 1.0,
) -> Decision:
    """Go with the flow into or out of Brazil, and against it once everybody is in.

    Decided once a week, at the bar of its Friday, or at the first bar after a week without one:
    X = 0.40 z(total flow of 20 days) + 0.35 z(net position in futures) + 0.25 z(financial flow of 20 days), each over
    104 weeks. |X| >= 1 is a position: X > 0 SHORT USDBRL, X < 0 LONG, times f = 1 - 2 clip((|X| - 2) / (3 - 2), 0, 1):
    in full up to |X| = 2, none at 2.5, the contrary one in full from 3 on. The size is |f| tanh(|X| / 2) times the
    largest weight; it follows X from week to week, so that there is no cliff.

    A position ends at the first close of USDBRL that is 3 % against it or 5 % for it, from the close of its entry's
    decision on, or 14 bars after that, and stays flat until the direction changes. The strategy itself sees to it: the
    next week's size would open again what the engine has closed.

    Inputs: FXFLOW_TOTAL and FXFLOW_FIN in USD mn (positive: into Brazil), CFTC_BRL_NET in contracts (positive: long the
    real), as of Tuesday and known from Friday on. Score: X. Raw: total flow of 20 days.
    """
    week = _Weeks(bars)
    total, financial = (bars.derived(key, views.sum_of(flow), "usd_mn") for key in ("FXFLOW_TOTAL", "FXFLOW_FIN"))
    position = bars.derived("CFTC_BRL_NET", views.zscore_of(window), "contracts")
    score = (
        flow_weight * week.z(total, window)
        + position_weight * week.held(position)
        + financial_weight * week.z(financial, window)
    )
    fade = 1.0 - 2.0 * np.clip((np.abs(score) - fade_from) / (fade_to - fade_from), 0.0, 1.0)
    return views.decide(
        bars,
        {"USDBRL": max_position},
        -views.toward(score, threshold) * np.sign(fade),
        views.size_of(score) * np.abs(fade),
        inputs={key: week.held(bars.known(key, unit)) for key, unit, *_ in fx_03.series},
        outside=f"|X| is below {threshold:g}, or where the position turns.",
        score=score,
        raw=week.held(total),
        stop=(stop, take),
        hold=hold,
        follow=True,
    )


class _Weeks:
    """What was known at the end of the last week."""

    def __init__(self, bars: Bars) -> None:
        self._ends = np.flatnonzero(views.week_ends(bars.time))
        self._last = np.searchsorted(self._ends, np.arange(len(bars)), side="right") - 1

    def held(self, values: Floats) -> Floats:
        """The values [T] at that end, NaN before the first. [T]"""
        return self._spread(values[self._ends])

    def z(self, values: Floats, window: int) -> Floats:
        """The z-score of the values [T] at so many ends. [T]"""
        return self._spread(views.z(values[self._ends], window))

    def _spread(self, weekly: Floats) -> Floats:
        return np.append(weekly, np.nan)[self._last]
