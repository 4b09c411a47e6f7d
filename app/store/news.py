"""What every statement on a job shares: who may write, how a job ends, and the events of a change."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, null, or_

from app.events import WORKERS, Event, job_channel, owner_channel
from app.store.database import Database
from app.store.events import EventLog
from app.tables import jobs

TERMINAL = ("succeeded", "failed", "cancelled")


def held(job_id: str, fence: int) -> ColumnElement[bool]:
    """The job, if whoever has this fence holds it still."""
    return and_(jobs.c.id == job_id, jobs.c.fence == fence, jobs.c.status == "running")


def is_of(lease_owner: str) -> ColumnElement[bool]:
    """A job that is leased to a node, or to one of its tasks: `node`, `node/task`."""
    return or_(jobs.c.lease_owner == lease_owner, jobs.c.lease_owner.startswith(f"{lease_owner}/", autoescape=True))


def node_of(lease_owner: str | None) -> str | None:
    """The node to which, or to a task of which, a job is leased."""
    return lease_owner and lease_owner.partition("/")[0]


def ended(database: Database, status: ColumnElement[str]) -> dict[str, Any]:
    """The columns of a job that a worker lets go of, with its new status."""
    return {
        "status": status,
        "finished_at": database.now(),
        "lease_owner": null(),
        "lease_until": null(),
        "progress": null(),
    }


def tell(tx: Connection, log: EventLog, row: Row[Any]) -> list[Event]:
    """Write the events of a job's new state, as part of the transaction that brought it about."""
    kind = "job_cancelling" if row.status == "running" and row.cancel_at else f"job_{row.status}"
    data = {
        "job_id": row.id,
        "kind": row.kind,
        "status": row.status,
        "strategy_id": row.strategy_id,
        "attempt": row.attempt,
        "error": row.error,
    }
    # Always in this order: two transactions that lock the same counters cannot wait for each other.
    names = (job_channel(row.id), owner_channel(row.owner))
    return [log.append(tx, name, kind, data) for name in names]


def tell_lost(tx: Connection, log: EventLog, row: Row[Any], lease_owner: str | None) -> Event:
    """Write that a worker was lost which had this job in its hands, or a chunk of it."""
    data = {
        "worker": node_of(lease_owner),
        "owner": row.owner,
        "job_id": row.parent_id or row.id,
        "kind": row.kind,
        "strategy_id": row.strategy_id,
        "dataset_id": row.dataset_id,
        "attempt": row.attempt,
        "max_attempts": row.max_attempts,
        "status": row.status,
    }
    return log.append(tx, WORKERS, "worker_lost", data)
