"""The series beside a dataset's bars, out of its manifest and one Parquet file.

"series": {
  "file": "series.parquet",          columns key, observed, available, value: one row for each value as published
  "sha256": "…",
  "session_close": "20:00",          UTC, when a daily bar's decision is made; what is published later comes next day
  "about": {"SELIC_TARGET": {"title": "…", "unit": "percent", "stale_days": 60, "quality": "real", "source": "…"}},
  "calendars": {"FOMC": [{"date": "2024-01-31", "announced": "2023-06-23", "reference": "2024-01-31"}]}
}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet

from app.columns import codes, moments, numbers
from engine.errors import BadData
from engine.intake import Times
from engine.panel import Calendar, Panel, Series

_MINUTE = np.timedelta64(60_000_000_000, "ns")


def read(path: Path, told: Mapping[str, Any]) -> Panel:
    """The panel of a manifest's `series`. Raises BadData naming the series that the file or the manifest lacks."""
    table = pyarrow.parquet.ParquetFile(path).read()
    place, names = codes(table["key"])
    about: Mapping[str, Mapping[str, Any]] = told["about"]
    strangers = sorted(set(names) ^ set(about))
    if strangers:
        raise BadData(f"Series {strangers[0]} is only in one of the manifest and its file.", code="bad_series")
    order = np.argsort(place, kind="stable")
    ends = np.cumsum(np.bincount(place, minlength=len(names)))
    observed, available = (moments(table[name]) for name in ("observed", "available"))
    parts = (np.split(values[order], ends)[:-1] for values in (observed, available, numbers(table["value"])))
    rows = dict(zip(names, zip(*parts, strict=True), strict=True))
    series = [Series(key, str(item["unit"]), *rows[key], **_kept(item)) for key, item in about.items()]
    calendars = [_calendar(key, events) for key, events in told.get("calendars", {}).items()]
    return Panel.of(series, calendars, delay(told.get("session_close", "24:00")))


def of_columns(path: Path, manifest: Mapping[str, Any]) -> Panel:
    """The panel of a dataset of columns whose manifest has a rule of `publication` in place of a history of it.

    "publication": {"unit": "index", "stale_days": 75, "months": 1, "days": 14, "clock": "13:30"} says that the value of
    2024-03-01 became known on 2024-04-15 at 13:30 UTC. There is one value for each time: the latest vintage.
    """
    table, rule = pyarrow.parquet.ParquetFile(path).read(), manifest["publication"]
    observed = moments(table[manifest["time"]])
    available = _published(observed, rule)
    series = []
    for key in table.column_names:
        if key != manifest["time"]:
            values = numbers(table[key])
            known = np.isfinite(values)
            rows = (observed[known], available[known], values[known])
            series.append(Series(key, str(rule["unit"]), *rows, **_kept({**rule, "quality": manifest["quality"]})))
    return Panel.of(series, delay=delay("24:00"))


def _published(observed: Times, rule: Mapping[str, Any]) -> Times:
    days = observed.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    into = days - months.astype("datetime64[D]")
    later = (months + int(rule.get("months", 0))).astype("datetime64[D]") + into + int(rule.get("days", 0))
    known: Times = later.astype("datetime64[ns]") + delay(rule["clock"])
    return known


def _kept(about: Mapping[str, Any]) -> dict[str, Any]:
    return {"stale_days": float(about["stale_days"]), "quality": str(about.get("quality", "real"))}


def _calendar(key: str, events: list[Mapping[str, str]]) -> Calendar:
    dates, announced, reference = (
        np.array([event.get(name, event["date"]) for event in events], dtype="datetime64[ns]")
        for name in ("date", "announced", "reference")
    )
    return Calendar(key, dates, announced, reference)


def delay(session_close: str) -> np.timedelta64:
    """How long after its day's midnight a bar is decided."""
    hours, minutes = session_close.split(":")
    return (int(hours) * 60 + int(minutes)) * _MINUTE
