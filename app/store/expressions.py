"""Strategies that were posted as data. A version is never changed and never removed: a job may name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, func, select, update

from app.errors import Conflict
from app.store.database import Database
from app.tables import expressions

# Strategies of one owner that are listed at a time.
MOST = 200
# Two versions are never of the same time, so that one of them is the newest.
_APART = 1e-3


class Expressions:
    """Documents of expression strategies, by id and version."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, strategy_id: str, version: str, *, owner: str, spec: Mapping[str, Any]) -> bool:
        """Make this version the newest of its id. False when it already was.

        Raises:
            Conflict: `strategy_taken` when the id is somebody else's, `too_many_strategies` beyond `MOST` of an owner.
        """
        same = expressions.c.strategy_id == strategy_id
        newest = select(expressions).where(same).order_by(expressions.c.created_at.desc()).limit(1)
        with self._database.write_alone(expressions) as tx:
            last = tx.execute(newest).first()
            if last is not None and last.owner != owner:
                text = f"There is a strategy '{strategy_id}' of somebody else; give yours another name."
                raise Conflict(text, code="strategy_taken", pointer="/name", given=strategy_id)
            listed = last is not None and last.withdrawn_at is None
            if last is not None and listed and last.version == version:
                return False
            if not listed and self._listed_of(tx, owner) >= MOST:
                text = f"You have {MOST} expression strategies; withdraw one first."
                raise Conflict(text, code="too_many_strategies", allowed={"maximum": MOST})
            now = tx.execute(select(self._database.now())).scalar_one()
            at = now if last is None else max(now, last.created_at + _APART)
            row = {"strategy_id": strategy_id, "version": version, "owner": owner, "spec": dict(spec)}
            statement = self._database.insert(expressions).values(**row, created_at=at, withdrawn_at=None)
            keys = ["strategy_id", "version"]
            tx.execute(
                statement.on_conflict_do_update(index_elements=keys, set_={"created_at": at, "withdrawn_at": None})
            )
        return True

    def newest(self, strategy_id: str) -> Row[Any] | None:
        """The version that runs now; None for an id that is unknown or withdrawn."""
        return next(iter(self._newest(expressions.c.strategy_id == strategy_id)), None)

    def version(self, strategy_id: str, version: str) -> Row[Any] | None:
        """A version that was posted at some time, withdrawn or not."""
        query = select(expressions).where(expressions.c.strategy_id == strategy_id, expressions.c.version == version)
        with self._database.read() as tx:
            row: Row[Any] | None = tx.execute(query).first()
            return row

    def all(self) -> Sequence[Row[Any]]:
        """The newest version of everything that is not withdrawn, by id."""
        return self._newest()

    def withdraw(self, strategy_id: str, owner: str) -> bool:
        """Take an owner's strategy off the shelf, every version of it. False when there was none."""
        listed = expressions.c.withdrawn_at.is_(None)
        mine = (expressions.c.strategy_id == strategy_id) & (expressions.c.owner == owner)
        statement = update(expressions).where(mine, listed).values(withdrawn_at=self._database.now())
        with self._database.write() as tx:
            return tx.execute(statement.returning(expressions.c.version)).first() is not None

    def _newest(self, *conditions: Any) -> Sequence[Row[Any]]:
        last = (
            select(expressions.c.strategy_id, func.max(expressions.c.created_at).label("created_at"))
            .where(expressions.c.withdrawn_at.is_(None), *conditions)
            .group_by(expressions.c.strategy_id)
            .subquery()
        )
        same = (expressions.c.strategy_id == last.c.strategy_id) & (expressions.c.created_at == last.c.created_at)
        query = select(expressions).join(last, same).order_by(expressions.c.strategy_id)
        with self._database.read() as tx:
            return tx.execute(query).all()

    def _listed_of(self, tx: Any, owner: str) -> int:
        ids = func.count(expressions.c.strategy_id.distinct())
        query = select(ids).where(expressions.c.owner == owner, expressions.c.withdrawn_at.is_(None))
        return int(tx.execute(query).scalar_one())
