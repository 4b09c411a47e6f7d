"""What the paper book may lose, as its steps have measured it, and the limits that it should stay within."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select

from app.store.database import Database
from app.tables import book_risk, risk_limits


class Risk:
    """Reads of what was measured, and versions of limits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, mark: int) -> Mapping[str, Any] | None:
        """What was measured after a mark; None where nothing was."""
        with self._database.read() as tx:
            found: Mapping[str, Any] | None = tx.execute(
                select(book_risk.c.risk).where(book_risk.c.mark == mark)
            ).scalar()
            return found

    def limits(self, *, by: float | None = None) -> Row[Any] | None:
        """The limits that were given last, or by a time; None where nobody had given any."""
        query = _newest() if by is None else _newest().where(risk_limits.c.changed_at <= by)
        with self._database.read() as tx:
            row: Row[Any] | None = tx.execute(query).first()
            return row

    def put(self, limits: Mapping[str, float | None], *, by: str) -> Row[Any]:
        """Let these be the limits. The same ones again change nothing, and make no version."""
        with self._database.write_alone(risk_limits) as tx:
            standing: Row[Any] | None = tx.execute(_newest()).first()
            if standing is not None and standing.limits == limits:
                return standing
            version = 1 if standing is None else standing.version + 1
            values = {"limits": dict(limits), "changed_by": by, "changed_at": self._database.now()}
            row: Row[Any] = tx.execute(
                risk_limits.insert().values(version=version, **values).returning(risk_limits)
            ).one()
            return row


def _newest() -> Any:
    return select(risk_limits).order_by(risk_limits.c.version.desc()).limit(1)
