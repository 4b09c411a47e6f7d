"""RATES_06: COPOM's meetings."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy

INPUTS = ("DI_1M", "SELIC_TARGET", "IPCA_12M", "INFLATION_TARGET", "INFLATION_BAND")


def first_score(*, window: int, **_: Any) -> int:
    return -(-window // 2)


@strategy(
    id="RATES_06",
    lookback=first_score,
    family="RATES_BR",
    source="Kuttner (2001), Monetary policy surprises and interest rates: Evidence from the Fed funds futures market, "
    "Journal of Monetary Economics 47(3)",
    dataset="macro_synthetic",
    legs=("DI_3M",),
    series=tuple(Need(key, "percent") for key in INPUTS),
    calendars=("COPOM",),
    defaults={"max_holding_bars": 7, "stop_loss": 0.015, "take_profit": 0.02},
)
def rates_06(
    bars: Bars,
    before: Annotated[int, Range(0, 20), "Weekdays ahead of a meeting from which there may be a position."] = 5,
    after: Annotated[int, Range(0, 20), "Weekdays past a meeting until which there may."] = 2,
    notice: Annotated[int, Range(0, 365), "Days ahead that a scheduled meeting is announced at least."] = 14,
    window: Annotated[int, Range(20, 1260), "Observations of the z-score."] = 252,
    threshold: Annotated[float, Range(0.1, 5.0), "|z| from which there is a position."] = 1.0,
    step: Annotated[float, Range(0.0, 2.0), "Move of the Selic that inflation outside its band asks for."] = 0.25,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight."] = 1.0,
) -> Decision:
    """Around a meeting, receive the short rate when it expects more of COPOM than inflation asks for, pay it when less.

    x = (DI_1M - SELIC_TARGET) - m, the move that the market expects less the model's: m = +0.25 where IPCA_12M is above
    the band of the calendar year's target (target + band), -0.25 where it is below it (target - band), else 0. z of x
    over 252 days. From 5 weekdays ahead of a meeting to 2 past it, z >= 1 is LONG DI_3M (receive) and z <= -1 SHORT
    (pay). The size is tanh(|z| / 2) times the largest weight, taken at the entry. Only a meeting that was announced at
    least 14 days ahead counts. What is decided in a meeting is known once SELIC_TARGET says it.

    Inputs: DI_1M, SELIC_TARGET, IPCA_12M, INFLATION_TARGET and INFLATION_BAND (to either side) in percent; the calendar
    COPOM. Score: z. Raw: x, percent.
    """
    known = {key: bars.known(key, "percent") for key in INPUTS}
    short, selic, inflation, target, band = known.values()
    model = step * (1.0 * (inflation > target + band) - 1.0 * (inflation < target - band))
    distance = (short - selic) - np.where(np.isnan(inflation + target + band), np.nan, model)
    score = views.z(distance, window)
    inside = views.scheduled(bars, "COPOM", before=before, after=after, notice=notice)
    return views.decide(
        bars,
        {"DI_3M": max_position},
        np.where(inside, views.toward(score, threshold), 0.0 * score),
        views.size_of(score),
        inputs={"The calendar COPOM": views.has_calendar(bars, "COPOM"), **known},
        outside=f"|z| is below {threshold:g}.",
        score=score,
        raw=distance,
        reasons=[("No scheduled meeting of COPOM is near.", ~inside)],
    )
