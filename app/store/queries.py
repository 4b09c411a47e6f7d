"""What is read of jobs and results. Every query of a client's data names its owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, func, literal, select, tuple_

from app.store import quotas
from app.store.database import Database, json_list_holds
from app.store.families import is_queued
from app.store.turns import each, place
from app.tables import artifacts, jobs, results


@dataclass(frozen=True)
class JobFilter:
    """Which jobs of an owner; None means any."""

    status: str | None = None
    kind: str | None = None
    strategy_id: str | None = None
    dataset_id: str | None = None
    tag: str | None = None
    request_hash: str | None = None


class Queries:
    """Reads of jobs, results and artifacts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def job(self, job_id: str, owner: str) -> Row[Any] | None:
        """The job, unless it is another owner's, or a chunk of a job."""
        return self._one(select(jobs).where(jobs.c.id == job_id, jobs.c.owner == owner, jobs.c.parent_id.is_(None)))

    def page(
        self, owner: str, wanted: JobFilter, *, limit: int, before: tuple[float, str] | None
    ) -> Sequence[Row[Any]]:
        """Jobs, newest first, that come after the (created_at, id) of the last one seen."""
        query = select(jobs).where(jobs.c.owner == owner, jobs.c.parent_id.is_(None))
        for name, value in vars(wanted).items():
            if value is None:
                continue
            if name == "tag":
                query = query.where(json_list_holds(jobs.c.tags, literal(value)))
            else:
                query = query.where(jobs.c[name] == value)
        if before:
            query = query.where(tuple_(jobs.c.created_at, jobs.c.id) < before)
        query = query.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit)
        with self._database.read() as tx:
            return tx.execute(query).all()

    def queued_today(self, owner: str) -> tuple[int, int]:
        """How many jobs of the owner were counted today, and the seconds until the next day."""
        with self._database.read() as tx:
            return quotas.taken(tx, self._database, owner)

    def queue_position(self, row: Row[Any]) -> int | None:
        """1 for the job that begins next, `turns.FARTHEST` for all from there on; None when it does not wait."""
        if row.status != "queued":
            return None
        with self._database.read() as tx:
            return place(tx, row)

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of jobs, and of parts of jobs, that have not ended, by (queue, status)."""
        query = select(jobs.c.queue, jobs.c.status, func.count()).group_by(jobs.c.queue, jobs.c.status)
        with self._database.read() as tx:
            found = tx.execute(query.where(jobs.c.status.in_(("queued", "running"))))
            return {(queue, status): count for queue, status, count in found}

    def oldest_wait(self) -> dict[str, float]:
        """Seconds that the oldest queued job of each queue has waited."""
        queue = each(jobs.c.queue, is_queued()).c.value
        oldest = select(func.min(jobs.c.queued_at)).where(is_queued(), jobs.c.queue == queue).scalar_subquery()
        query = select(queue, self._database.now() - oldest).where(queue.is_not(None))
        with self._database.read() as tx:
            return {name: float(seconds) for name, seconds in tx.execute(query)}

    def ended(self, start: float, end: float | None = None, *, owner: str | None = None) -> Sequence[Row[Any]]:
        """The jobs that ended after one time and up to another, oldest first; of one owner, or of everybody.

        Only those of one owner come with their errors.
        """
        names = ("id", "kind", "queue", "strategy_id", "status", "attempt")
        times = ("created_at", "queued_at", "started_at", "finished_at")
        columns = [jobs.c[name] for name in (*names, *times)] + ([] if owner is None else [jobs.c.error])
        query = select(*columns).where(jobs.c.parent_id.is_(None), jobs.c.finished_at > start)
        if end is not None:
            query = query.where(jobs.c.finished_at <= end)
        if owner is not None:
            query = query.where(jobs.c.owner == owner)
        with self._database.read() as tx:
            return tx.execute(query.order_by(jobs.c.finished_at, jobs.c.id)).all()

    def result(self, job_id: str) -> Row[Any] | None:
        return self._one(select(results).where(results.c.job_id == job_id))

    def latest_succeeded(self, owner: str, strategy_id: str) -> Row[Any] | None:
        """The strategy's backtest that succeeded last."""
        mine = and_(jobs.c.owner == owner, jobs.c.strategy_id == strategy_id)
        query = select(jobs).where(mine, jobs.c.kind == "backtest", jobs.c.status == "succeeded")
        return self._one(query.order_by(jobs.c.finished_at.desc(), jobs.c.id).limit(1))

    def artifact(self, job_id: str, name: str) -> bytes | None:
        query = select(artifacts.c.data).where(artifacts.c.job_id == job_id, artifacts.c.name == name)
        with self._database.read() as tx:
            data = tx.execute(query).scalar()
        return None if data is None else bytes(data)

    def _one(self, query: Any) -> Row[Any] | None:
        with self._database.read() as tx:
            row: Row[Any] | None = tx.execute(query).first()
            return row
