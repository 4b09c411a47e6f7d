"""A series as it is published: rows of what they are about, when they became known, and what they said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.macroworld.days import CLOSE, Days, at
from engine.intake import Floats, Times
from engine.panel import STALE_DAYS


@dataclass(frozen=True)
class Published:
    """Rows [R]; values are rounded to `decimals`."""

    key: str
    title: str
    unit: str
    frequency: str
    observed: Times
    available: Times
    value: Floats

    @property
    def stale_days(self) -> int:
        return STALE_DAYS[self.frequency]

    def until(self, days: Days) -> Published:
        """Without what becomes known after the world's last close."""
        known = self.available <= at(np.array(days.last, dtype="datetime64[D]"), CLOSE)
        rows = (self.observed[known], self.available[known], self.value[known])
        return Published(self.key, self.title, self.unit, self.frequency, *rows)


@dataclass(frozen=True)
class Desk:
    """Makes series of values by session and by month."""

    days: Days

    def daily(
        self, key: str, title: str, unit: str, values: Floats, *, decimals: int = 3, clock: str = CLOSE, later: int = 0
    ) -> Published:
        """A value for each session that is shown, known on that day's `clock`, or `later` sessions after it."""
        observed = self.days.sessions[self.days.visible]
        known = at(self.days.open_from(observed, later) if later else observed, clock)
        return Published(key, title, unit, "daily", observed, known, np.round(values[self.days.visible], decimals))

    def rows(self, about: tuple[str, str, str, str], observed: Times, available: Times, values: Floats) -> Published:
        """Anything else; `about` is key, title, unit and frequency. Values are rounded to two decimals."""
        return Published(*about, observed, available, np.round(values, 2))

    def revised(
        self,
        about: tuple[str, str, str, str],
        observed: Times,
        vintages: list[tuple[Times, Floats]],
    ) -> Published:
        """A series that is published again: (when, what it then said) of each vintage, first estimates first."""
        available = np.concatenate([when for when, _ in vintages])
        values = np.concatenate([said for _, said in vintages])
        return self.rows(about, np.tile(observed, len(vintages)), available, values)
