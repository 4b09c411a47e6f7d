"""How many jobs an owner has had queued today (UTC). Deleting them gives none back."""

from __future__ import annotations

import math

from sqlalchemy import BigInteger, Connection, case, cast, func, select

from app.errors import Overloaded
from app.store.database import Database
from app.tables import quotas

DAY = 86_400


def taken(tx: Connection, database: Database, owner: str) -> tuple[int, int]:
    """The jobs that were counted today, and seconds until the next day. None are where there is no quota."""
    now = database.now()
    counted = select(quotas.c.jobs).where(quotas.c.owner == owner, quotas.c.day == cast(now, BigInteger) // DAY)
    jobs, at = tx.execute(select(func.coalesce(counted.scalar_subquery(), 0), now)).one()
    return jobs, _rest(at)


def take(tx: Connection, database: Database, owner: str, *, made: int, most: int) -> None:
    """Count jobs that were just made, as part of the transaction that makes them; `most` a day, 0: any number.

    Raises Overloaded (`quota_exceeded`), which takes the jobs back.
    """
    if not most:
        return
    now = database.now()
    row = database.insert(quotas).values(owner=owner, day=cast(now, BigInteger) // DAY, jobs=made)
    so_far = case((quotas.c.day == row.excluded.day, quotas.c.jobs), else_=0)
    row = row.on_conflict_do_update(
        index_elements=[quotas.c.owner], set_={"day": row.excluded.day, "jobs": so_far + made}
    )
    taken, at = tx.execute(row.returning(quotas.c.jobs, now)).one()
    if taken > most:
        raise Overloaded(
            f"You have queued {taken - made} jobs today (UTC) and may queue {most} a day; {made} more do not fit.",
            retry_after=_rest(at),
            code="quota_exceeded",
            given={"jobs": taken - made},
            allowed={"jobs": most},
        )


def _rest(at: float) -> int:
    """Seconds of the day that are left."""
    return math.ceil(DAY - at % DAY)
