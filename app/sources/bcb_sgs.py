"""The time series of the Banco Central do Brasil (SGS): JSON, at most ten years of a daily series at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from app.sources.base import Fetched, Report, Request, one_by_one, source
from app.sources.http import Http, Origin
from app.sources.macro import Frequency, Lag, Listing, Unit, as_days, as_numbers, listed
from app.sources.texts import json_of, records_of
from engine.panel import Series

SGS = Origin("bcb_sgs", "bcb_sgs", "https://api.bcb.gov.br")
_YEARS = 10
_KNOWN = listed("bcb_sgs")


@source(
    title="Banco Central do Brasil, time series (SGS)",
    items="series",
    terms="Open data (ODbL): free with the source cited.",
    known=tuple(_KNOWN),
    pattern=r"SGS_[0-9]{1,6}",
    since="2000-01-01",
)
def bcb_sgs(
    request: Request,
    http: Http,
    report: Report,
    *,
    unit: Unit = "index",
    frequency: Frequency = "monthly",
    lag_days: Lag = 60,
) -> Fetched:
    """Brazilian rates, prices, accounts and flows; any other series as SGS_ and its number."""

    def ask(item: str) -> tuple[Series, dict[str, str]]:
        told = _KNOWN.get(item) or Listing(item, "bcb_sgs", item.removeprefix("SGS_"), unit, frequency, lag_days)
        return _series(told, request, http), told.about()

    return one_by_one(request, http, report, SGS, ask)


def _series(told: Listing, request: Request, http: Http) -> Series:
    rows: list[Mapping[str, Any]] = []
    for first, last in _windows(request.start, request.end):
        query = {"formato": "json", "dataInicial": f"{first:%d/%m/%Y}", "dataFinal": f"{last:%d/%m/%Y}"}
        # An empty window is 404 here.
        rows += http.get(SGS, f"/dados/serie/bcdata.sgs.{told.id}/dados", query, _read, item=told.key, absent=[])
    return told.series(
        as_days((str(row["data"]) for row in rows), "%d/%m/%Y"), as_numbers(row["valor"] for row in rows)
    )


def _read(body: bytes) -> list[Mapping[str, Any]]:
    return records_of(json_of(body), ["data", "valor"])


def _windows(start: str, end: str) -> Iterator[tuple[date, date]]:
    """The days from start to end in pieces that the service answers."""
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    while first <= last:
        until = min(last, date(first.year + _YEARS - 1, 12, 31))
        yield first, until
        first = date(until.year + 1, 1, 1)
