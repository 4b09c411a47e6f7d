"""RATES_05: the Federal Reserve's meetings."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy


def first_score(*, window: int, **_: Any) -> int:
    return -(-window // 2)


def wrong_way_round(*, leave: float, threshold: float, **_: Any) -> str | None:
    return None if leave <= threshold else f"leave ({leave:g}) must not be above threshold ({threshold:g})."


@strategy(
    id="RATES_05",
    check=wrong_way_round,
    lookback=first_score,
    family="RATES_US",
    source="Taylor (1993), Discretion versus policy rules in practice, Carnegie-Rochester Conference Series 39; "
    "Lucca and Moench (2015), The Pre-FOMC Announcement Drift, Journal of Finance 70(1)",
    dataset="macro_synthetic",
    legs=("UST_2Y",),
    series=(Need("UST_2Y", "percent"), Need("US_CPI_YOY", "percent"), Need("FED_FUNDS", "percent")),
    calendars=("FOMC",),
    defaults={"max_holding_bars": 7, "stop_loss": 0.015, "take_profit": 0.02},
)
def rates_05(
    bars: Bars,
    before: Annotated[int, Range(0, 20), "Weekdays ahead of a meeting from which a position may be open."] = 5,
    after: Annotated[int, Range(0, 20), "Weekdays past a meeting until which it may."] = 2,
    notice: Annotated[int, Range(0, 365), "Days ahead that a scheduled meeting is announced at least."] = 14,
    window: Annotated[int, Range(20, 1260), "Observations of the z-score."] = 504,
    threshold: Annotated[float, Range(0.1, 5.0), "|z| from which a position is opened."] = 1.0,
    leave: Annotated[float, Range(0.0, 5.0), "|z| below which it is closed."] = 0.5,
    real_rate: Annotated[float, Range(-5.0, 10.0), "Neutral real rate, percent."] = 2.5,
    target: Annotated[float, Range(0.0, 10.0), "Target of inflation, percent."] = 2.0,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight."] = 1.0,
) -> Decision:
    """Around a scheduled meeting, own the two-year note when it yields more than a Taylor rule asks for, else sell it.

    D = UST_2Y - (2.5 + p + 0.5 (p - 2) + 0.5 clip(0.3 (FED_FUNDS - 2.5 - p), -2, 2)), p the yearly inflation that is
    known; z of D over 504 days. From 5 weekdays ahead of a meeting to 2 past it, z >= 1 opens LONG UST_2Y and z <= -1
    SHORT; it is closed after the window, when |z| < 0.5, and when z changes sides. A meeting counts as scheduled when
    it was announced at least 14 days ahead. The size is tanh(|z| / 2) times the largest weight, taken at the entry.

    Inputs: UST_2Y, US_CPI_YOY and FED_FUNDS in percent; the calendar FOMC. Score: z. Raw: D, percent.
    """
    note, prices, fed = (bars.known(key, "percent") for key in ("UST_2Y", "US_CPI_YOY", "FED_FUNDS"))
    slack = views.clipped(0.3 * (fed - real_rate - prices), 2.0)
    distance = note - (real_rate + prices + 0.5 * (prices - target) + 0.5 * slack)
    score = views.z(distance, window)
    inside = views.scheduled(bars, "FOMC", before=before, after=after, notice=notice)
    opens, stays = (np.where(inside, views.toward(score, least), 0.0 * score) for least in (threshold, leave))
    return views.decide(
        bars,
        {"UST_2Y": max_position},
        views.standing(opens, stays),
        views.size_of(score),
        inputs={
            "The calendar FOMC": views.has_calendar(bars, "FOMC"),
            "UST_2Y": note,
            "US_CPI_YOY": prices,
            "FED_FUNDS": fed,
        },
        outside=f"|z| is below {threshold:g}.",
        score=score,
        raw=distance,
        reasons=[("No scheduled meeting of the FOMC is near.", ~inside)],
    )
