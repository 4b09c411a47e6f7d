"""The days of the world: sessions, months, and when on a day something is published."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.intake import Times

# Holidays that fall on the same day every year (B3). Those that move with Easter are sessions here.
HOLIDAYS = ("01-01", "04-21", "05-01", "09-07", "10-12", "11-02", "11-15", "12-25")

# Clock times of publication, UTC.
MORNING, NOON, STATISTICS, CLOSE, AFTER_CLOSE = "11:30", "12:00", "13:30", "20:00", "21:15"


@dataclass(frozen=True)
class Days:
    """Every session from `first` to `last`, both included. What is known before `shown` is only history."""

    first: str = "2000-01-03"
    shown: str = "2010-01-04"
    last: str = "2024-12-31"

    @cached_property
    def holidays(self) -> Times:
        years = range(int(self.first[:4]), int(self.last[:4]) + 2)
        return np.array([f"{year}-{day}" for year in years for day in HOLIDAYS], dtype="datetime64[D]")

    @cached_property
    def sessions(self) -> Times:
        """[T], datetime64[D]."""
        every = np.arange(np.datetime64(self.first), np.datetime64(self.last) + 1)
        open_days: Times = every[np.is_busday(every, holidays=self.holidays)]
        return open_days

    @cached_property
    def visible(self) -> NDArray[np.bool_]:
        """Which sessions are shown, [T]."""
        return np.asarray(self.sessions >= np.datetime64(self.shown))

    @cached_property
    def months(self) -> Times:
        """Every month that has a session, datetime64[M], [M]."""
        return np.unique(self.sessions.astype("datetime64[M]"))

    @cached_property
    def month_of(self) -> NDArray[np.intp]:
        """The place of each session's month, [T]."""
        return np.searchsorted(self.months, self.sessions.astype("datetime64[M]"))

    @cached_property
    def month_ends(self) -> NDArray[np.intp]:
        """The place of each month's last session, [M]."""
        return np.searchsorted(self.month_of, np.arange(len(self.months)), side="right") - 1

    @cached_property
    def year_of_month(self) -> NDArray[np.int64]:
        """The calendar year of each month, [M]."""
        return self.months.astype("datetime64[Y]").astype(np.int64) + 1970

    def open_from(self, days: Times, more: int = 0) -> Times:
        """The first session on or after each day, and `more` sessions later."""
        found: Times = np.busday_offset(days.astype("datetime64[D]"), more, roll="forward", holidays=self.holidays)
        return found

    def open_until(self, days: Times) -> Times:
        """The last session on or before each day."""
        found: Times = np.busday_offset(days.astype("datetime64[D]"), 0, roll="backward", holidays=self.holidays)
        return found

    def place(self, days: Times) -> NDArray[np.intp]:
        """Where the first session on or after each day is in `sessions`; its length for one after the end."""
        return np.searchsorted(self.sessions, days)


def at(days: Times, clock: str) -> Times:
    """Days at a time of day, UTC, datetime64[s]."""
    hours, minutes = map(int, clock.split(":"))
    midnight: Times = days.astype("datetime64[D]").astype("datetime64[s]")
    return midnight + np.timedelta64(hours * 60 + minutes, "m")


def month_end(months: Times) -> Times:
    """The last day of each month."""
    last: Times = (months.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    return last


def month_day(months: Times, day: int) -> Times:
    """A day of each month."""
    found: Times = months.astype("datetime64[M]").astype("datetime64[D]") + (day - 1)
    return found
