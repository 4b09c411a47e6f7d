"""The days around the turn of a month."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine import positions
from engine.bars import Bars, Times
from engine.strategy import Range, Weights, strategy

Counts: TypeAlias = NDArray[np.int64]


@strategy(
    family="calendar",
    source="Lakonishok and Smidt (1988), Are seasonal anomalies real? A ninety-year perspective, Review of Financial "
    "Studies 1(4), pp. 403-425, turn of the month",
    dataset="sp500_daily",
)
def turn_of_month(
    bars: Bars,
    before: Annotated[int, Range(0, 10), "Last weekdays of the month that are held."] = 1,
    after: Annotated[int, Range(0, 10), "First sessions of the next month that are held."] = 3,
) -> Weights:
    """Hold every symbol from the last weekday of each month to the third session of the next one.

    A row says what to hold over the next bar, so it asks what that bar will be. A calendar knows which weekdays are
    left of a month, and no later bar is looked at: a holiday among the last two costs a session. Sessions of the month
    that the data begin in are not counted. Each of N symbols gets 1/N of equity. Needs daily bars.
    """
    positions.require_daily(bars, "turn_of_month")
    left, gone = _weekdays_left(bars.sessions), _sessions_gone(bars.sessions)
    held = ((left <= before) & (left > 0)) | ((left == 0) & (after > 0)) | (gone < after)
    listed = np.maximum.accumulate(np.isfinite(bars.close), axis=0)
    weights: Weights = (held[:, None] & listed) / len(bars.symbols)
    return weights


def _weekdays_left(days: Times) -> Counts:
    """How many weekdays come after each day in its month. [T]"""
    next_month = (days.astype("datetime64[M]") + np.timedelta64(1, "M")).astype("datetime64[D]")
    return np.busday_count(days + np.timedelta64(1, "D"), next_month)


def _sessions_gone(days: Times) -> Counts:
    """How many sessions of its month there have been by each bar, weekends not counted; many in the first month. [T]"""
    months = days.astype("datetime64[M]")
    sessions = np.cumsum(np.is_busday(days))
    starts = np.append(True, months[1:] != months[:-1])
    begun = np.maximum.accumulate(np.where(starts, np.arange(len(days)), 0))
    counted: Counts = sessions - (sessions - np.is_busday(days))[begun]
    return np.where(months == months[0], len(days), counted)
