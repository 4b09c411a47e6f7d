"""Who keeps the platform going: processes of every role, as they say themselves every few seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, and_, case, delete, func, or_, select

from app.store.database import Database
from app.store.news import node_of
from app.tables import jobs, nodes

# One that was silent for so long will not be heard of again under its name.
KEPT_SECONDS = 3600.0


@dataclass(frozen=True)
class Node:
    """A worker node, a supervisor, an API or a relay."""

    name: str
    role: str
    host: str
    version: str
    concurrency: int = 0


class Nodes:
    """Writes of the nodes, and what they hold."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, node: Node, moves: int, *, waits: bool = True) -> None:
        """Say that a node is there, and how much it has done so far.

        One that does not wait for others who write raises StoreUnavailable where they do.
        """
        now = self._database.now()
        row = self._database.insert(nodes).values(
            **asdict(node), moves=moves, started_at=now, seen_at=now, moved_at=now
        )
        moved = case((nodes.c.moves == moves, nodes.c.moved_at), else_=now)
        beat = row.on_conflict_do_update(
            index_elements=[nodes.c.name], set_={"moves": moves, "seen_at": now, "moved_at": moved}
        )
        with self._database.write(durable=False) if waits else self._database.write_in_passing() as tx:
            tx.execute(beat)
            tx.execute(delete(nodes).where(nodes.c.seen_at < now - KEPT_SECONDS))

    def leave(self, name: str) -> None:
        """Forget a node that has ended."""
        with self._database.write(durable=False) as tx:
            tx.execute(delete(nodes).where(nodes.c.name == name))

    def forget(self) -> None:
        """Forget all of them: what was brought back from a backup runs nowhere."""
        with self._database.write() as tx:
            tx.execute(delete(nodes))

    def all(self) -> tuple[float, Sequence[Row[Any]]]:
        """The time by the database's clock, and every node that was heard of, in the order of role and name."""
        with self._database.read() as tx:
            now = float(tx.execute(select(self._database.now())).scalar_one())
            return now, tx.execute(select(nodes).order_by(nodes.c.role, nodes.c.name)).all()

    def busy(self) -> dict[str, int]:
        """How many jobs each node holds."""
        held = select(jobs.c.lease_owner).where(jobs.c.status == "running", jobs.c.lease_until.is_not(None))
        found: dict[str, int] = {}
        with self._database.read() as tx:
            for holder in tx.execute(held).scalars():
                name = node_of(holder) or ""
                found[name] = found.get(name, 0) + 1
        return found

    def is_behind(self, name: str, version: str, asked: str, *, silent_seconds: float) -> bool:
        """Whether another worker is there that has the version asked for, or the same as this one and began later.

        This one takes jobs a moment before it is heard of, and counts as the first to have begun until it is.
        """
        itself = nodes.alias()
        began = select(itself.c.started_at).where(itself.c.name == name).scalar_subquery()
        later = and_(nodes.c.version == version, nodes.c.started_at > func.coalesce(began, 0.0))
        there = and_(nodes.c.role == "worker", nodes.c.seen_at > self._database.now() - silent_seconds)
        query = select(nodes.c.name).where(nodes.c.name != name, there, or_(nodes.c.version == asked, later))
        with self._database.read() as tx:
            return tx.execute(query.limit(1)).first() is not None

    def overdue(self, seconds: float) -> int:
        """How many running jobs have a lease that ran out so long ago. A supervisor takes them from their workers."""
        ended = self._database.now() - seconds
        late = select(func.count()).where(jobs.c.status == "running", jobs.c.lease_until < ended)
        with self._database.read() as tx:
            return int(tx.execute(late).scalar_one())
