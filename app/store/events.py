"""The event log: appended inside the transaction that causes the event, read when a relay or client missed some."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from app.events import Event
from app.store.database import Database
from app.tables import channels, events, log_epoch


class EventLog:
    """Events by channel and sequence number."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._epoch: str | None = None

    @property
    def epoch(self) -> str:
        """The name of this log; another one means that sequence numbers start anew."""
        if self._epoch is not None:
            return self._epoch
        with self._database.read() as tx:
            return self._epoch_in(tx)

    def renew(self) -> None:
        """Give the log another name: whoever knew it before reads anew."""
        with self._database.write() as tx:
            tx.execute(update(log_epoch).values(epoch=uuid.uuid4().hex))
        self._epoch = None

    def add(self, channel: str, type: str, data: Mapping[str, Any]) -> Event:
        """Write the channel's next event by itself."""
        with self._database.write(durable=False) as tx:
            return self.append(tx, channel, type, data)

    def append(self, tx: Connection, channel: str, type: str, data: Mapping[str, Any]) -> Event:
        """Write the channel's next event as part of the caller's transaction."""
        return self.append_all(tx, channel, [(type, data)])[0]

    def append_all(self, tx: Connection, channel: str, told: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Event]:
        """Write the channel's next events, each a type with its data, as part of the caller's transaction."""
        if not told:
            return []
        epoch = self._epoch_in(tx)
        counted = self._database.insert(channels).values(name=channel, seq=len(told))
        more = {"seq": channels.c.seq + len(told)}
        counted = counted.on_conflict_do_update(index_elements=[channels.c.name], set_=more)
        first = tx.execute(counted.returning(channels.c.seq)).scalar_one() - len(told) + 1
        rows: list[dict[str, Any]] = [
            {"channel": channel, "seq": seq, "type": type, "data": dict(data)}
            for seq, (type, data) in enumerate(told, first)
        ]
        row = events.insert().values(**rows[0], at=self._database.now())
        at = tx.execute(row.returning(events.c.at)).scalar_one()
        if len(rows) > 1:
            tx.execute(events.insert(), [{**row, "at": at} for row in rows[1:]])
        return [Event(channel, epoch, row["seq"], row["type"], at, row["data"]) for row in rows]

    def hold(self, tx: Connection, channel: str) -> None:
        """Let nobody else append to the channel before the caller's transaction ends: what it reads now still holds."""
        row = self._database.insert(channels).values(name=channel, seq=0)
        tx.execute(row.on_conflict_do_update(index_elements=[channels.c.name], set_={"seq": channels.c.seq}))

    def head(self, channel: str) -> int:
        """The newest sequence number of the channel, 0 when nothing ever happened on it."""
        with self._database.read() as tx:
            return tx.execute(select(channels.c.seq).where(channels.c.name == channel)).scalar() or 0

    def heads(self, names: list[str]) -> dict[str, int]:
        """The newest sequence numbers of several channels at once; silent channels are left out."""
        with self._database.read() as tx:
            rows = tx.execute(select(channels.c.name, channels.c.seq).where(channels.c.name.in_(names)))
            return {row.name: row.seq for row in rows}

    def since(self, channel: str, seq: int, *, limit: int = 1000) -> list[Event]:
        """The events of the channel after `seq`, oldest first."""
        query = (
            select(events).where(events.c.channel == channel, events.c.seq > seq).order_by(events.c.seq).limit(limit)
        )
        with self._database.read() as tx:
            epoch = self._epoch_in(tx)
            return [Event(channel, epoch, row.seq, row.type, row.at, row.data) for row in tx.execute(query)]

    def during(self, channel: str, start: float, end: float) -> list[Event]:
        """The events of the channel after one time and up to another, oldest first."""
        query = select(events).where(events.c.channel == channel, events.c.at > start, events.c.at <= end)
        with self._database.read() as tx:
            epoch = self._epoch_in(tx)
            rows = tx.execute(query.order_by(events.c.seq))
            return [Event(channel, epoch, row.seq, row.type, row.at, row.data) for row in rows]

    def _epoch_in(self, tx: Connection) -> str:
        if self._epoch is None:
            self._epoch = str(tx.execute(select(log_epoch.c.epoch)).scalar_one())
        return self._epoch
