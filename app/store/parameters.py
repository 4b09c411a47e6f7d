"""Parameters that strategies were given: every set that ever stood, with who set it and when. The newest stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from app.errors import Conflict
from app.store.database import Database
from app.tables import strategy_params


class Parameters:
    """Sets of parameters by strategy. Versions count from 1; version 0 means that nobody has set any."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self, strategy_id: str) -> Row[Any] | None:
        """The set that stands; None where the defaults do."""
        with self._database.read() as tx:
            return _newest(tx, strategy_id)

    def overrides(self, strategy_id: str) -> Mapping[str, Any]:
        """What a run of the strategy takes in place of defaults."""
        row = self.current(strategy_id)
        return {} if row is None else row.params

    def everyone(self) -> dict[str, Row[Any]]:
        """The set that stands for each strategy that has one."""
        key = (strategy_params.c.strategy_id, strategy_params.c.version)
        newest = select(key[0], func.max(key[1])).group_by(key[0]).subquery()
        query = select(strategy_params).join(newest, (key[0] == newest.c[0]) & (key[1] == newest.c[1]))
        with self._database.read() as tx:
            return {row.strategy_id: row for row in tx.execute(query)}

    def history(self, strategy_id: str, *, limit: int) -> Sequence[Row[Any]]:
        """The sets of a strategy, newest first."""
        query = select(strategy_params).where(strategy_params.c.strategy_id == strategy_id)
        with self._database.read() as tx:
            return tx.execute(query.order_by(strategy_params.c.version.desc()).limit(limit)).all()

    def put(self, strategy_id: str, params: Mapping[str, Any], *, by: str, expected: int | None = None) -> Row[Any]:
        """Let these stand. The same set again changes nothing, and makes no version.

        Raises Conflict (`params_changed`) when another version stands than the expected one.
        """
        with self._database.write() as tx:
            standing = _newest(tx, strategy_id)
            version = 0 if standing is None else standing.version
            if expected is not None and version != expected:
                raise _conflict(strategy_id, expected, version)
            if standing is not None and standing.params == params:
                return standing
            values = {"strategy_id": strategy_id, "version": version + 1, "params": dict(params), "changed_by": by}
            insert = self._database.insert(strategy_params).values(**values, changed_at=self._database.now())
            row: Row[Any] | None = tx.execute(insert.on_conflict_do_nothing().returning(strategy_params)).first()
        if row is None:  # somebody else's set came between the look and the insert
            raise _conflict(strategy_id, version, version + 1)
        return row


def _newest(tx: Connection, strategy_id: str) -> Row[Any] | None:
    query = select(strategy_params).where(strategy_params.c.strategy_id == strategy_id)
    row: Row[Any] | None = tx.execute(query.order_by(strategy_params.c.version.desc()).limit(1)).first()
    return row


def _conflict(strategy_id: str, expected: int, found: int) -> Conflict:
    return Conflict(
        f"The parameters of {strategy_id} are at version {found} by now. Read them again before you set new ones.",
        code="params_changed",
        given=expected,
        allowed=[found],
    )
