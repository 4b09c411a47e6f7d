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
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from app.columns import moments, numbers
from engine.errors import BadData
from engine.panel import Calendar, Panel, Series


def read(path: Path, told: Mapping[str, Any]) -> Panel:
    """The panel of a manifest's `series`. Raises BadData naming the series that the file or the manifest lacks."""
    table = pyarrow.parquet.ParquetFile(path).read()
    keys = table["key"].cast(pa.string()).combine_chunks()
    about: Mapping[str, Mapping[str, Any]] = told["about"]
    strangers = sorted(set(keys.unique().to_pylist()) ^ set(about))
    if strangers:
        raise BadData(f"Series {strangers[0]} is only in one of the manifest and its file.", code="bad_series")
    series = [_series(table.filter(pa.compute.equal(keys, key)), key, item) for key, item in about.items()]
    calendars = [_calendar(key, events) for key, events in told.get("calendars", {}).items()]
    return Panel.of(series, calendars, _delay(told.get("session_close", "24:00")))


def _series(rows: pa.Table, key: str, about: Mapping[str, Any]) -> Series:
    return Series(
        key=key,
        unit=str(about["unit"]),
        observed=moments(rows["observed"].cast(pa.timestamp("ns"))),
        available=moments(rows["available"].cast(pa.timestamp("ns"))),
        value=numbers(rows["value"]),
        stale_days=float(about["stale_days"]),
        quality=str(about.get("quality", "real")),
    )


def _calendar(key: str, events: list[Mapping[str, str]]) -> Calendar:
    dates, announced, reference = (
        np.array([event.get(name, event["date"]) for event in events], dtype="datetime64[ns]")
        for name in ("date", "announced", "reference")
    )
    return Calendar(key, dates, announced, reference)


def _delay(session_close: str) -> np.timedelta64:
    hours, minutes = session_close.split(":")
    return np.timedelta64((int(hours) * 60 + int(minutes)) * 60_000_000_000, "ns")
