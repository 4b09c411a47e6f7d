"""From datasets to the one that is composed of them: prices of instruments, beside every series as it was published.

An instrument's sessions are the days on which its own series was observed. On each of them everything that goes into
its price is the newest value that was observed by then, in its latest vintage and no older than the series'
`stale_days`, or there is no price; inflation alone is the figure that was released by the session's close. So no price
knows a later day, and cutting the future off leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from app import forms, panels
from app.catalog import Catalog
from app.columns import array, coded
from app.compose.asking import lacking, possible
from app.compose.origins import Origin, origins_of, pinned, session_close
from app.dataset import Dataset
from app.instruments import COST_KEYS, INFLATION, INSTRUMENTS, UNITS, price
from app.library import Beside, Meaning
from engine.checks import LARGEST_PRICE
from engine.errors import BadData
from engine.intake import Floats, Times
from engine.intake import told as told_time
from engine.panel import STALE_DAYS, Series, worst

# When a day closes of which nobody says it.
MIDNIGHT = "24:00"
# What the values that go into prices are between, by unit. A year of a hyperinflation is within; from what is beyond,
# prices could leave the numbers, and all days after would have none.
_BETWEEN = {"price": (0.0, LARGEST_PRICE), "bps": (0.0, 1e6), "percent": (-100.0, 1e6)}


class Composed(NamedTuple):
    """What `app.library.Library.put` takes, and what a reader should know."""

    table: pa.Table
    series: Beside
    meaning: Meaning
    notes: tuple[str, ...]


class Line(NamedTuple):
    """An instrument's price on its sessions, [T] each."""

    days: Times
    prices: Floats


def compose(request: Mapping[str, Any], catalog: Catalog, step: Callable[[int, int], object]) -> Composed:
    """The dataset that a resolved request asks for. `step` is told how many of how many series are read.

    Raises BadData for values that no price or yield can be, and where no instrument has two prices.
    """
    inputs = [catalog.get(name) for name in request["datasets"]]
    origins, close = origins_of(inputs, request["rename"]), session_close(inputs)
    series: dict[str, Series] = {}
    for done, (key, origin) in enumerate(origins.items()):
        step(done, len(origins))
        found = _series(origin)
        if len(found.value):
            series[key] = replace(found, key=key)
            _require_possible(series[key], origin)
    forms.check_size(sum(len(item.value) for item in series.values()))
    lines, notes = _lines(series, panels.delay(close or MIDNIGHT))
    said = {
        **({"session_close": close} if close else {}),
        "about": {key: _about(origins[key], item) for key, item in series.items()},
        "calendars": _calendars(inputs),
    }
    beside = Beside(_observations(series), said)
    return Composed(_bars(lines), beside, _meaning(request, inputs, lines), tuple(notes))


def _series(origin: Origin) -> Series:
    """A series as its dataset has it; of a symbol the last close of each day, known when the day's session closes."""
    dataset, name = origin
    if name in dataset.panel.series:
        return dataset.panel.series[name]
    bars = dataset.all_bars
    close = bars.close[:, bars.column(name)]
    rows = np.flatnonzero(np.isfinite(close))
    days, last = _last(bars.sessions[rows])
    observed: Times = days.astype("datetime64[ns]")
    return Series(
        key=name,
        unit=origin.unit,
        observed=observed,
        available=_later(observed, panels.delay(dataset.session_close or MIDNIGHT)),
        value=close[rows[last]],
        stale_days=float(STALE_DAYS[forms.frequency_of(days)]),
        quality=dataset.quality,
    )


def _later(days: Times, delay: np.timedelta64) -> Times:
    moments: Times = days.astype("datetime64[ns]")
    moments += delay
    return moments


def _last(days: Times) -> tuple[Times, Any]:
    """The different days, and the last row of each."""
    found, from_the_end = np.unique(days[::-1], return_index=True)
    return found, len(days) - 1 - from_the_end


def _require_possible(series: Series, origin: Origin) -> None:
    """Of what goes into prices no price or spread is 0, and no yield the loss of everything, or beyond measure."""
    if series.key not in UNITS:
        return
    least, most = _BETWEEN[UNITS[series.key]]
    wrong = np.flatnonzero((series.value <= least) | (series.value > most))
    if len(wrong):
        value, day = series.value[wrong[0]], told_time(series.observed[wrong[0]])
        must = f"above {least:g}" if value <= least else f"at most {most:g}"
        raise BadData(f"{origin} is {value:g} at {day}; it must be {must}.", code="bad_series")


def _lines(series: Mapping[str, Series], delay: np.timedelta64) -> tuple[dict[str, Line], list[str]]:
    """Every instrument that has prices, and why others have none. Raises BadData where none has."""
    lines, notes = {}, lacking(series)
    for name in possible(series):
        days, _ = _by_day(series[name], delay)
        spacing = forms.frequency_of(days)
        needs, reads = INSTRUMENTS[name].needs[1:], INSTRUMENTS[name].reads
        made = price(name, {key: _on(series[key], days, delay) for key in reads if key in series})
        if spacing != "daily":
            notes.append(f"{name} is not traded: its values are {spacing}, and a price needs one of every session.")
        elif made is None:
            notes.append(f"{name} is not traded: it has no two days with a known {' and '.join(needs)}.")
        else:
            rows = np.flatnonzero(np.isfinite(made))
            lines[name] = Line(days[rows], made[rows])
    if not lines:
        raise BadData(" ".join(["No instrument has two prices.", *notes[:3]]), code="no_instruments")
    return lines, notes


def _by_day(series: Series, delay: np.timedelta64) -> tuple[Times, Floats]:
    """The days on which something was observed by the session's close, and the latest word on the last of it."""
    days = series.observed.astype("datetime64[D]")
    rows = np.flatnonzero(series.observed - days <= delay)
    rows = rows[np.lexsort((series.available[rows], series.observed[rows]))]
    found, last = _last(days[rows])
    return found, series.value[rows[last]]


def _on(series: Series, sessions: Times, delay: np.timedelta64) -> Floats:
    """The value of each session [T]; NaN where the newest is stale."""
    if series.key == INFLATION:
        return series.at(_later(sessions, delay))
    days, values = _by_day(series, delay)
    rows = np.searchsorted(days, sessions, side="right") - 1
    known = np.flatnonzero(rows >= 0)
    known = known[(sessions[known] - days[rows[known]]).astype(np.int64) <= series.stale_days]
    found = np.full(len(sessions), np.nan)
    found[known] = values[rows[known]]
    return found


def _bars(lines: Mapping[str, Line]) -> pa.Table:
    """A column of prices for each instrument, on all days on which one of them has a price."""
    sessions = np.unique(np.concatenate([line.days for line in lines.values()]))
    columns = {"time": array(sessions.astype("datetime64[ns]"))}
    for name, line in lines.items():
        prices = np.full(len(sessions), np.nan)
        prices[np.searchsorted(sessions, line.days)] = line.prices
        columns[name] = array(prices)
    return pa.table(columns)


def _observations(series: Mapping[str, Series]) -> pa.Table:
    places = np.repeat(np.arange(len(series), dtype=np.int32), [len(item.value) for item in series.values()])
    rows = {
        name: array(np.concatenate([getattr(item, name) for item in series.values()]))
        for name in ("observed", "available", "value")
    }
    return pa.table({"key": coded(places, list(series)), **rows})


def _about(origin: Origin, series: Series) -> dict[str, Any]:
    """What its dataset says of a series, and which dataset that is: the first one, of what was composed before."""
    said = {"dataset": pinned(origin.dataset)} | origin.dataset.about(origin.key)
    return said | {"unit": series.unit, "stale_days": series.stale_days, "quality": series.quality}


def _calendars(inputs: Iterable[Dataset]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for dataset in inputs:
        found |= dataset.manifest.get("series", {}).get("calendars", {})
    return found


def _meaning(request: Mapping[str, Any], inputs: Sequence[Dataset], lines: Collection[str]) -> Meaning:
    renamed = "".join(f" {old} is called {new}." for old, new in sorted(request["rename"].items()))

    def every(name: str) -> str:
        return "; ".join(dict.fromkeys(str(dataset.manifest[name]) for dataset in inputs))

    return Meaning(
        title=f"Instruments and series of {', '.join(dataset.id for dataset in inputs)}",
        quality=worst(dataset.quality for dataset in inputs),
        calendar="days on which an instrument's own series was observed",
        source=every("cite"),
        licence=every("licence"),
        units="total return over cash, 100 on the first session; USDBRL from its rate on the first session on",
        notes=f"Composed of {', '.join(request['datasets'])}.{renamed}",
        cost_keys={name: COST_KEYS[name] for name in lines},
    )
