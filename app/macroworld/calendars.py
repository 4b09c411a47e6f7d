"""Meetings and releases, with the day on which each was announced."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.macroworld.days import Days, month_day
from engine.intake import Times

# (month, which Wednesday of it; -1 is the last one)
FOMC = ((1, -1), (3, 2), (5, 0), (6, 2), (7, -1), (9, 2), (11, 0), (12, 1))
COPOM = ((1, 2), (3, 1), (5, 0), (6, 2), (7, -1), (9, 2), (10, -1), (12, 1))
_WEDNESDAY = 2


class Events(NamedTuple):
    """Dates [K], when they were announced, and the period that each is about."""

    date: Times
    announced: Times
    reference: Times


def meetings(days: Days, plan: tuple[tuple[int, int], ...], announced: str) -> Events:
    """Eight decisions a year, into the year after the last one; `announced` is the day (MM-DD) of the year before."""
    years = range(int(days.first[:4]), int(days.last[:4]) + 2)
    dates = days.open_from(np.array([_weekday(year, *item) for year in years for item in plan]))
    told = np.array([f"{year - 1}-{announced}" for year in years for _ in plan], dtype="datetime64[D]")
    return Events(dates, told, dates)


def _weekday(year: int, month: int, which: int) -> np.datetime64:
    first = np.datetime64(f"{year}-{month:02d}")
    days = np.arange(first.astype("datetime64[D]"), (first + 1).astype("datetime64[D]"))
    wednesdays = days[(days.astype(np.int64) + 3) % 7 == _WEDNESDAY]
    found: np.datetime64 = wednesdays[which]
    return found


def inflation_releases(days: Days) -> Events:
    """IPCA: the first session from the 9th of the next month on; the year's dates are announced in November before."""
    months = np.arange(days.months[0], days.months[-1] + 7)
    dates = days.open_from(month_day(months + 1, 9))
    told = dates.astype("datetime64[Y]").astype("datetime64[M]") - 2
    return Events(dates, told.astype("datetime64[D]") + 14, months.astype("datetime64[D]"))


def preview_releases(days: Days) -> Times:
    """IPCA-15 of each month of the world: the first session from the 24th of the month on. [M]"""
    return days.open_from(month_day(days.months, 24))


def next_meeting(days: Days, events: Events) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each session: which meeting is the next one (today's counts), and how many sessions it is away. [T]"""
    places = days.place(events.date)
    coming = np.searchsorted(places, np.arange(len(days.sessions)))
    weekdays = np.busday_count(days.sessions, events.date[coming], holidays=days.holidays)
    return coming, weekdays
