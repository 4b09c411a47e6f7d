"""Series and curves of the catalog, as they were known at a moment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from app.dataset import Dataset, iso_day
from app.web import cursors, presenters
from app.web.context import services
from app.web.errors import in_the_path
from engine import curves
from engine.errors import InvalidInput, UnknownName
from engine.intake import Times, instant
from engine.panel import Series

ROLL_SESSIONS = 21
_TENOR = re.compile(r"([A-Z]+)_([0-9]{1,2})([MY])")


class Entry(NamedTuple):
    """A series and the dataset that holds it."""

    dataset: Dataset
    series: Series

    @property
    def about(self) -> Mapping[str, Any]:
        told = self.dataset.about(self.series.key)
        return {name: told[name] for name in ("title", "frequency", "source")}


class Point(NamedTuple):
    """A tenor of a curve."""

    name: str
    years: float
    entry: Entry


def items(dataset: str | None) -> list[dict[str, Any]]:
    """Every series of one dataset or of all."""
    return [_item(entry) for entry in _entries(dataset)]


def item(key: str, query: Mapping[str, Any]) -> dict[str, Any]:
    """One series with a page of what was known of it."""
    entry = _find(key, query.get("dataset"))
    moment = _moment(entry, query.get("as_of"))
    series = entry.series if moment is None else entry.series.until(moment)
    rows = _vintages(series) if query["vintages"] else _newest(series)
    days = series.observed[rows].astype("datetime64[D]")
    if "start" in query:
        rows, days = rows[days >= np.datetime64(query["start"])], days[days >= np.datetime64(query["start"])]
    if "end" in query:
        rows = rows[days <= np.datetime64(query["end"])]
    first = cursors.of_rows(query.get("cursor"))
    page = rows[first : first + query["limit"]]
    after = first + len(page)
    return _item(entry) | {
        "as_of": None if moment is None else _iso(np.array([moment]))[0],
        "observations": [
            {"observed": observed, "available": available, "value": value}
            for observed, available, value in zip(
                _iso(series.observed[page]), _iso(series.available[page]), series.value[page].tolist(), strict=True
            )
        ],
        "next": cursors.encoded(str(after)) if after < len(rows) else None,
    }


def curve(name: str, query: Mapping[str, Any]) -> dict[str, Any]:
    """The yields of a curve as they were known on a day. Raises InvalidInput on a day before there was one."""
    points = _curve(name, query.get("dataset"))
    dataset = points[0].entry.dataset
    newest = max(point.entry.series.available[-1] for point in points)
    day = query.get("date") or iso_day(newest)
    moment = _instant(day) + dataset.panel.delay
    found = [_yield_at(point, moment) for point in points]
    known = [place for place, one in enumerate(found) if one["yield"] is not None]
    if not known:
        began = min(point.entry.series.available[0] for point in points)
        raise InvalidInput(
            f"No yield of {name} was known on {day}, or what was known was stale.",
            code="no_data_in_range",
            pointer="/date",
            given=day,
            allowed={"start": iso_day(began), "end": iso_day(newest)},
        )
    tenors = np.array([points[place].years for place in known])
    yields = np.array([found[place]["yield"] for place in known])
    for place in known:
        found[place]["roll_down"] = float(curves.roll_down(tenors, yields, points[place].years, ROLL_SESSIONS))
    return {
        "curve": name,
        "dataset_id": dataset.id,
        "dataset_version": dataset.version,
        "quality": points[0].entry.series.quality,
        "as_of": _iso(np.array([moment]))[0],
        "unit": points[0].entry.series.unit,
        "compounding": "annual, zero-coupon",
        "roll_down_sessions": ROLL_SESSIONS,
        "points": found,
    }


def _entries(dataset: str | None) -> Iterator[Entry]:
    catalog = services().catalog
    for found in [catalog.get(dataset)] if dataset else catalog.datasets():
        for series in found.panel.series.values():
            yield Entry(found, series)


def _find(key: str, dataset: str | None) -> Entry:
    everything = list(_entries(dataset))
    found = [entry for entry in everything if entry.series.key == key]
    if not found:
        with in_the_path():
            raise UnknownName.of("series", key, {entry.series.key for entry in everything})
    _require_one(key, [entry.dataset.id for entry in found])
    return found[0]


def _curve(name: str, dataset: str | None) -> list[Point]:
    """The tenors of a curve, short ones first: series of percent whose keys are its name and a tenor."""
    every: dict[str, list[Point]] = {}
    for entry in _entries(dataset):
        match = _TENOR.fullmatch(entry.series.key)
        if match and entry.series.unit == "percent" and len(entry.series.value):
            number, unit = int(match[2]), match[3]
            point = Point(match[2] + unit, number / 12.0 if unit == "M" else float(number), entry)
            every.setdefault(match[1], []).append(point)
    every = {key: points for key, points in every.items() if len(points) > 1}
    if name not in every:
        with in_the_path():
            raise UnknownName.of("curve", name, every)
    _require_one(name, list(dict.fromkeys(point.entry.dataset.id for point in every[name])))
    return sorted(every[name], key=lambda point: point.years)


def _require_one(name: str, datasets: list[str]) -> None:
    if len(datasets) > 1:
        raise InvalidInput(
            f"{name} is in {len(datasets)} datasets: say which one, as in ?dataset={datasets[0]}.",
            code="ambiguous_series",
            pointer="/dataset",
            given=name,
            allowed=datasets,
        )


def _item(entry: Entry) -> dict[str, Any]:
    dataset, series = entry
    return {
        "key": series.key,
        **entry.about,
        "unit": series.unit,
        "quality": series.quality,
        "dataset_id": dataset.id,
        "dataset_version": dataset.version,
        "first": iso_day(series.observed.min()) if len(series.value) else None,
        "last": iso_day(series.observed.max()) if len(series.value) else None,
        "stale_days": series.stale_days,
        "revised": series.revised,
        "links": {"self": f"{presenters.API}/macro/series/{series.key}?dataset={dataset.id}"},
    }


def _yield_at(point: Point, moment: np.datetime64) -> dict[str, Any]:
    series = point.entry.series.until(moment)
    value = float(series.at(np.array([moment]))[0]) if len(series.value) else np.nan
    fresh = bool(np.isfinite(value))
    return {
        "tenor": point.name,
        "years": point.years,
        "key": point.entry.series.key,
        "yield": value if fresh else None,
        "observed": _iso(series.observed[_newest(series)[-1:]])[0] if fresh else None,
        "roll_down": None,
    }


def _moment(entry: Entry, as_of: str | None) -> np.datetime64 | None:
    """A day means the time at which its decision is made: what strategies know on it."""
    if as_of is None:
        return None
    if as_of.endswith("Z"):
        return _instant(as_of.removesuffix("Z"))
    return _instant(as_of) + entry.dataset.panel.delay


def _instant(told: str) -> np.datetime64:
    return instant(np.datetime64(told, "s"))


def _vintages(series: Series) -> np.ndarray[Any, np.dtype[np.intp]]:
    return np.lexsort((series.available, series.observed))


def _newest(series: Series) -> np.ndarray[Any, np.dtype[np.intp]]:
    """The rows of the newest vintage of each time, by that time."""
    order = _vintages(series)
    return order[np.append(np.diff(series.observed[order]) > np.timedelta64(0), True)] if len(order) else order


def _iso(times: Times) -> list[str]:
    found: list[str] = np.datetime_as_string(times, unit="s", timezone="UTC").tolist()
    return found
