"""Daily reports: one of a date, written whole and never changed.

The row without an owner holds what everybody may read; each owner has a row with what concerns them alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select

from app.store.database import Database
from app.tables import reports

_EVERYBODY = ""


@dataclass(frozen=True)
class Kept:
    """A report as an owner may read it; `own` is None for one who had no key when it was made."""

    date: str
    start_at: float
    end_at: float
    made_at: float
    shared: Sequence[Mapping[str, Any]]
    own: Sequence[Mapping[str, Any]] | None


class Reports:
    """Reports by date."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def made(self, day: str) -> bool:
        with self._database.read() as tx:
            return tx.execute(_shared(reports.c.date).where(reports.c.date == day)).first() is not None

    def put(
        self,
        day: str,
        period: tuple[float, float],
        shared: Sequence[Mapping[str, Any]],
        own: Mapping[str, Sequence[Mapping[str, Any]]],
    ) -> bool:
        """Keep the report of a date, with the sections of each owner. False: there was one, and it stays."""
        about = {"date": day, "start_at": period[0], "end_at": period[1], "made_at": self._database.now()}
        first = self._database.insert(reports).values(**about, owner=_EVERYBODY, sections=list(shared))
        rows = [{"owner": owner, "sections": list(sections)} for owner, sections in own.items() if owner]
        with self._database.write() as tx:
            made = tx.execute(first.on_conflict_do_nothing().returning(reports.c.made_at)).scalar()
            if made is None:
                return False
            if rows:
                tx.execute(reports.insert(), [about | {"made_at": made} | row for row in rows])
            return True

    def read(self, owner: str, day: str | None = None) -> Kept | None:
        """The report of a date, or the newest one."""
        wanted = _shared(reports).order_by(reports.c.date.desc()).limit(1)
        if day is not None:
            wanted = wanted.where(reports.c.date == day)
        with self._database.read() as tx:
            row = tx.execute(wanted).first()
            if row is None:
                return None
            mine = select(reports.c.sections).where(reports.c.date == row.date, reports.c.owner == owner)
            own = tx.execute(mine).scalar() if owner else None
        return Kept(row.date, row.start_at, row.end_at, row.made_at, row.sections, own)

    def page(self, *, limit: int, before: str | None) -> Sequence[Row[Any]]:
        """When reports were made of which dates, newest first; of those before a date."""
        query = _shared(reports.c.date, reports.c.start_at, reports.c.end_at, reports.c.made_at)
        query = query.order_by(reports.c.date.desc()).limit(limit)
        with self._database.read() as tx:
            return tx.execute(query if before is None else query.where(reports.c.date < before)).all()

    def nearest(self, day: str) -> list[str]:
        """The dates on either side of one of which there are reports, the earlier one first."""
        earlier = _shared(func.max(reports.c.date)).where(reports.c.date < day)
        later = _shared(func.min(reports.c.date)).where(reports.c.date > day)
        with self._database.read() as tx:
            found = [tx.execute(query).scalar() for query in (earlier, later)]
        return [day for day in found if day is not None]


def _shared(*columns: Any) -> Any:
    return select(*columns).where(reports.c.owner == _EVERYBODY)
