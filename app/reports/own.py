"""What concerns one owner alone: alerts, and jobs by name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from app.events import SEVERITIES, iso
from app.reports.parts import Period, Section, Table
from app.reports.platform import counts, waits
from app.wiring import Services

ALERTS, JOBS = ("alerts", "Your alerts"), ("own_jobs", "Your jobs")
MOST_SLOW = 10
_ALERT = ("severity", "kind", "entity", "message", "value", "threshold")


def alerts(services: Services, period: Period, owner: str) -> Section:
    """What was raised or resolved, and what was open at the end, the most severe first."""
    rows = services.store.alerts.during(owner, period.start, period.end)
    if not rows:
        return Section(*ALERTS, nothing="No alert was raised, and none was open.")
    standing = [row for row in rows if row.resolved_at is None or row.resolved_at > period.end]
    standing.sort(key=lambda row: (-SEVERITIES.index(row.severity), row.raised_at, row.id))
    resolved = [row for row in rows if period.holds(row.resolved_at)]
    figures = {
        "raised": sum(period.holds(row.raised_at) for row in rows),
        "resolved": len(resolved),
        "open": len(standing),
        "open_critical": sum(row.severity == SEVERITIES[-1] for row in standing),
    }
    tables = (
        Table.of("open", [_alert(row) | {"acknowledged": _seen(row, period)} for row in standing]),
        Table.of("resolved", [_alert(row) | {"resolved_at": iso(row.resolved_at)} for row in resolved]),
    )
    return Section(*ALERTS, figures=figures, tables=tables)


def jobs(services: Services, period: Period, owner: str) -> Section:
    """The owner's jobs that ended: how many, how long they took, and what failed."""
    rows = services.store.read.ended(period.start, period.end, owner=owner)
    if not rows:
        return Section(*JOBS, nothing="No job of yours ended.")
    run = [row for row in rows if row.started_at is not None]
    run.sort(key=lambda row: (row.started_at - row.finished_at, row.id))
    slowest = [_job(row) | {"status": row.status, "run_seconds": row.finished_at - row.started_at} for row in run]
    failed = [_job(row) | _why(row.error or {}) for row in rows if row.status == "failed"]
    tables = (Table.of("failed", failed), Table.of("slowest", slowest, most=MOST_SLOW))
    return Section(*JOBS, figures=counts(rows) | waits(rows), tables=tables)


def _alert(row: Row[Any]) -> dict[str, Any]:
    return {"raised_at": iso(row.raised_at)} | {name: getattr(row, name) for name in _ALERT}


def _seen(row: Row[Any], period: Period) -> bool:
    return row.acknowledged_at is not None and row.acknowledged_at <= period.end


def _job(row: Row[Any]) -> dict[str, Any]:
    return {"job_id": row.id, "kind": row.kind, "strategy_id": row.strategy_id}


def _why(error: dict[str, Any]) -> dict[str, Any]:
    return {name: error.get(name) for name in ("code", "message")}
