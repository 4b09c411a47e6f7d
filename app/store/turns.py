"""Whose turn it is. Owners whose jobs wait take turns, so that ten thousand jobs of one do not keep another's waiting.

The owner with the fewest running jobs is next; of several the one whose last start is the longest ago. Of an owner's
jobs the oldest is next. Before all of them comes a job whose chunks are done: what is left of it is short.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.sql.selectable import CTE

from app.store.families import gathers, has_not_begun, is_queued
from app.tables import jobs

# A place is told exactly up to here: who stands farther back does not mind where, and counting takes time.
FARTHEST = 10_000

_HERE = jobs.c.queue == bindparam("queue")
_MINE = and_(is_queued(), _HERE, jobs.c.owner == bindparam("owner"))


def each(column: ColumnElement[str], *where: ColumnElement[bool]) -> CTE:
    """Each value of a column, as `value`, and NULL at the end.

    From one to the next by a look into the index, however many rows have it.
    """
    first = select(func.min(column).label("value")).where(*where)
    found = first.cte("found", recursive=True)
    return found.union_all(select(_after(found, first, column)).where(found.c.value.is_not(None)))


def _after(found: CTE, first: Select[Any], column: ColumnElement[str]) -> ColumnElement[str]:
    return first.where(column > found.c.value).correlate(found).scalar_subquery()


def _owners() -> Select[Any]:
    """Each owner of what waits in a queue, and when a job of theirs began last."""
    owner = each(jobs.c.owner, is_queued(), _HERE).c.value
    start = select(func.max(jobs.c.started_at)).where(jobs.c.owner == owner).scalar_subquery()
    return select(owner, start).where(owner.is_not(None))


def _backlogs() -> Select[Any]:
    """The owners one after another, and how many jobs those before each have; of every owner `most` are counted, less
    one, and no further owner once there are `farthest`.
    """
    first = select(func.min(jobs.c.owner).label("value")).where(is_queued(), _HERE)
    found = first.add_columns(literal(0, BigInteger).label("before")).cte("found", recursive=True)
    theirs = select(jobs.c.id).where(is_queued(), _HERE, jobs.c.owner == found.c.value).correlate(found)
    more = found.c.before + _count(theirs).scalar_subquery() - 1
    step = select(_after(found, first, jobs.c.owner), more)
    backlogs = found.union_all(step.where(found.c.value.is_not(None), found.c.before < bindparam("farthest")))
    return select(backlogs).order_by(backlogs.c.before, backlogs.c.value.is_(None), backlogs.c.value)


def _count(which: Select[Any]) -> Select[Any]:
    """How many there are, counted no farther than `most`."""
    return select(func.count()).select_from(which.limit(bindparam("most")).subquery())


def _first(query: Select[Any]) -> Select[Any]:
    """Locked for this transaction. What another worker is taking is skipped: no two take the same, and none waits."""
    return query.limit(1).with_for_update(of=jobs, skip_locked=True)


# Statements are made once: to make one takes longer than to run it.
_OWNERS = _owners()
_GATHERS = _first(select(jobs.c.id).where(gathers(), _HERE).order_by(jobs.c.rung_at))
_WAITING = select(jobs.c.id).where(_MINE, has_not_begun()).order_by(jobs.c.created_at, jobs.c.id)
_OLDEST = _first(_WAITING)
_OLDEST_BUT = _first(_WAITING.where(jobs.c.id.not_in(bindparam("passed", expanding=True))))
_HELD = and_(jobs.c.status == "running", jobs.c.lease_until.is_not(None))
_RUNNING = select(jobs.c.owner, func.count()).where(_HELD).group_by(jobs.c.owner)
_RUNG = select(jobs.c.queue).where(jobs.c.id == bindparam("bell")).scalar_subquery()
_RUNG_FOR = select(_RUNG).where(
    or_(
        exists().where(is_queued(), jobs.c.queue == _RUNG).correlate(None),
        exists().where(gathers(), jobs.c.queue == _RUNG).correlate(None),
    )
)
_BEFORE = tuple_(jobs.c.created_at, jobs.c.id) < tuple_(bindparam("created_at"), bindparam("id"))
_OLDER = _count(select(jobs.c.id).where(_MINE, _BEFORE))
_BACKLOGS = _backlogs()


def rung_for(tx: Connection, bell: str) -> str | None:
    """The queue of the job that was rung for, if something may wait there."""
    return tx.execute(_RUNG_FOR, {"bell": bell}).scalar()


def next_job(tx: Connection, queue: str, passed: Collection[str] = ()) -> str | None:
    """The job of a queue whose turn it is, locked for this transaction; None where none waits.

    Those that are `passed` are left to others.
    """
    here: dict[str, Any] = {"queue": queue}
    if (found := tx.execute(_GATHERS, here).scalar()) is not None:
        return str(found)
    oldest, besides = (_OLDEST_BUT, {"passed": list(passed)}) if passed else (_OLDEST, {})
    for owner in _in_turn(tx, queue):
        if (found := tx.execute(oldest, here | besides | {"owner": owner}).scalar()) is not None:
            return str(found)
    return None


def place(tx: Connection, row: Row[Any]) -> int:
    """About so many jobs of its queue begin until this one has, itself included; `FARTHEST`: so many or more.

    It counts as if no owner had more of them running than another: of its owner's those that are older, of every other
    owner's as many, and one more where it is their turn first, as long as they have some.
    """
    here = {"queue": row.queue}
    mine = {"owner": row.owner, "created_at": row.created_at, "id": row.id, "most": FARTHEST}
    older: int = tx.execute(_OLDER, here | mine).scalar_one()
    if older + 1 >= FARTHEST:
        return FARTHEST
    turns = _in_turn(tx, row.queue)
    backlogs = tx.execute(_BACKLOGS, here | {"most": older + 1, "farthest": FARTHEST}).all()
    counts: dict[str, int] = {owner: after - before + 1 for (owner, before), (_, after) in pairwise(backlogs)}
    first = turns.index(row.owner) if row.owner in turns else len(turns)
    others = [(owner, older + (turn < first)) for turn, owner in enumerate(turns) if turn != first]
    return min(older + 1 + sum(min(counts.get(owner, 0), most) for owner, most in others), FARTHEST)


def _in_turn(tx: Connection, queue: str) -> list[str]:
    """The owners of what waits in a queue, whose turn it is first."""
    waiting = {owner: start or 0.0 for owner, start in tx.execute(_OWNERS, {"queue": queue})}
    if len(waiting) < 2:
        return list(waiting)
    running: dict[str, int] = dict(map(tuple, tx.execute(_RUNNING)))
    return sorted(waiting, key=lambda owner: (running.get(owner, 0), waiting[owner], owner))
