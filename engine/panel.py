"""Series and calendars as they became known: what a decision may read besides prices.

A value is visible at a decision only when it was published by then (`available`) and belongs to a time that has come
(`observed`). Nothing here knows bars: times of decisions come in, what was known at each of them goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine import intake
from engine.errors import BadData, UnknownName
from engine.intake import Floats, Times

# What becomes of observations, oldest first: as many numbers, each made of those up to its own place only.
Causal: TypeAlias = Callable[[Floats], Floats]
Rows: TypeAlias = NDArray[np.intp]

Item = TypeVar("Item", "Series", "Calendar")

# How long a value of a series that comes so often counts as the present one, by default.
STALE_DAYS = {"daily": 7, "weekly": 14, "monthly": 75, "quarterly": 200, "yearly": 500}
# From the best to the worst.
QUALITIES = ("real", "proxy", "synthetic")
# More days are beyond what nanoseconds count.
LONGEST_FRESH = 100_000
_DAY = np.timedelta64(1, "D")


def worst(qualities: Iterable[str]) -> str:
    """The worst of some qualities."""
    return max(qualities, key=QUALITIES.index)


@dataclass(frozen=True, eq=False)
class Series:
    """One series with its history of publication.

    Args:
        key: its name ("SELIC_TARGET"); a member of a group is `GROUP.MEMBER` ("CDS_5Y.MX").
        unit: what its numbers are in: "percent", "bps", "usd_mn", "index", "price", "fraction", …
        observed: to which time each value belongs, [M].
        available: when each value became known, [M]. A revision is one more row with the same `observed`.
        value: float64 [M], finite.
        stale_days: how long after it became known a value still counts as the present one, 0 to 100,000.
        quality: "real", "proxy" or "synthetic".

    Raises:
        BadData: `bad_series` naming the series, for arrays of different lengths, times that are missing, values that
            are not finite, two values for one time of both kinds, or `stale_days` beyond its bounds.
    """

    key: str
    unit: str
    observed: Times
    available: Times
    value: Floats
    stale_days: float
    quality: str = "real"

    def __post_init__(self) -> None:
        observed, available = intake.times(self.observed), intake.times(self.available)
        value = intake.floats(self.value, self.key)
        if not (observed.shape == available.shape == value.shape and value.ndim == 1):
            raise self._refusal("has times and values of different lengths")
        if np.isnat(observed).any() or np.isnat(available).any():
            raise self._refusal("has a value without a time")
        if not np.isfinite(value).all():
            raise self._refusal(f"has a value that is no number at {intake.told(observed[~np.isfinite(value)][0])}")
        order = np.lexsort((observed, np.maximum(observed, available)))
        for name, array in (("observed", observed), ("available", available), ("value", value)):
            array = array[order]
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        twice = (np.diff(self.observed) == 0 * _DAY) & (np.diff(self._visible) == 0 * _DAY)
        if self.quality not in QUALITIES:
            raise self._refusal(f"is of quality {self.quality!r}, not one of {', '.join(QUALITIES)}")
        if not 0 <= self.stale_days <= LONGEST_FRESH:
            raise self._refusal(f"is stale after {self.stale_days:g} days, not after 0 to {LONGEST_FRESH:,}")
        if twice.any():
            at = intake.told(self.observed[int(np.argmax(twice))])
            raise self._refusal(f"has two values for {at} that became known at once")

    def _refusal(self, what: str) -> BadData:
        return BadData(f"Series {self.key} {what}.", code="bad_series")

    @cached_property
    def _visible(self) -> Times:
        """When each value may be seen: published, and its own time come."""
        return np.maximum(self.observed, self.available)

    @cached_property
    def _present(self) -> Rows:
        """For each row, once it is visible: the row of the newest observation, in its newest vintage. [M]"""
        newest = np.maximum.accumulate(self.observed)
        rows = np.where(self.observed == newest, np.arange(len(newest)), 0)
        return np.maximum.accumulate(rows)

    @cached_property
    def revised(self) -> bool:
        """Whether a value was ever changed, or became known after a later one."""
        return bool((np.diff(self.observed) <= 0 * _DAY).any())

    def until(self, moment: np.datetime64) -> Series:
        """What was known at a moment."""
        known = self._visible <= moment
        return replace(self, observed=self.observed[known], available=self.available[known], value=self.value[known])

    def at(self, moments: Times) -> Floats:
        """The present value at each moment [T]: NaN before the first, and when it is stale."""
        return self._spread(moments, self.value[self._present])

    def about(self, moments: Times, periods: Times) -> Floats:
        """At each moment [T], the newest vintage known by then of the value that belongs to `periods` [T]; else NaN."""
        values = np.full(len(moments), np.nan)
        for period in np.unique(periods[~np.isnat(periods)]):
            rows = np.flatnonzero(self.observed == period)
            asked = np.flatnonzero(periods == period)
            said = np.searchsorted(self._visible[rows], moments[asked], side="right") - 1
            values[asked[said >= 0]] = self.value[rows[said[said >= 0]]]
        return values

    def derived(self, moments: Times, function: Causal) -> Floats:
        """At each moment [T], the last of `function(history)`: what the observations known by then give.

        Where values were revised the function sees at each moment the vintage of that moment, one value a time.
        """
        if not self.revised:
            found = np.asarray(function(self.value), dtype=np.float64)
            if found.shape != self.value.shape:
                raise BadData(f"{self.key}: expected {self.value.shape} numbers, got {found.shape}.", code="bad_shape")
            return self._spread(moments, found)
        return self._spread(moments, np.array([function(self._history(row))[-1] for row in range(len(self.value))]))

    def _history(self, row: int) -> Floats:
        """The values known when `row` becomes visible, by the time they belong to."""
        seen = self.observed[: row + 1]
        order = np.argsort(seen, kind="stable")  # of one time the newest vintage comes last
        last = np.append(np.diff(seen[order]) > 0 * _DAY, True)
        history: Floats = self.value[order[last]]
        return history

    def _spread(self, moments: Times, found: Floats) -> Floats:
        """A number for each row [M] as of each moment [T]."""
        rows = np.searchsorted(self._visible, moments, side="right") - 1
        values = np.full(len(moments), np.nan)
        known = rows >= 0
        if known.any():
            said = rows[known]
            since = self._visible[self._present[said]]
            fresh = (moments[known] - since) <= np.timedelta64(round(self.stale_days * 86_400e9), "ns")
            values[known] = np.where(fresh, found[said], np.nan)
        return values


@dataclass(frozen=True, eq=False)
class Calendar:
    """Dates that are set beforehand: meetings, releases.

    Args:
        key: its name ("FOMC").
        date: the day of each event, [K].
        announced: when the day became known, [K].
        reference: the period that each event is about, [K] (the month of a release); the day itself by default.
    """

    key: str
    date: Times
    announced: Times
    reference: Times | None = None

    def __post_init__(self) -> None:
        date, announced = intake.times(self.date), intake.times(self.announced)
        reference = date if self.reference is None else intake.times(self.reference)
        if not date.shape == announced.shape == reference.shape or np.isnat(date).any() or np.isnat(announced).any():
            raise BadData(f"Calendar {self.key} needs a date and an announcement for each event.", code="bad_series")
        order = np.argsort(date, kind="stable")
        for name, array in (("date", date), ("announced", announced), ("reference", reference)):
            object.__setattr__(self, name, array[order])

    def until(self, moment: np.datetime64) -> Calendar:
        """What was known at a moment."""
        known = self.announced <= moment
        about = self.reference[known] if self.reference is not None else None
        return replace(self, date=self.date[known], announced=self.announced[known], reference=about)

    def near(self, moments: Times, before: int, after: int) -> Rows:
        """The event from `before` weekdays ahead to `after` weekdays past of it, at each moment [T]; -1 for none.

        Only an event that was announced by then counts; of two the next one does. Weekdays and not sessions are
        counted: which of the days to come will be holidays is not in the data of a moment.
        """
        days, dates = moments.astype("datetime64[D]"), self.date.astype("datetime64[D]")
        found = np.full(len(moments), -1, dtype=np.intp)
        past = [(row, False) for row in range(len(dates))]
        coming = [(row, True) for row in reversed(range(len(dates)))]
        for row, ahead in past + coming:  # the last word has the next event
            to_go = np.busday_count(days, dates[row])
            inside = (to_go >= 0) & (to_go <= before) if ahead else (to_go < 0) & (to_go >= -after)
            found[inside & (moments >= self.announced[row])] = row
        return found


def _no_delay() -> np.timedelta64:
    return np.timedelta64(0, "ns")


@dataclass(frozen=True)
class Panel:
    """Series and calendars by key. `delay` is the time from a bar's own time to the decision at its close."""

    series: Mapping[str, Series] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    delay: np.timedelta64 = field(default_factory=_no_delay)

    @classmethod
    def of(
        cls,
        series: Iterable[Series] = (),
        calendars: Iterable[Calendar] = (),
        delay: np.timedelta64 | None = None,
    ) -> Panel:
        """A panel of these, each under its key. Raises BadData when two have one key."""
        return cls(_by_key(series, "series"), _by_key(calendars, "calendars"), _no_delay() if delay is None else delay)

    def get(self, key: str, unit: str | None = None) -> Series:
        """A series, in the unit that the caller counts on.

        Raises:
            UnknownName: `unknown_series`, with the nearest key.
            BadData: `unit_mismatch`.
        """
        if key not in self.series:
            raise UnknownName.of("series", key, self.series)
        found = self.series[key]
        if unit is not None and found.unit != unit:
            raise BadData(f"Series {key} is in {found.unit}, {unit} is needed.", code="unit_mismatch")
        return found

    def calendar(self, key: str) -> Calendar:
        """A calendar. Raises UnknownName (`unknown_calendar`)."""
        if key not in self.calendars:
            raise UnknownName.of("calendar", key, self.calendars)
        return self.calendars[key]

    def members(self, group: str) -> tuple[str, ...]:
        """The members of a group: of series `CDS_5Y.MX` and `CDS_5Y.ZA` they are `MX` and `ZA`."""
        start = f"{group}."
        return tuple(sorted(key.removeprefix(start) for key in self.series if key.startswith(start)))

    def quality(self, keys: Iterable[str], *own: str) -> str:
        """The worst quality among these series and `own`: what is computed of a proxy is a proxy."""
        return worst([*own, *(item.quality for key in keys if (item := self.series.get(key)))])

    def until(self, moment: np.datetime64) -> Panel:
        """What was known at a moment: nothing that was published later is in it."""
        return Panel(
            {key: item.until(moment) for key, item in self.series.items()},
            {key: item.until(moment) for key, item in self.calendars.items()},
            self.delay,
        )


# What bars have beside them unless somebody says otherwise.
NO_PANEL = Panel()


def _by_key(items: Iterable[Item], what: str) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for item in items:
        if item.key in found:
            raise BadData(f"There are two {what} of the key {item.key}.", code="bad_series")
        found[item.key] = item
    return found
