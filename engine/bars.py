"""Bars: prices of N symbols at T times, checked once on entry and read-only from then on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from engine import intake
from engine.checks import check, check_form, refuse
from engine.errors import BadData, UnknownName
from engine.intake import FIELDS
from engine.intake import Floats as Floats
from engine.intake import Times as Times
from engine.panel import NO_PANEL, Causal, Panel, Rows

# Full-week markets have 1/7 of their sessions on Saturdays and as many on Sundays. FX opens on Sunday evenings (UTC)
# and some exchanges trade from Sunday to Thursday: those are weeks of five sessions.
_WEEKEND_SHARE = 0.05
_YEAR = 365 * 86_400e9  # nanoseconds
# Longest median spacing in days, and how many such bars make a year.
_SPACINGS = ((4.0, 0.0), (10.0, 52.0), (20.0, 26.0), (45.0, 12.0), (135.0, 4.0))


@dataclass(frozen=True, eq=False)
class Bars:
    """Open, high, low, close in price units and volume in units traded, float64 [T, N]; time in UTC [T].

    A bar on which a symbol did not trade (not listed yet, holiday, delisted) is NaN in all four prices. Volume
    may be NaN where it is unknown. `close_only` says that open, high and low merely repeat the close. `cost_keys`
    names for each symbol the entry of a cost table that it is charged by, or None. `adjusted` says that the prices
    are those of a total return: splits and dividends are in them. `panel` holds the series and calendars that a
    decision may read besides prices, `beside` the bars at the same times of symbols that are read and not traded.

    Raises:
        BadData: naming the symbol and the time, when times are not increasing and unique, a price is infinite,
            not positive or missing beside others, high or low do not enclose the bar, or volume is negative.
    """

    time: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    symbols: tuple[str, ...]
    close_only: bool = False
    cost_keys: Sequence[str | None] = ()
    adjusted: bool = False
    panel: Panel = NO_PANEL
    beside: Bars | None = None

    def __post_init__(self) -> None:
        self._set("time", intake.times(self.time))
        self._set("symbols", intake.names(self.symbols))
        self._set("cost_keys", intake.cost_keys(self.cost_keys, self.symbols))
        for name in FIELDS:
            values = intake.floats(getattr(self, name), name)
            self._set(name, values.reshape(-1, 1) if values.ndim == 1 else values)
        check(self)

    def _set(self, name: str, value: object) -> None:
        """Store a field; arrays as read-only views, so that no strategy can change what others see."""
        if isinstance(value, np.ndarray):
            value = value.view()
            value.flags.writeable = False
        object.__setattr__(self, name, value)

    @classmethod
    def from_arrays(
        cls,
        time: ArrayLike,
        open: ArrayLike,
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        volume: ArrayLike | None = None,
        *,
        symbols: Sequence[str],
        adj_close: ArrayLike | None = None,
        cost_keys: Sequence[str | None] = (),
    ) -> Bars:
        """Bars of arrays [T, N] (or [T] for one symbol); without `volume` it is NaN, that is unknown.

        With `adj_close`, the closes adjusted for splits and dividends, all prices of a bar are multiplied by
        adj_close / close and its volume is divided by it, so that the money traded stays what it was.
        """
        prices = zip(FIELDS, (open, high, low, close), strict=False)
        o, h, l, c = (intake.floats(values, name) for name, values in prices)  # noqa: E741
        v = np.full(c.shape, np.nan) if volume is None else intake.floats(volume, "volume")
        bars = cls(intake.times(time), o, h, l, c, v, intake.names(symbols), cost_keys=cost_keys)
        return bars if adj_close is None else bars._adjusted(intake.floats(adj_close, "adj_close"))

    @classmethod
    def from_closes(
        cls, time: ArrayLike, close: ArrayLike, symbols: Sequence[str], *, cost_keys: Sequence[str | None] = ()
    ) -> Bars:
        """Bars that know only closes: the other prices repeat them, volume is NaN, `close_only` is set."""
        prices = intake.floats(close, "close")
        four = (prices, prices, prices, prices)
        unknown, names = np.full(prices.shape, np.nan), intake.names(symbols)
        return cls(intake.times(time), *four, unknown, names, close_only=True, cost_keys=cost_keys)

    def _adjusted(self, close: Floats) -> Bars:
        """These bars at total-return prices. A price that equalled the close still does."""
        close = close.reshape(-1, 1) if close.ndim == 1 else close
        if close.shape != self.close.shape:
            raise BadData(f"adj_close has shape {close.shape}, expected {self.close.shape}.", code="bad_shape")
        missing = np.isnan(close)
        refuse(self, np.isinf(close), "has an infinite adjusted close", "bad_ohlc")
        refuse(self, close <= 0.0, "has an adjusted close that is not positive", "non_positive_price")
        refuse(self, missing & ~np.isnan(self.close), "has a close without an adjusted close", "bad_ohlc")
        refuse(self, ~missing & np.isnan(self.close), "has an adjusted close without a close", "bad_ohlc")
        with np.errstate(over="ignore"):  # what leaves the range is refused as a price or a volume
            factor = close / self.close
            first, top, bottom = (
                np.where(prices == self.close, close, prices * factor) for prices in (self.open, self.high, self.low)
            )
            volume = self.volume / factor
        # Rounding may move a price beside the close past it by a last bit.
        top, bottom = np.fmax(top, np.fmax(first, close)), np.fmin(bottom, np.fmin(first, close))
        return replace(self, open=first, high=top, low=bottom, close=close, volume=volume, adjusted=True)

    @classmethod
    def of_checked(cls, time: Times, values: Sequence[Floats], **said: Any) -> Bars:
        """Bars of C-contiguous arrays that come from bars, for a part of them, or for what was put away and is back.

        Shapes are checked, no price is, and nothing is copied. `values` are open, high, low, close and volume, `said`
        is what the property of that name tells.
        """
        bars = object.__new__(cls)
        for name, value in {"time": time, **dict(zip(FIELDS, values, strict=True)), **said}.items():
            bars._set(name, value)
        check_form(bars)
        return bars

    @property
    def said(self) -> dict[str, Any]:
        """Everything about the bars that is no array of numbers: symbols and the like."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name not in ("time", *FIELDS)}

    def __len__(self) -> int:
        return len(self.time)

    def select(
        self,
        symbols: Iterable[str] | None = None,
        start: np.datetime64 | date | str | None = None,
        end: np.datetime64 | date | str | None = None,
    ) -> Bars:
        """The bars of some symbols between two dates, both included (a date without a time means all of its day).

        A range of dates is a view, a choice of symbols a copy.
        """
        first = 0 if start is None else int(self.time.searchsorted(intake.instant(np.datetime64(start))))
        last = len(self) if end is None else int(self.time.searchsorted(_end_of(end)))
        rows = slice(first, max(first, last))
        names = self.symbols if symbols is None else intake.names(symbols)
        columns = None if names == self.symbols else [self.column(name) for name in names]
        kept, said = ("close", "volume") if self.close_only else FIELDS, self.said
        said["beside"] = self.beside and self.beside.select(None, start, end)
        values = [getattr(self, name)[rows] for name in kept]
        if columns is not None:
            values = [whole.take(columns, axis=1) for whole in values]
            said |= {"symbols": names, "cost_keys": tuple(self.cost_keys[at] for at in columns)}
        if self.close_only:
            values = [values[0]] * 4 + values[1:]
        return Bars.of_checked(self.time[rows], values, **said)

    def between(self, first: int, stop: int) -> Bars:
        """The bars first <= t < stop, by number: a view. At least one."""
        return self.select(start=self.time[first], end=self.time[stop - 1])

    def with_panel(self, panel: Panel) -> Bars:
        """The same bars, beside which decisions may read these series."""
        return Bars.of_checked(self.time, [getattr(self, name) for name in FIELDS], **self.said | {"panel": panel})

    def with_beside(self, others: Bars) -> Bars:
        """The same bars, beside which decisions may read the prices of further symbols."""
        if len(others) != len(self) or (others.time != self.time).any():
            raise BadData("Bars that are read beside others must have the same times.", code="bad_time")
        return Bars.of_checked(self.time, [getattr(self, name) for name in FIELDS], **self.said | {"beside": others})

    def prices(self, field: str, symbol: str) -> Floats:
        """One price (or the volume) of a symbol that is traded or read beside [T, 1]. Raises UnknownName."""
        holder = self.beside if self.beside is not None and symbol not in self.symbols else self
        column = holder.column(symbol)
        values: Floats = getattr(holder, field)
        return values[:, column : column + 1]

    @cached_property
    def decided(self) -> Times:
        """When each bar's decision is made: what became known later is not in it. [T]"""
        return self.time + self.panel.delay

    def known(self, key: str, unit: str | None = None) -> Floats:
        """The present value of a series at each decision [T]; NaN where it is missing or stale.

        Raises:
            BadData: `unit_mismatch` when the series is not in the unit that the caller counts on.
        """
        return self.panel.get(key, unit).at(self.decided) if key in self.panel.series else np.full(len(self), np.nan)

    def derived(self, key: str, function: Causal, unit: str | None = None) -> Floats:
        """What a series' observations known by then give, at each decision [T]; see `engine.panel.Series.derived`."""
        if key not in self.panel.series:
            return np.full(len(self), np.nan)
        return self.panel.get(key, unit).derived(self.decided, function)

    def about(self, key: str, periods: Times, unit: str | None = None) -> Floats:
        """What was known at each decision of the period [T] that is asked for; see `engine.panel.Series.about`."""
        if key not in self.panel.series:
            return np.full(len(self), np.nan)
        return self.panel.get(key, unit).about(self.decided, periods)

    def near(self, calendar: str, *, before: int, after: int) -> Rows:
        """The event that each decision is near [T], -1 for none; see `engine.panel.Calendar.near`."""
        if calendar not in self.panel.calendars:
            return np.full(len(self), -1, dtype=np.intp)
        return self.panel.calendars[calendar].near(self.decided, before, after)

    def until(self, row: int) -> Bars:
        """The first `row` bars, and of the panel what was known at the last one's decision: no future is in it.

        That is how a look ahead is found: what a strategy decides here must be what it decided there.
        """
        past = self.between(0, row)
        return past.with_panel(self.panel.until(self.decided[row - 1]))

    def column(self, name: str) -> int:
        if name not in self.symbols:
            raise UnknownName.of("symbol", name, self.symbols, pointer="/symbols")
        return self.symbols.index(name)

    @cached_property
    def complete(self) -> bool:
        """Whether every symbol has a price on every bar."""
        return not np.isnan(self.close).any()

    @cached_property
    def sessions(self) -> Times:
        """The UTC date of each bar, datetime64[D] [T]."""
        return self.time.astype("datetime64[D]")

    @cached_property
    def years(self) -> Floats:
        """Time since the previous bar as a fraction of 365 days [T], 0 for the first."""
        years = np.zeros(len(self))
        years[1:] = np.diff(self.time).astype(np.int64) / _YEAR
        return years

    @cached_property
    def periods_per_year(self) -> float:
        """How many such bars make a year: 252 for daily sessions, 365 when weekends trade, 52 weekly, 12 monthly.

        Intraday bars count the median number of bars of a session times the sessions of a year.
        """
        first = np.flatnonzero(np.append(True, self.sessions[1:] != self.sessions[:-1]))
        days, counts = self.sessions[first], np.diff(first, append=len(self))
        weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
        weekend = min(np.count_nonzero(weekday == 5), np.count_nonzero(weekday == 6)) / len(days)
        sessions = 365.0 if weekend >= _WEEKEND_SHARE else 252.0
        if len(days) < 2:
            return sessions * float(counts[0])
        spacing = float(np.median(np.diff(days).astype(np.int64)))
        if spacing < _SPACINGS[0][0]:
            return sessions * max(1.0, float(np.median(counts)))
        return next((per_year for longest, per_year in _SPACINGS if spacing < longest), 1.0)


def _end_of(end: np.datetime64 | date | str) -> np.datetime64:
    """The first instant after `end`, in the unit in which it was said."""
    said = np.datetime64(end)
    one: Any = np.ones((), dtype=f"timedelta64[{np.datetime_data(said.dtype)[0]}]")
    return intake.instant(said + one)
