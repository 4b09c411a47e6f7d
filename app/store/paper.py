"""The paper book: its configurations, its ledger, its marks, and where it stands.

Fills and marks are added and never changed. `save` adds those of one step in the transaction that finishes its job,
where the book still stands at the mark that the step follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from app.errors import Conflict
from app.events import PORTFOLIO, Event, iso
from app.store.database import Database
from app.store.events import EventLog
from app.tables import book_fills, book_marks, book_risk, book_state, book_versions, jobs

DAY_SECONDS = 86_400.0
_ONLY = 1
# What a curve is made of: neither positions nor targets.
_NAMES = ("n", "bar_at", "equity", "cash", "gross", "net", "pnl", "drawdown", "quality", "sleeves")
_FIGURES = tuple(book_marks.c[name] for name in _NAMES)


@dataclass(frozen=True)
class Step:
    """What a step of the book leaves: it follows the mark `after`, of which 0 is none.

    `marks` are rows without `n`, none where the step only takes note of data that join; each of `fills` says in `mark`
    of which of them it is, counted from 1. `seen` is the last bar that was taken of each dataset, `risk` what the
    positions after the last mark may lose.
    """

    after: int
    capital: float
    state: Mapping[str, Any]
    seen: Mapping[str, float]
    marks: Sequence[Mapping[str, Any]]
    fills: Sequence[Mapping[str, Any]]
    events: Sequence[tuple[str, Mapping[str, Any]]]
    risk: Mapping[str, Any] = field(default_factory=dict)


class PaperBook:
    """Reads of the book, and its configurations."""

    def __init__(self, database: Database, log: EventLog) -> None:
        self._database = database
        self._log = log

    def version(self, version: int | None = None) -> Row[Any] | None:
        """A configuration, or the newest one; None where nobody has given one."""
        return self._first(_newest() if version is None else _newest().where(book_versions.c.version == version))

    def put(self, values: Mapping[str, Any], *, by: str) -> Row[Any]:
        """Give the book another configuration. The same one again changes nothing, and makes no version.

        Raises Conflict: `book_is_open` for another capital or start than those with which it was opened.
        """
        with self._database.write_alone(book_versions) as tx:
            standing: Row[Any] | None = tx.execute(_newest()).first()
            if standing is not None and all(getattr(standing, name) == value for name, value in values.items()):
                return standing
            began = None if standing is None else standing.start_date
            opened = tx.execute(select(book_state.c.capital)).scalar()
            for name, stands in () if opened is None else (("capital", opened), ("start_date", began)):
                if values[name] != stands:
                    text = f"The book is open: its {name} is {stands} and stays so."
                    raise Conflict(text, code="book_is_open", given=values[name], allowed=stands)
            version = 1 if standing is None else standing.version + 1
            row = book_versions.insert().values(
                version=version, **values, changed_by=by, changed_at=self._database.now()
            )
            found: Row[Any] = tx.execute(row.returning(book_versions)).one()
            return found

    def present(self) -> tuple[Row[Any], Row[Any]] | None:
        """The last mark and the state that belongs to it; None while there is no book."""
        with self._database.read() as tx:
            state = tx.execute(select(book_state)).first()
            mark = state and tx.execute(select(book_marks).where(book_marks.c.n == state.number)).first()
            return None if state is None or mark is None else (mark, state)

    def state(self) -> Row[Any] | None:
        """Where the book stands; None before its first step."""
        return self._first(select(book_state))

    def run(self, owner: str) -> Row[Any] | None:
        """The newest job that steps the book."""
        mine = select(jobs).where(jobs.c.owner == owner, jobs.c.kind == "book")
        return self._first(mine.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(1))

    def close(self) -> Event | None:
        """Remove the ledger and all that follows from it. How the book is made up stays: the next step opens it anew.

        Returns the event that tells so; None where there is no book.
        """
        with self._database.write() as tx:
            if tx.execute(delete(book_state).returning(book_state.c.id)).first() is None:
                return None
            figures = (book_marks.c.bar_at, book_marks.c.equity)
            last = tx.execute(select(*figures).order_by(book_marks.c.n.desc()).limit(1)).one()
            for table in (book_fills, book_marks, book_risk):
                tx.execute(delete(table))
            return self._log.append(tx, PORTFOLIO, "book_closed", {"bar_at": iso(last.bar_at), "equity": last.equity})

    def newest(self, *, by: float | None = None) -> Row[Any] | None:
        """The last mark, or the last one that had been made by a time."""
        query = select(book_marks).order_by(book_marks.c.n.desc()).limit(1)
        return self._first(query if by is None else query.where(book_marks.c.computed_at <= by))

    def taken(self, start: float, end: float) -> Sequence[Row[Any]]:
        """The figures of the marks that were made after one time and up to another, without those of the opening."""
        opening = select(book_marks.c.computed_at).where(book_marks.c.n == 1).scalar_subquery()
        made = book_marks.c.computed_at
        return self._all(select(*_FIGURES).where(made > start, made <= end, made > opening).order_by(book_marks.c.n))

    def marks(self, *, after: int, limit: int) -> Sequence[Row[Any]]:
        """Some marks, oldest first."""
        return self._all(select(book_marks).where(book_marks.c.n > after).order_by(book_marks.c.n).limit(limit))

    def curve(self, days: int | None = None) -> Sequence[Row[Any]]:
        """The figures of the marks since the first bar of so many days up to the newest bar, or of all, in their order.

        Bars that came late are among them, whatever their own time: what they brought was brought in these days.
        """
        query = select(*_FIGURES).order_by(book_marks.c.n)
        if days is not None:
            newest = select(func.max(book_marks.c.bar_at)).scalar_subquery()
            first = select(func.min(book_marks.c.n)).where(book_marks.c.bar_at > newest - days * DAY_SECONDS)
            query = query.where(book_marks.c.n >= first.scalar_subquery())
        return self._all(query)

    def trades(self, *, before: int | None, limit: int) -> Sequence[Row[Any]]:
        """Fills, newest first; of those before a number, which no new ones move."""
        query = select(book_fills).order_by(book_fills.c.n.desc()).limit(limit)
        return self._all(query if before is None else query.where(book_fills.c.n < before))

    def ledger(self, first: int, last: int) -> Sequence[Row[Any]]:
        """The fills of some marks, in their order."""
        mine = select(book_fills).where(book_fills.c.mark.between(first, last))
        return self._all(mine.order_by(book_fills.c.n))

    def _first(self, query: Any) -> Row[Any] | None:
        with self._database.read() as tx:
            row: Row[Any] | None = tx.execute(query).first()
            return row

    def _all(self, query: Any) -> Sequence[Row[Any]]:
        with self._database.read() as tx:
            rows: Sequence[Row[Any]] = tx.execute(query).all()
            return rows


def _newest() -> Any:
    return select(book_versions).order_by(book_versions.c.version.desc()).limit(1)


def save(tx: Connection, database: Database, log: EventLog, step: Step) -> list[Event]:
    """Add a step. Raises Conflict (`book_moved`) where the book stands elsewhere by now."""
    first = _moved(tx, database, step)
    if first is None:
        raise Conflict("The book has gone on since this step was asked for.", code="book_moved", given=step.after)
    now = tx.execute(select(database.now())).scalar_one()
    marks = [{"n": step.after + at, "computed_at": now, **mark} for at, mark in enumerate(step.marks, 1)]
    if marks:
        tx.execute(book_marks.insert(), marks)
    fills = [{**fill, "n": first + at, "mark": step.after + fill["mark"]} for at, fill in enumerate(step.fills)]
    if fills:
        tx.execute(book_fills.insert(), fills)
    if step.risk:
        tx.execute(book_risk.insert().values(mark=step.after + len(marks), risk=dict(step.risk)))
    return log.append_all(tx, PORTFOLIO, step.events)


def _moved(tx: Connection, database: Database, step: Step) -> int | None:
    """Move the state on from where the step began; the number of its first fill, None where it is elsewhere."""
    moved = {"number": step.after + len(step.marks), "seen": dict(step.seen), "state": dict(step.state)}
    if step.after == 0:
        opening = {"id": _ONLY, "fills": len(step.fills), "capital": step.capital, "opened_at": database.now()}
        row = database.insert(book_state).values(
            **opening, **moved, live_since=max(mark["bar_at"] for mark in step.marks)
        )
        opened = tx.execute(row.on_conflict_do_nothing().returning(book_state.c.id)).first()
        return None if opened is None else 1
    here = update(book_state).where(book_state.c.id == _ONLY, book_state.c.number == step.after)
    counted = here.values(**moved, fills=book_state.c.fills + len(step.fills)).returning(book_state.c.fills)
    total = tx.execute(counted).scalar()
    return None if total is None else int(total) - len(step.fills) + 1
