"""FRED and ALFRED of the Federal Reserve Bank of St. Louis.

Without a key the site's CSV gives each series as it is known now. With one (`FRED_API_KEY`) the API gives a series
that is revised in all its vintages, and each value counts as known since its vintage.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np

from app.sources.base import Fetched, Report, Request, one_by_one, source
from app.sources.http import Http, Origin
from app.sources.macro import (
    Days,
    Frequency,
    Lag,
    Listing,
    Unit,
    as_days,
    as_numbers,
    listed,
)
from app.sources.texts import json_of, records_of, rows_of
from engine.intake import Floats
from engine.panel import Series

SITE = Origin("fred", "fred", "https://fred.stlouisfed.org", answers="csv")
API = Origin("fred", "fred_api", "https://api.stlouisfed.org", key_as="api_key")
_PAGE = 100_000
# A vintage has a day and no hour, and the hour may come after a session's close.
_DATED = "availability: the day after each vintage (ALFRED)"
_KNOWN = listed("fred")


@source(
    title="FRED, Federal Reserve Bank of St. Louis",
    items="series",
    terms="FRED's terms of use: citation required; series of third parties may be for personal use only.",
    known=tuple(_KNOWN),
    pattern=r"[A-Z0-9_]{1,40}",
    since="1947-01-01",
)
def fred(
    request: Request,
    http: Http,
    report: Report,
    *,
    vintages: bool = True,
    unit: Unit = "index",
    frequency: Frequency = "monthly",
    lag_days: Lag = 60,
) -> Fetched:
    """US rates, prices and activity; any other series by its FRED id."""

    def ask(item: str) -> tuple[Series, dict[str, str]]:
        told = _KNOWN.get(item) or Listing(item, "fred", item, unit, frequency, lag_days, revised=frequency != "daily")
        if vintages and told.revised and http.has_key("fred"):
            return _vintages(told, request, http), told.about(_DATED)
        return _present(told, request, http), told.about()

    return one_by_one(request, http, report, SITE, ask)


def _present(told: Listing, request: Request, http: Http) -> Series:
    """The series as it is known now."""
    query = {"id": told.id, "cosd": _start(told, request), "coed": request.end}
    rows = http.get(SITE, "/graph/fredgraph.csv", query, partial(rows_of, fields=[told.id]), item=told.key)
    day = "observation_date" if rows and "observation_date" in rows[0] else "DATE"
    return told.series(as_days(row.get(day, "") for row in rows), as_numbers(row[told.id] for row in rows))


def _start(told: Listing, request: Request) -> str:
    """The first day that is asked for: a change over a year needs the year before."""
    if told.change != "year_on_year":
        return request.start
    return (date.fromisoformat(request.start) - timedelta(days=366)).isoformat()


def _vintages(told: Listing, request: Request, http: Http) -> Series:
    """Every value with the day since which it has stood in the database."""
    found = list(_pages(told, request, http))
    days, since = (as_days(row[name] for row in found) for name in ("date", "realtime_start"))
    values = as_numbers(row["value"] for row in found)
    if told.change == "year_on_year":
        days, values, since = _changes(days, values, since)
    return told.series(days, values, since + np.timedelta64(1, "D"))


def _pages(told: Listing, request: Request, http: Http) -> Iterator[dict[str, Any]]:
    query: dict[str, str | int] = {
        "series_id": told.id,
        "file_type": "json",
        "observation_start": _start(told, request),
        "observation_end": request.end,
        "realtime_start": "1776-07-04",
        "realtime_end": request.end,
        "limit": _PAGE,
    }
    offset = 0
    while True:
        page = http.get(API, "/fred/series/observations", {**query, "offset": offset}, _observations, item=told.key)
        yield from page
        offset += _PAGE
        if len(page) < _PAGE:
            return


def _observations(body: bytes) -> list[Any]:
    found = json_of(body)
    inside = found.get("observations") if isinstance(found, dict) else None
    return records_of(inside, ["date", "realtime_start", "value"])


def _changes(days: Days, values: Floats, since: Days) -> tuple[Days, Floats, Days]:
    """The percent change over a year as each vintage knew it: one row whenever a vintage moves it."""
    index: dict[int, float] = {}
    said: dict[int, float] = {}
    months = days.astype("datetime64[M]").astype(np.int64)
    rows: list[tuple[int, float, np.datetime64]] = []
    for moment in np.unique(since):
        new = np.flatnonzero((since == moment) & np.isfinite(values))
        index |= dict(zip(months[new].tolist(), values[new].tolist(), strict=True))
        for month in sorted({*months[new].tolist(), *(months[new] + 12).tolist()}):
            if month in index and month - 12 in index:
                change = (index[month] / index[month - 12] - 1) * 100
                if said.get(month) != change:
                    said[month] = change
                    rows.append((month, change, moment))
    found = np.array([row[0] for row in rows], dtype=np.int64).astype("datetime64[M]").astype("datetime64[D]")
    return found, np.array([row[1] for row in rows]), np.array([row[2] for row in rows], dtype="datetime64[D]")
