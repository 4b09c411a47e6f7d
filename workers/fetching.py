"""A job of kind `fetch`: ask a source of data, and keep what it gave as a version of a dataset.

Asking again for what is there already makes no new version: the library knows data by what they say.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from app import sources
from app.columns import coded
from app.dataset import Dataset
from app.jobs import Claim
from app.library import Beside, Meaning
from app.sources.base import DataSource, Fetched, Report, Request
from app.sources.http import Access, Http
from app.wiring import Services
from engine.bars import Bars
from engine.intake import FIELDS
from engine.panel import Series, worst
from workers.keeping import document, library

MOST_ADDRESSES = 50
# A source that begins so many days after the first day asked for does not have it all.
_LATE = np.timedelta64(31, "D")
# UTC. What is published later on a day is for the next one.
_SESSION_CLOSE = "20:00"


def run_fetch(claim: Claim, services: Services, report: Report) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What was asked of a source, as a dataset; the result's document names its version."""
    asked = claim.request
    source = sources.get(asked["source"])
    told = _Told(report, len(asked["items"]))
    http = Http(Access.of(services.settings), alive=told.again)
    request = Request(tuple(asked["items"]), asked["start_date"], asked["end_date"])
    found = source.fetch(request, http, told, **asked["params"])
    told(len(request.items), len(request.items), "store")
    kept = library(services).put(
        None if found.bars is None else _bars_table(found.bars, adjusted=found.adjusted),
        id=asked["dataset_id"],
        meaning=_meaning(source, request, found),
        series=_beside(found) if found.series else None,
        origin={
            "source": source.id,
            "request": dict(asked),
            "addresses": http.asked[:MOST_ADDRESSES],
            "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
    return document(claim, kept.dataset, [*found.notes, *_late(asked["start_date"], kept.dataset)]), {}


class _Told:
    """Progress as it was told last: to be told again while nothing else happens, so that a cancel is seen."""

    def __init__(self, report: Report, total: int) -> None:
        self._report = report
        self._last = (0, total, "fetch")

    def __call__(self, done: int, total: int, phase: str) -> None:
        self._last = (done, total, phase)
        self._report(*self._last)

    def again(self) -> None:
        self._report(*self._last)


def _meaning(source: DataSource, request: Request, found: Fetched) -> Meaning:
    names = ", ".join(request.items[:6]) + (" …" if len(request.items) > 6 else "")
    return Meaning(
        title=f"{names} ({source.title})",
        quality=worst(["real", *(item.quality for item in found.series)]),
        calendar=found.calendar,
        source=source.title,
        licence=source.terms,
        units=found.units or ", ".join(sorted({item.unit for item in found.series})),
        notes=" ".join(found.notes),
    )


def _bars_table(bars: Bars, *, adjusted: bool) -> pa.Table:
    """A column of closes for each symbol, or a row for each symbol and time on which it traded."""
    if bars.close_only:
        return pa.table({"time": bars.time, **dict(zip(bars.symbols, bars.close.T, strict=True))})
    row, column = np.nonzero(np.isfinite(bars.close))
    fields = {name: getattr(bars, name)[row, column] for name in FIELDS}
    if adjusted:
        fields["adj_close"] = fields["close"]  # splits and dividends are in all prices already
    return pa.table({"time": bars.time[row], "symbol": coded(column.astype(np.int32), bars.symbols), **fields})


def _beside(found: Fetched) -> Beside:
    def column(name: str) -> Any:
        return np.concatenate([getattr(item, name) for item in found.series])

    keys = [item.key for item in found.series for _ in item.value]
    table = pa.table({"key": keys, **{name: column(name) for name in ("observed", "available", "value")}})
    about = {item.key: _about(item) | dict(found.about.get(item.key, {})) for item in found.series}
    return Beside(table, {"session_close": _SESSION_CLOSE, "about": about})


def _about(item: Series) -> dict[str, Any]:
    return {"unit": item.unit, "stale_days": item.stale_days, "quality": item.quality}


def _late(start: str, dataset: Dataset) -> list[str]:
    """What begins much later than it was asked for."""
    first = {name: told["start"] for name, told in dataset.facts["coverage"].items()}
    return [
        f"{name} begins on {day}; {start} was asked for."
        for name, day in first.items()
        if day and np.datetime64(day) - np.datetime64(start) > _LATE
    ]
