"""Series and curves of the catalog, as they were known at a moment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from app.dataset import Dataset, iso_day
from app.web import cursors, presenters
from app.web.context import services
from app.web.curves import decimate
from app.web.errors import in_the_path
from engine import curves
from engine.errors import InvalidInput, UnknownName
from engine.intake import Times, instant
from engine.panel import Series

Rows: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]

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
    page, after = _chosen(series, rows, cursors.of_rows(query.get("cursor")), query)
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


def _chosen(series: Series, rows: Rows, first: int, query: Mapping[str, Any]) -> tuple[Rows, int]:
    """A page and where it ends, or the rows that draw the same picture."""
    if "points" not in query:
        page = rows[first : first + query["limit"]]
        return page, first + len(page)
    if len(rows) > query["points"]:
        values = series.value[rows]
        rows, whole = rows[decimate(values, np.zeros(len(values)), query["points"])], len(rows)
        return rows, whole
    return rows, len(rows)


def all_curves(dataset: str | None) -> list[dict[str, Any]]:
    """Every curve of one dataset or of all, with the days between which something of it was known."""
    return [_about(name, points) for (name, _), points in sorted(_curves(dataset).items())]


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
    """The tenors of a curve, short ones first."""
    every = _curves(dataset)
    found = {home: points for (key, home), points in every.items() if key == name}
    if not found:
        with in_the_path():
            raise UnknownName.of("curve", name, {key for key, _ in every})
    _require_one(name, list(found))
    return next(iter(found.values()))


def _curves(dataset: str | None) -> dict[tuple[str, str], list[Point]]:
    """By name and dataset: series of percent whose keys are one name and several tenors, short ones first."""
    every: dict[tuple[str, str], list[Point]] = {}
    for entry in _entries(dataset):
        match = _TENOR.fullmatch(entry.series.key)
        if match and entry.series.unit == "percent" and len(entry.series.value):
            number, unit = int(match[2]), match[3]
            point = Point(match[2] + unit, number / 12.0 if unit == "M" else float(number), entry)
            every.setdefault((match[1], entry.dataset.id), []).append(point)
    return {key: sorted(points, key=lambda point: point.years) for key, points in every.items() if len(points) > 1}


def _about(name: str, points: list[Point]) -> dict[str, Any]:
    dataset, series = points[0].entry.dataset, [point.entry.series for point in points]
    return {
        "curve": name,
        "dataset_id": dataset.id,
        "dataset_version": dataset.version,
        "quality": series[0].quality,
        "tenors": [point.name for point in points],
        "first": iso_day(min(item.available[0] for item in series)),
        "last": iso_day(max(item.available[-1] for item in series)),
        "links": {"self": f"{presenters.API}/macro/curves/{name}?dataset={dataset.id}"},
    }


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


def _vintages(series: Series) -> Rows:
    return np.lexsort((series.available, series.observed))


def _newest(series: Series) -> Rows:
    """The rows of the newest vintage of each time, by that time."""
    order = _vintages(series)
    return order[np.append(np.diff(series.observed[order]) > np.timedelta64(0), True)] if len(order) else order


def _iso(times: Times) -> list[str]:
    found: list[str] = np.datetime_as_string(times, unit="s", timezone="UTC").tolist()
    return found
