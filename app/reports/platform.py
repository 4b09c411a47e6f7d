"""How the platform did: the jobs of everybody, the workers that were lost, the data. It names nobody's jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from app.alerts.freshness import stale_data
from app.alerts.kinds import KINDS
from app.dataset import Dataset
from app.events import WORKERS, iso
from app.monitoring import quantiles
from app.reports.parts import Period, Section, Table
from app.store import TERMINAL
from app.wiring import Services
from engine.errors import BadData

# How the data stand is not stored: of a report that is made later than this it is not known any more.
DATA_SECONDS = 86_400.0


def jobs(services: Services, period: Period) -> Section:
    """The jobs that ended, whoever's, and how long they had waited."""
    rows = services.store.read.ended(period.start, period.end)
    if not rows:
        return Section("jobs", "Jobs", nothing="No job ended.")
    queues = sorted({row.queue for row in rows})
    waited = [{"queue": queue, **waits([row for row in rows if row.queue == queue])} for queue in queues]
    return Section("jobs", "Jobs", figures=counts(rows), tables=(Table.of("queues", waited),))


def counts(rows: Sequence[Row[Any]]) -> dict[str, int]:
    """How many jobs ended, and how."""
    counted = Counter(row.status for row in rows)
    return {"jobs": len(rows), **{status: counted[status] for status in TERMINAL}}


def waits(rows: Sequence[Row[Any]]) -> dict[str, Any]:
    """How long jobs waited, in seconds: before their last attempt.

    Quantiles interpolate linearly between order statistics; None where no job was started.
    """
    seconds = [row.started_at - row.queued_at for row in rows if row.started_at is not None]
    return {"started": len(seconds), **quantiles("wait", seconds)}


def workers(services: Services, period: Period) -> Section:
    """The workers that were lost with a job in their hands."""
    events = services.store.events.during(WORKERS, period.start, period.end)
    if not events:
        return Section("workers", "Workers", nothing="No worker was lost.")
    lost = [
        {"at": iso(event.at), **{name: event.data[name] for name in ("worker", "kind", "attempt", "status")}}
        for event in events
    ]
    return Section("workers", "Workers", figures={"lost": len(lost)}, tables=(Table.of("lost", lost),))


def data(services: Services, period: Period) -> Section:
    """The datasets that are behind or bad, as they stand when the report is made."""
    if services.store.now() - period.end > DATA_SECONDS:
        return Section("data", "Data", nothing="How the data stood then is not stored.")
    try:
        found = services.catalog.datasets()
        if not found:
            return Section("data", "Data", nothing="There are no datasets.")
        late = KINDS["stale_data"].threshold or 0.0
        behind = [one for one in stale_data(services) if not one.named_only and (one.value or 0.0) >= late]
    except BadData as error:
        return Section("data", "Data", nothing=f"The catalog cannot be read. {error.message}")
    quality = {one.id: one.quality for one in found}
    stale = [
        {"dataset_id": one.entity, "newest": one.data["newest"], "sessions": one.value, "quality": quality[one.entity]}
        for one in behind
        if one.entity in quality  # one that has come in the meantime is for the next report
    ]
    bad = [row for dataset in found for row in _faults(dataset)]
    figures = {"datasets": len(found), **{f"{name}_datasets": n for name, n in Counter(quality.values()).items()}}
    figures |= {"stale": len(stale), "bad": len({row["dataset_id"] for row in bad})}
    return Section("data", "Data", figures=figures, tables=(Table.of("stale", stale), Table.of("bad", bad)))


def _faults(dataset: Dataset) -> list[dict[str, Any]]:
    """What makes runs on a dataset fail."""
    about = {"dataset_id": dataset.id, "quality": dataset.quality}
    try:
        _ = dataset.times  # the library has kept what it found, whatever has become of the file since
        errors = [one for one in dataset.findings if one.severity == "error"]
    except BadData as error:
        return [about | {"symbol": None, "message": error.message}]
    return [about | {"symbol": one.symbol or None, "message": one.message} for one in errors]
