"""How many trials were made: a search that was not the first finds more by luck, whatever became of the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from app.store.database import Database
from app.tables import jobs, trials
from engine.overfit.tally import NO_TRIALS, Tally

_TALLY = (trials.c.count, trials.c.known, trials.c.mean, trials.c.squares)


class Tried:
    """Searches of a strategy on a dataset; each request counts once, and for good: deleting its job takes none back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def before(self, owner: str, request: Mapping[str, Any], request_hash: str) -> Tally:
        """The trials that other requests of this owner have made with the same strategy on the same dataset."""
        mine = trials.c
        query = select(mine.request_hash, *_TALLY).where(
            mine.owner == owner,
            mine.strategy_id == request["strategy_id"],
            mine.dataset_id == request["dataset_id"],
            mine.request_hash != request_hash,
        )
        # In one order, so that sums have the same bits each time. Jobs of one request have tried the same: the one that
        # came furthest counts.
        with self._database.read() as tx:
            rows = tx.execute(query.order_by(mine.request_hash, mine.count, mine.job_id)).all()
        return Tally.together(*{request: Tally(*tally) for request, *tally in rows}.values())


def save(tx: Connection, database: Database, job: Row[Any], made: Tally) -> None:
    """Count the trials that a job has made from its beginning to its end, as part of the transaction that ends it."""
    row = database.insert(trials).values(**_key(job), **_values(made), made_at=database.now())
    tx.execute(row.on_conflict_do_update(index_elements=list(trials.primary_key), set_=_values(made)))


def add(tx: Connection, database: Database, job_id: str, made: Tally) -> None:
    """Count trials of a job that goes on, as part of the transaction that keeps them: it may never end well."""
    job = tx.execute(select(jobs).where(jobs.c.id == job_id).with_for_update()).first()
    if job is None:  # it was deleted in between
        return
    known = select(*_TALLY).where(*(trials.c[name] == value for name, value in _key(job).items()))
    before = tx.execute(known).first()
    save(tx, database, job, Tally.together(Tally(*before) if before else NO_TRIALS, made))


def _key(job: Row[Any]) -> dict[str, Any]:
    names = ("owner", "strategy_id", "dataset_id", "request_hash")
    return {name: getattr(job, name) for name in names} | {"job_id": job.id}


def _values(made: Tally) -> dict[str, Any]:
    return {"count": made.trials, "known": made.known, "mean": made.mean, "squares": made.squares}
