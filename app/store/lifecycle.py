"""The statements that move a job through its life. Each is one transaction that compares the old state, sets the
new one, and writes the event of the change; `app.jobs` decides when to call which.

    queued ─claim→ running ─finish→ succeeded        queued ─cancel→ cancelled        terminal states never change
    running ─fail→ failed      running ─give_back→ queued (attempts left) | failed | cancelled

Jobs that are done in chunks have a few states more: `app.store.families`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    func,
    literal,
    null,
    or_,
    select,
    update,
)

from app.errors import Conflict, Overloaded
from app.events import Event
from app.store import paper, quotas, tried
from app.store.database import Database
from app.store.events import EventLog
from app.store.families import Families, computed_by_children, forget_children, is_queued, orphans, waits_for_a_worker
from app.store.news import TERMINAL, ended, held, is_of, tell, tell_lost
from app.store.records import Change, Due, Idempotency, NewJob, Output
from app.store.retention import forget_job
from app.store.signals import save
from app.store.turns import next_job, rung_for
from app.tables import artifacts, idempotency_keys, jobs, results

Retry = Literal["counted", "free", "never"]
RING_AT_MOST = 1000  # in one go: the supervisor has leases to look after in between


class Lifecycle:
    """Status changes of jobs. Every method is one transaction."""

    def __init__(self, database: Database, log: EventLog, families: Families) -> None:
        self._database = database
        self._log = log
        self._families = families

    def submit(
        self, job: NewJob, *, idempotency: Idempotency | None, reuse: bool, max_queued: int, max_daily: int = 0
    ) -> tuple[Change, bool]:
        """Insert a job, or find the one that stands for it already. The flag tells whether it is new.

        Raises Conflict when the idempotency key stands for another request, Overloaded when the owner has
        `max_queued` jobs waiting or has had `max_daily` queued today (0: any number).
        """
        with self._database.write() as tx:
            change, created = self._submit(tx, job, idempotency, reuse=reuse, max_queued=max_queued)
            if created:
                quotas.take(tx, self._database, job.owner, made=1, most=max_daily)
            return change, created

    def submit_all(
        self,
        wanted: Sequence[tuple[NewJob, Idempotency | None]],
        *,
        reuse: bool,
        max_queued: int,
        max_daily: int = 0,
    ) -> list[tuple[Change, bool]]:
        """`submit` for several jobs of an owner in one transaction: all of them, or none where one is refused."""
        with self._database.write() as tx:
            # Counted once, when they are there: what an earlier run answers takes no place.
            found = [self._submit(tx, job, key, reuse=reuse, max_queued=None) for job, key in wanted]
            if created := sum(new for _, new in found):
                self._refuse_when_full(tx, wanted[0][0].owner, max_queued, taken=created)
                quotas.take(tx, self._database, wanted[0][0].owner, made=created, most=max_daily)
            return found

    def _submit(
        self, tx: Connection, job: NewJob, idempotency: Idempotency | None, *, reuse: bool, max_queued: int | None
    ) -> tuple[Change, bool]:
        if idempotency and (known := self._recall(tx, job.owner, idempotency)):
            return Change(known), False
        twin = self._succeeded_twin(tx, job) if reuse else None
        if twin is None and max_queued is not None:
            self._refuse_when_full(tx, job.owner, max_queued)
        job_id = twin.id if twin else job.id
        if idempotency and not self._remember(tx, job.owner, idempotency, job_id):
            # Another request with the same key committed between the look and the insert.
            recalled = self._recall(tx, job.owner, idempotency)
            assert recalled is not None  # noqa: S101 - its job is inserted in the same transaction
            return Change(recalled), False
        if twin:
            return Change(twin), False
        values = {name: value for name, value in vars(job).items() if name != "tags"}
        now = self._database.now()
        row = jobs.insert().values(
            **values,
            tags=list(job.tags),
            status="queued",
            attempt=0,
            fence=0,
            created_at=now,
            rung_at=now,
            queued_at=now,
        )
        inserted = tx.execute(row.returning(jobs)).one()
        return self._told(tx, inserted), True

    def claim(self, job_id: str, *, lease_owner: str, lease_seconds: float) -> Change | None:
        """Take a job that waits: one more attempt, a new fence, a lease. None when it does not wait any more."""
        with self._database.write(durable=False) as tx:
            return self._claim(tx, job_id, lease_owner, lease_seconds)

    def claim_next(
        self, bell: str, *, lease_owner: str, lease_seconds: float, passed: Collection[str] = ()
    ) -> Change | None:
        """`claim` the job whose turn it is in the queue of the job that was rung for. None when none waits there, or
        only such as are `passed`.
        """
        with self._database.read() as tx:  # a stale doorbell takes no write lock
            queue = rung_for(tx, bell)
        if queue is None:
            return None
        with self._database.write(durable=False) as tx:
            job_id = next_job(tx, queue, passed)
            return None if job_id is None else self._claim(tx, job_id, lease_owner, lease_seconds)

    def _claim(self, tx: Connection, job_id: str, lease_owner: str, lease_seconds: float) -> Change | None:
        now = self._database.now()
        statement = (
            update(jobs)
            .where(jobs.c.id == job_id, waits_for_a_worker())
            .values(
                status="running",
                attempt=jobs.c.attempt + 1,
                fence=jobs.c.fence + 1,
                lease_owner=lease_owner,
                lease_until=now + lease_seconds,
                started_at=case((jobs.c.pending.is_(None), now), else_=jobs.c.started_at),
                progress=null(),
            )
        )
        row = tx.execute(statement.returning(jobs)).first()
        if row is None:
            return None
        gathers = row.pending is not None and row.attempt == 1  # it was running all the time
        return Change(row) if gathers else self._told(tx, row)

    def beat(self, job_id: str, fence: int, *, lease_seconds: float, progress: Mapping[str, Any] | None) -> bool | None:
        """Extend the lease. True: its owner wants it cancelled; False: go on; None: the lease is lost."""
        values: dict[str, Any] = {"lease_until": self._database.now() + lease_seconds}
        if progress is not None:
            values["progress"] = dict(progress)
        statement = update(jobs).where(held(job_id, fence)).values(**values)
        with self._database.write(durable=False) as tx:
            row = tx.execute(statement.returning(jobs.c.cancel_at)).first()
        return None if row is None else row.cancel_at is not None

    def finish(self, job_id: str, fence: int, output: Output) -> Change | None:
        """Store the result and end the job in one transaction. None: somebody else holds it, nothing is stored.

        A cancel that came before this statement wins: the job ends `cancelled` without a result. Raises Conflict
        (`book_moved`) for a step of the paper book that follows another state than that of now.
        """
        status = case((jobs.c.cancel_at.is_(None), "succeeded"), else_="cancelled")
        columns = ended(self._database, status) | {"compute_ms": output.compute_ms + computed_by_children()}
        with self._database.write() as tx:
            row = tx.execute(update(jobs).where(held(job_id, fence)).values(**columns).returning(jobs)).first()
            if row is None:
                return None
            said = self._keep(tx, row, output) if row.status == "succeeded" else []
            change = self._told(tx, row)
            return replace(change, events=[*said, *change.events])

    def _keep(self, tx: Connection, row: Row[Any], output: Output) -> list[Event]:
        """Store what a run leaves; the events of what it says."""
        if output.result is not None:
            tx.execute(
                results.insert().values(
                    job_id=row.id,
                    fence=row.fence,
                    result=dict(output.result),
                    result_hash=output.result_hash,
                    created_at=self._database.now(),
                )
            )
        parts = [{"job_id": row.id, "name": name, "data": data} for name, data in output.artifacts.items()]
        if parts:
            tx.execute(artifacts.insert(), parts)
        if output.trials and row.parent_id:
            tried.add(tx, self._database, row.parent_id, output.trials)
        elif output.trials:
            tried.save(tx, self._database, row, output.trials)
        if row.pending is not None:
            forget_children(tx, row.id)
        said = save(tx, self._database, self._log, output.signals) if output.signals else []
        return [*said, *(paper.save(tx, self._database, self._log, output.book) if output.book else [])]

    def fail(self, job_id: str, fence: int, error: Mapping[str, Any]) -> Change | None:
        """End a running job with an error; a cancel that came first wins. None: somebody else holds it."""
        wanted = jobs.c.cancel_at.is_not(None)
        columns = ended(self._database, case((wanted, "cancelled"), else_="failed"))
        statement = update(jobs).where(held(job_id, fence))
        return self._change(statement.values(**columns, error=_json_unless(wanted, error)))

    def cancel(self, job_id: str, owner: str) -> Change | None:
        """Cancel a job that no worker holds, or ask a running one to stop. None: it is neither, or not this owner's."""
        now = self._database.now()
        unheld = or_(jobs.c.status == "queued", and_(jobs.c.status == "running", jobs.c.lease_until.is_(None)))
        asked_now = and_(jobs.c.status == "running", jobs.c.cancel_at.is_(None))
        mine = and_(jobs.c.id == job_id, jobs.c.owner == owner, jobs.c.parent_id.is_(None))
        statement = update(jobs).where(mine, or_(unheld, asked_now))
        return self._change(
            statement.values(
                status=case((unheld, "cancelled"), else_=jobs.c.status),
                finished_at=case((unheld, now), else_=null()),
                cancel_at=now,
            )
        )

    def give_back(
        self,
        job_id: str,
        *,
        lease_owner: str | None = None,
        fence: int | None = None,
        error: Mapping[str, Any],
        retry: Retry = "counted",
    ) -> Change | None:
        """Take a running job from a worker that is gone: back to the queue, or ended when it has no attempt left.

        With `lease_owner` only from that worker, with `fence` only from who has claimed it by that, at once; without,
        only when the lease has run out. A `free` retry does not count the attempt that ends here; with `never` the job
        ends with the error.
        """
        now = self._database.now()
        gone = is_of(lease_owner) if lease_owner else jobs.c.lease_until < now
        gone = gone if fence is None else jobs.c.fence == fence
        wanted = jobs.c.cancel_at.is_not(None)
        left = jobs.c.attempt < jobs.c.max_attempts if retry == "counted" else literal(retry == "free")
        tries = and_(jobs.c.cancel_at.is_(None), left)
        status = case((wanted, "cancelled"), (tries, "queued"), else_="failed")
        statement = update(jobs).where(jobs.c.id == job_id, jobs.c.status == "running", gone)
        statement = statement.values(
            status=status,
            attempt=jobs.c.attempt - (1 if retry == "free" else 0),
            fence=jobs.c.fence + 1,
            lease_owner=null(),
            lease_until=null(),
            rung_at=now,
            queued_at=case((tries, now), else_=jobs.c.queued_at),
            finished_at=case((tries, null()), else_=now),
            error=_json_unless(or_(wanted, tries), error),
        )
        with self._database.write() as tx:
            holder = tx.execute(select(jobs.c.lease_owner).where(jobs.c.id == job_id)).scalar()
            row = tx.execute(statement.returning(jobs)).first()
            if row is None:
                return None
            lost = [tell_lost(tx, self._log, row, holder)] if retry == "counted" else []
            change = self._told(tx, row)
            return replace(change, events=[*lost, *change.events])

    def expired(self, *, limit: int = 100) -> list[str]:
        """Ids of running jobs whose lease has run out."""
        with self._database.read() as tx:
            return list(tx.execute(self._expired().limit(limit)).scalars())

    def _expired(self) -> Select[Any]:
        return select(jobs.c.id).where(jobs.c.status == "running", jobs.c.lease_until < self._database.now())

    def held_by(self, lease_owner: str) -> list[str]:
        """Ids of the running jobs that a node holds, or one of its tasks."""
        query = select(jobs.c.id).where(jobs.c.status == "running", is_of(lease_owner))
        with self._database.read() as tx:
            return list(tx.execute(query).scalars())

    def due(self) -> Due:
        """What there is to do for a supervisor: one look for all of it, because it looks often and mostly in vain."""
        waiting = select(jobs.c.queue, func.count()).where(waits_for_a_worker()).group_by(jobs.c.queue)
        with self._database.read() as tx:
            return Due(
                expired=tx.execute(self._expired().limit(1)).first() is not None,
                orphans=tx.execute(orphans().limit(1)).first() is not None,
                waiting=dict(map(tuple, tx.execute(waiting))),
            )

    def ring_again(self, queue: str, *, count: int, silent_seconds: float) -> list[str]:
        """Mark the `count` queued jobs whose doorbell has been silent for longest as rung now; give their ids."""
        now = self._database.now()
        due = select(jobs.c.id).order_by(jobs.c.rung_at).limit(min(count, RING_AT_MOST))
        due = due.where(waits_for_a_worker(), jobs.c.queue == queue, jobs.c.rung_at < now - silent_seconds)
        with self._database.write(durable=False) as tx:
            # What another supervisor is ringing at this moment is skipped: it neither waits nor rings twice.
            ids = list(tx.execute(due.with_for_update(skip_locked=True)).scalars())
            tx.execute(update(jobs).where(jobs.c.id.in_(ids)).values(rung_at=now))
            return ids

    def delete(self, job_id: str, owner: str) -> str | None:
        """Remove a terminal job with all that it left. Gives the status it had, None when there is no such job."""
        mine = and_(jobs.c.id == job_id, jobs.c.owner == owner, jobs.c.parent_id.is_(None))
        with self._database.write() as tx:
            # Locked, so that no request is answered by this job, and its key tied to it, while it goes away.
            status = tx.execute(select(jobs.c.status).where(mine).with_for_update()).scalar()
            if status in TERMINAL:
                forget_job(tx, job_id)
        return status

    def remembered(self, owner: str, idempotency: Idempotency) -> Row[Any] | None:
        """The job that a client's key stands for, if the key was seen before."""
        with self._database.read() as tx:
            return self._recall(tx, owner, idempotency)

    def _change(self, statement: Any, *, durable: bool = True) -> Change | None:
        with self._database.write(durable=durable) as tx:
            row = tx.execute(statement.returning(jobs)).first()
            return None if row is None else self._told(tx, row)

    def _told(self, tx: Connection, row: Row[Any]) -> Change:
        """The change, with its events; a child has none of its own, but its parent counts it."""
        if row.parent_id is None:
            return Change(row, tell(tx, self._log, row))
        parent = self._families.count(tx, row)
        return Change(row, parent.events, parent.job) if parent else Change(row)

    def _recall(self, tx: Connection, owner: str, idempotency: Idempotency) -> Row[Any] | None:
        keys = idempotency_keys.c
        # One statement: between two, the job and its key could be deleted.
        query = select(jobs, keys.fingerprint).join_from(jobs, idempotency_keys, jobs.c.id == keys.job_id)
        known = tx.execute(query.where(keys.owner == owner, keys.key == idempotency.key)).first()
        if known is None:
            return None
        if known.fingerprint != idempotency.fingerprint:
            raise Conflict(
                "This Idempotency-Key was used with another request. Use a new key, or repeat that request.",
                code="idempotency_conflict",
                given=idempotency.key,
            )
        return known

    def _remember(self, tx: Connection, owner: str, idempotency: Idempotency, job_id: str) -> bool:
        row = self._database.insert(idempotency_keys).values(
            owner=owner,
            key=idempotency.key,
            fingerprint=idempotency.fingerprint,
            job_id=job_id,
            created_at=self._database.now(),
        )
        return tx.execute(row.on_conflict_do_nothing().returning(idempotency_keys.c.key)).first() is not None

    def _succeeded_twin(self, tx: Connection, job: NewJob) -> Row[Any] | None:
        query = select(jobs).where(
            jobs.c.owner == job.owner,
            jobs.c.request_hash == job.request_hash,
            jobs.c.kind == job.kind,
            jobs.c.status == "succeeded",
        )
        newest = query.order_by(jobs.c.finished_at.desc()).limit(1)
        return tx.execute(newest.with_for_update(read=True, key_share=True)).first()

    def _refuse_when_full(self, tx: Connection, owner: str, max_queued: int, *, taken: int = 0) -> None:
        """Raise Overloaded where no place is left; `taken` ones of those that wait have just been inserted."""
        mine = and_(jobs.c.owner == owner, jobs.c.parent_id.is_(None), is_queued())
        waiting = select(jobs.c.owner).where(mine).limit(max_queued + taken)
        before = tx.execute(select(func.count()).select_from(waiting.subquery())).scalar_one() - taken
        if before + max(taken, 1) > max_queued:
            room = f"; of these {taken} at most {max(max_queued - before, 0)} fit" if taken else ""
            text = f"You have {before} jobs in the queue already{room}; let some finish."
            raise Overloaded(text, retry_after=30, given={"queued": before}, allowed={"queued": max_queued})


def _json_unless(condition: ColumnElement[bool], value: Mapping[str, Any]) -> ColumnElement[Any]:
    return case((condition, null()), else_=literal(dict(value), JSON))
