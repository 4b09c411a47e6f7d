"""How many trials were made: a search that was not the first finds more by luck, whatever became of the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from app.store.database import Database
from app.tables import trials
from engine.overfit.tally import Tally


class Tried:
    """Searches of a strategy on a dataset; each request counts once, and for good: deleting its job takes none back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def before(self, owner: str, request: Mapping[str, Any], request_hash: str) -> Tally:
        """The trials that other requests of this owner have made with the same strategy on the same dataset."""
        mine = trials.c
        query = select(mine.count, mine.known, mine.mean, mine.squares).where(
            mine.owner == owner,
            mine.strategy_id == request["strategy_id"],
            mine.dataset_id == request["dataset_id"],
            mine.request_hash != request_hash,
        )
        with self._database.read() as tx:  # in one order, so that sums have the same bits each time
            return Tally.together(*(Tally(*row) for row in tx.execute(query.order_by(mine.request_hash))))


def save(tx: Connection, database: Database, job: Row[Any], made: Tally) -> None:
    """Count the trials of a job, as part of the transaction that ends it."""
    row = database.insert(trials).values(
        owner=job.owner,
        strategy_id=job.strategy_id,
        dataset_id=job.dataset_id,
        request_hash=job.request_hash,
        count=made.trials,
        known=made.known,
        mean=made.mean,
        squares=made.squares,
        made_at=database.now(),
    )
    tx.execute(row.on_conflict_do_nothing())
