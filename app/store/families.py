"""Jobs that are done in chunks: a parent, and a child row for each chunk of its work.

    parent  running ─park→ running, without a lease, until no child is pending ─claim→ running ─finish→ succeeded
                                                                          or parked again, with more chunks
    child   queued ─claim→ running ─finish→ succeeded       one that fails for good fails its parent

The end of a child and the count of its parent are one transaction: nothing is counted twice, nothing is forgotten. A
parent that waits for its children holds neither lease nor worker. Children of a parent that has ended are called off in
a transaction of their own, at once and again by every supervisor: one that locked parent and children together could
wait for the end of a child that waits for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    delete,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    update,
)

from app.events import Event
from app.store import tried
from app.store.database import Database
from app.store.events import EventLog
from app.store.news import TERMINAL, ended, held, tell
from app.store.records import Change, Chunk, Rest
from app.tables import artifacts, jobs

KIND = "chunk"
# The large part that a chunk leaves.
PART = "part"


class Families:
    """Statements on parents and their children."""

    def __init__(self, database: Database, log: EventLog) -> None:
        self._database = database
        self._log = log

    def park(self, job_id: str, fence: int, rest: Rest, *, queue: str) -> Change | None:
        """Lay a running job down until its chunks are done, those of before and these.

        None: somebody else holds it, nothing is stored. A cancel that came before this statement wins: what is done is
        kept, and nothing is queued.
        """
        wanted = jobs.c.cancel_at.is_(None)
        chunks, before = rest.chunks, func.coalesce(jobs.c.done, 0)
        waiting = sum(chunk.found is None for chunk in chunks)
        status = case((wanted, "running"), else_="cancelled")
        columns = ended(self._database, status) | {
            "finished_at": case((wanted, null()), else_=self._database.now()),
            "rung_at": self._database.now(),
            "attempt": 0,  # attempts to gather are counted anew
            "fence": jobs.c.fence + 1,  # a beat that comes late takes no lease on a job that is nobody's
            "units": before + sum(chunk.units for chunk in chunks) + rest.ahead,
            "done": before + sum(chunk.units for chunk in chunks if chunk.found is not None),
            "pending": case((wanted, waiting), else_=0),
        }
        with self._database.write() as tx:
            row = tx.execute(update(jobs).where(held(job_id, fence)).values(**columns).returning(jobs)).first()
            if row is None:
                return None
            if rest.trials:
                tried.add(tx, self._database, job_id, rest.trials)
            cancelled = row.status == "cancelled"
            self._insert(tx, row, [chunk for chunk in chunks if chunk.found is not None or not cancelled], queue)
            return Change(row, tell(tx, self._log, row) if cancelled else [])

    def waiting(self, parent_id: str) -> list[str]:
        """Ids of the chunks that wait for a worker, in the order in which they begin."""
        query = select(jobs.c.id).where(jobs.c.parent_id == parent_id, is_queued())
        query = query.order_by(jobs.c.created_at, jobs.c.id)
        with self._database.read() as tx:
            return list(tx.execute(query).scalars())

    def parent(self, parent_id: str) -> Row[Any] | None:
        """The job that a chunk is a part of; None when it was deleted in between."""
        with self._database.read() as tx:
            row: Row[Any] | None = tx.execute(select(jobs).where(jobs.c.id == parent_id)).first()
            return row

    def parts(self, parent_id: str) -> list[Chunk]:
        """What the chunks of a job that are done have found, in the order of its units."""
        query = select(jobs.c.request, jobs.c.compute_ms, artifacts.c.data).join_from(jobs, artifacts)
        query = query.where(jobs.c.parent_id == parent_id, jobs.c.status == "succeeded", artifacts.c.name == PART)
        with self._database.read() as tx:
            rows = tx.execute(query).all()
        found = [Chunk(**row.request, found=bytes(row.data), compute_ms=row.compute_ms) for row in rows]
        return sorted(found, key=lambda chunk: chunk.first)

    def call_off(self, *, limit: int = 1000) -> int:
        """End the queued chunks of jobs that have ended, and ask the running ones to stop. Gives how many."""
        wanted = orphans().limit(limit)
        with self._database.read() as tx:  # nearly always there are none, and no write lock is taken
            if tx.execute(wanted.limit(1)).first() is None:
                return 0
        queued, now = jobs.c.status == "queued", self._database.now()
        with self._database.write(durable=False) as tx:
            # What somebody else ends or calls off at this moment is skipped: nobody waits for anybody.
            ids = list(tx.execute(wanted.with_for_update(of=jobs, skip_locked=True)).scalars())
            statement = update(jobs).where(jobs.c.id.in_(ids))
            status = case((queued, "cancelled"), else_=jobs.c.status)
            tx.execute(statement.values(status=status, finished_at=case((queued, now), else_=null()), cancel_at=now))
        return len(ids)

    def count(self, tx: Connection, child: Row[Any]) -> Change | None:
        """Tell the parent of the end of a child, in the same transaction. None where nothing changes for it."""
        statement = update(jobs).where(jobs.c.id == child.parent_id, jobs.c.status == "running")
        if child.status == "succeeded":
            statement = statement.values(pending=jobs.c.pending - 1, done=jobs.c.done + child.units)
        elif child.status == "failed":
            error = {**child.error, "part": {name: child.request[name] for name in ("first", "stop")}}
            statement = statement.values(status="failed", error=error, finished_at=self._database.now())
        else:
            return None
        row = tx.execute(statement.returning(jobs)).first()
        if row is None:
            return None
        events: list[Event] = tell(tx, self._log, row) if row.status == "failed" else []
        return Change(row, events)

    def _insert(self, tx: Connection, parent: Row[Any], chunks: Sequence[Chunk], queue: str) -> None:
        ids = sorted(uuid.uuid4().hex for _ in chunks)  # of one moment the lowest is next
        rows = [_child(parent, child_id, chunk, queue) for child_id, chunk in zip(ids, chunks, strict=True)]
        parts = [
            {"job_id": row["id"], "name": PART, "data": chunk.found}
            for row, chunk in zip(rows, chunks, strict=True)
            if chunk.found is not None
        ]
        if rows:
            tx.execute(jobs.insert(), rows)
        if parts:
            tx.execute(artifacts.insert(), parts)


def orphans() -> Select[Any]:
    """Ids of the chunks that wait or run although their job has ended."""
    parent = jobs.alias("parent")
    found = select(jobs.c.id).join(parent, parent.c.id == jobs.c.parent_id)
    return found.where(
        jobs.c.status.in_(("queued", "running")), jobs.c.cancel_at.is_(None), parent.c.status.in_(TERMINAL)
    )


def forget_children(tx: Connection, parent_id: str) -> None:
    """Remove the children of a job, with what they found."""
    tx.execute(delete(jobs).where(jobs.c.parent_id == parent_id))


def computed_by_children() -> ColumnElement[float]:
    """Milliseconds that the children of a job have taken."""
    child = jobs.alias("child")
    total = select(func.coalesce(func.sum(child.c.compute_ms), 0.0)).where(child.c.parent_id == jobs.c.id)
    return total.scalar_subquery()


def waits_for_a_worker() -> ColumnElement[bool]:
    """A job that has not begun, or that has still to gather what its chunks found."""
    return or_(has_not_begun(), gathers())


def has_not_begun() -> ColumnElement[bool]:
    """A queued job whose parent, if any, still runs."""
    parent = jobs.alias("parent")
    runs = exists().where(parent.c.id == jobs.c.parent_id, parent.c.status == "running")
    return and_(is_queued(), or_(jobs.c.parent_id.is_(None), runs))


def is_queued() -> ColumnElement[bool]:
    """Written out and not bound: PostgreSQL uses a partial index where its plan knows the value."""
    return jobs.c.status == literal_column("'queued'")


def gathers() -> ColumnElement[bool]:
    """A parent that waits for none of its children any more, and that nobody holds."""
    return and_(jobs.c.status == "running", jobs.c.lease_until.is_(None), jobs.c.pending == 0)


def _child(parent: Row[Any], child_id: str, chunk: Chunk, queue: str) -> dict[str, Any]:
    done = chunk.found is not None
    return {
        "id": child_id,
        "owner": parent.owner,
        "kind": KIND,
        "queue": queue,
        "request": {"first": chunk.first, "stop": chunk.stop, "points": chunk.points},
        "request_hash": parent.request_hash,
        "tags": [],
        "parent_id": parent.id,
        "units": chunk.units,
        "status": "succeeded" if done else "queued",
        "attempt": 0,
        "max_attempts": parent.max_attempts,
        "fence": 0,
        "rung_at": parent.rung_at,
        "queued_at": parent.rung_at,
        "created_at": parent.rung_at,
        "finished_at": parent.rung_at if done else None,
        "compute_ms": chunk.compute_ms if done else None,
    }
