"""Whose turn it is. Owners whose jobs wait take turns, so that ten thousand jobs of one do not keep another's waiting.

The owner with the fewest running jobs is next; of several the one whose last start is the longest ago. Of an owner's
jobs the oldest is next. Before all of them comes a job whose chunks are done: what is left of it is short.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, exists, func, or_, select

from app.store.families import gathers, has_not_begun, is_queued
from app.tables import jobs

_HERE = jobs.c.queue == bindparam("queue")
_MINE = and_(is_queued(), _HERE, jobs.c.owner == bindparam("owner"))


def _owners() -> Select[Any]:
    """Each owner of what waits in a queue, and when a job of theirs began last.

    From one owner to the next by a look into the index, however many jobs they have.
    """
    first = select(func.min(jobs.c.owner).label("owner")).where(is_queued(), _HERE)
    found = first.cte("owners", recursive=True)
    following = first.where(jobs.c.owner > found.c.owner).correlate(found).scalar_subquery()
    owners = found.union_all(select(following).where(found.c.owner.is_not(None)))
    start = select(func.max(jobs.c.started_at)).where(jobs.c.owner == owners.c.owner).scalar_subquery()
    return select(owners.c.owner, start).where(owners.c.owner.is_not(None))


def _first(query: Select[Any]) -> Select[Any]:
    """Locked for this transaction. What another worker is taking is skipped: no two take the same, and none waits."""
    return query.limit(1).with_for_update(of=jobs, skip_locked=True)


# Statements are made once: to make one takes longer than to run it.
_OWNERS = _owners()
_GATHERS = _first(select(jobs.c.id).where(gathers(), _HERE).order_by(jobs.c.rung_at))
_OLDEST = _first(select(jobs.c.id).where(_MINE, has_not_begun()).order_by(jobs.c.created_at, jobs.c.id))
_HELD = and_(jobs.c.status == "running", jobs.c.lease_until.is_not(None))
_RUNNING = select(jobs.c.owner, func.count()).where(_HELD).group_by(jobs.c.owner)
_RUNG = select(jobs.c.queue).where(jobs.c.id == bindparam("bell")).scalar_subquery()
_RUNG_FOR = select(_RUNG).where(
    or_(
        exists().where(is_queued(), jobs.c.queue == _RUNG).correlate(None),
        exists().where(gathers(), jobs.c.queue == _RUNG).correlate(None),
    )
)
_WAITING = select(jobs.c.owner, func.count()).where(is_queued(), _HERE).group_by(jobs.c.owner)


def rung_for(tx: Connection, bell: str) -> str | None:
    """The queue of the job that was rung for, if something may wait there."""
    return tx.execute(_RUNG_FOR, {"bell": bell}).scalar()


def next_job(tx: Connection, queue: str) -> str | None:
    """The job of a queue whose turn it is, locked for this transaction; None where none waits."""
    here = {"queue": queue}
    if (found := tx.execute(_GATHERS, here).scalar()) is not None:
        return str(found)
    for owner in _in_turn(tx, queue):
        if (found := tx.execute(_OLDEST, here | {"owner": owner}).scalar()) is not None:
            return str(found)
    return None


def place(tx: Connection, row: Row[Any]) -> int:
    """About so many jobs of its queue begin until this one has, itself included.

    It counts as if no owner had more of them running than another: of its owner's those that are older, of every other
    owner's as many, and one more where it is their turn first, as long as they have some.
    """
    here = {"queue": row.queue}
    ahead = or_(jobs.c.created_at < row.created_at, and_(jobs.c.created_at == row.created_at, jobs.c.id < row.id))
    older: int = tx.execute(select(func.count()).where(_MINE, ahead), here | {"owner": row.owner}).scalar_one()
    counts: dict[str, int] = dict(map(tuple, tx.execute(_WAITING, here)))
    turns = _in_turn(tx, row.queue)
    first = turns.index(row.owner) if row.owner in turns else len(turns)
    others = [(owner, older + (turn < first)) for turn, owner in enumerate(turns) if turn != first]
    return older + 1 + sum(min(counts.get(owner, 0), most) for owner, most in others)


def _in_turn(tx: Connection, queue: str) -> list[str]:
    """The owners of what waits in a queue, whose turn it is first."""
    waiting = {owner: start or 0.0 for owner, start in tx.execute(_OWNERS, {"queue": queue})}
    if len(waiting) < 2:
        return list(waiting)
    running: dict[str, int] = dict(map(tuple, tx.execute(_RUNNING)))
    return sorted(waiting, key=lambda owner: (running.get(owner, 0), waiting[owner], owner))
