"""What is kept for so long and no longer. Nothing of it is deleted unless a setting says so, and never much at once.

Kept for ever are what strategies said, the ledger and marks of the paper book, and how many trials were made: proofs
and statistics stand on them.
"""

from __future__ import annotations

from sqlalchemy import Connection, and_, delete, exists, or_, select

from app.events import job_channel
from app.store.database import Database
from app.store.families import forget_children
from app.store.news import TERMINAL
from app.tables import channels, events, idempotency_keys, jobs, reports

AT_ONCE = 200
# A job may have thousands of rows.
JOBS_AT_ONCE = 20
_JOBS = job_channel("")
# Of such jobs the newest one says what was done last, and the newest that succeeded what was last done well.
_REMEMBERED = ("signals", "book")


class Retention:
    """Deletes in small transactions, oldest first. Each gives how many it deleted: 0, and there is no more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def jobs(self, seconds: float) -> int:
        """Jobs that ended longer ago than that, with all that they left."""
        newer = jobs.alias("newer")
        same = and_(newer.c.kind == jobs.c.kind, newer.c.strategy_id.is_not_distinct_from(jobs.c.strategy_id))
        later = and_(same, newer.c.created_at > jobs.c.created_at)
        good = exists().where(later, newer.c.status == "succeeded")
        follows = and_(exists().where(later), or_(jobs.c.status != "succeeded", good))
        over = and_(
            jobs.c.parent_id.is_(None),
            jobs.c.status.in_(TERMINAL),
            jobs.c.finished_at < self._database.now() - seconds,
            or_(jobs.c.kind.not_in(_REMEMBERED), follows),
        )
        oldest = select(jobs.c.id).where(over).order_by(jobs.c.finished_at).limit(JOBS_AT_ONCE)
        with self._database.write(durable=False) as tx:
            ids = list(tx.execute(oldest.with_for_update(of=jobs, skip_locked=True)).scalars())
            for job_id in ids:
                forget_job(tx, job_id)
        return len(ids)

    def events(self, seconds: float) -> int:
        """Events that are older than that, of all channels but those of single jobs, which go with their job.

        Numbers go on as if they were there: whoever asks for one of them is told to read anew.
        """
        shared = or_(channels.c.name < _JOBS, channels.c.name >= _after(_JOBS))
        before = self._database.now() - seconds
        deleted = 0
        with self._database.write(durable=False) as tx:
            for name in tx.execute(select(channels.c.name).where(shared)).scalars().all():
                some = select(events.c.seq, events.c.at).where(events.c.channel == name).order_by(events.c.seq)
                first = some.limit(AT_ONCE - deleted).subquery()
                old = list(tx.execute(select(first.c.seq).where(first.c.at < before)).scalars())
                if old:
                    tx.execute(delete(events).where(events.c.channel == name, events.c.seq <= max(old)))
                    deleted += len(old)
                if deleted >= AT_ONCE:
                    break
        return deleted

    def reports(self, seconds: float) -> int:
        """Reports of days that ended longer ago than that."""
        old = select(reports.c.date, reports.c.owner).where(reports.c.end_at < self._database.now() - seconds)
        with self._database.write(durable=False) as tx:
            rows = tx.execute(old.order_by(reports.c.date).limit(AT_ONCE)).all()
            for date, owner in rows:
                tx.execute(delete(reports).where(reports.c.date == date, reports.c.owner == owner))
        return len(rows)


def forget_job(tx: Connection, job_id: str) -> None:
    """Remove a job with all that it left: result and large parts, chunks, events, the key that stands for it."""
    tx.execute(delete(idempotency_keys).where(idempotency_keys.c.job_id == job_id))
    tx.execute(delete(events).where(events.c.channel == job_channel(job_id)))
    tx.execute(delete(channels).where(channels.c.name == job_channel(job_id)))
    forget_children(tx, job_id)
    tx.execute(delete(jobs).where(jobs.c.id == job_id))  # results and artifacts go with it


def _after(prefix: str) -> str:
    """The first text that does not begin with it."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
