"""Alerts: what asked for an owner's attention, and how far the events have been read that they follow from.

    open ─acknowledge→ acknowledged        open, acknowledged ─resolve→ resolved        resolved never changes

Of a rule and an entity at most one alert is not resolved, and none is raised while the rule cools down. Every change
writes its event, and whatever is raised its deliveries, in the same transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from app.errors import Conflict, Unknown
from app.events import SEVERITIES, Event, alerts_channel, iso
from app.store.database import Database
from app.store.deliveries import enqueue
from app.store.events import EventLog
from app.tables import alerts, channels, cursors, deliveries

STATUSES = ("open", "acknowledged", "resolved")
# What an alert says of its subject, so that a client can choose by it.
SUBJECT = ("strategy_id", "symbol", "dataset_id", "job_id")
LONGEST_COOLDOWN = 30 * 86_400
MOST_NOTE = 500
_MOST_MESSAGE, _MOST_ENTITY = 1000, 300


@dataclass(frozen=True)
class NewAlert:
    """What a rule found."""

    owner: str
    rule_id: str
    kind: str
    severity: str
    entity: str
    message: str
    value: float | None
    threshold: float | None
    cooldown_seconds: float
    data: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str, str]:
        return self.owner, self.rule_id, _storable(self.entity, _MOST_ENTITY)


class Cursor(NamedTuple):
    """A channel of events that was read from one number to another, the last one included."""

    channel: str
    before: int
    head: int

    @property
    def name(self) -> str:
        return f"alerts/{self.channel}"


@dataclass(frozen=True)
class AlertFilter:
    """Which alerts of an owner; None means any."""

    status: str | None = None
    severity: str | None = None
    kind: str | None = None
    rule_id: str | None = None
    strategy_id: str | None = None
    since: float | None = None


class Alerts:
    """Raise, read, acknowledge and resolve."""

    def __init__(self, database: Database, log: EventLog) -> None:
        self._database = database
        self._log = log

    def get(self, alert_id: str, owner: str) -> Row[Any]:
        """Raises Unknown for what is not there or somebody else's."""
        with self._database.read() as tx:
            row: Row[Any] | None = tx.execute(select(alerts).where(_of(alert_id, owner))).first()
        if row is None:
            raise Unknown(f"There is no alert '{alert_id[:64]}'.", code="unknown_alert", given=alert_id[:64])
        return row

    def page(
        self, owner: str, wanted: AlertFilter, *, limit: int, before: tuple[float, str] | None
    ) -> tuple[Sequence[Row[Any]], bool]:
        """Alerts, newest first, that come after the (raised_at, id) of the last one seen; whether there are more."""
        query = select(alerts).where(alerts.c.owner == owner)
        for name, value in vars(wanted).items():
            if value is not None:
                query = query.where(_fits(name, value))
        if before:
            query = query.where(tuple_(alerts.c.raised_at, alerts.c.id) < before)
        query = query.order_by(alerts.c.raised_at.desc(), alerts.c.id.desc()).limit(limit + 1)
        with self._database.read() as tx:
            rows = tx.execute(query).all()
        return rows[:limit], len(rows) > limit

    def during(self, owner: str, start: float, end: float) -> Sequence[Row[Any]]:
        """The owner's alerts that were raised by `end` and not over by `start`, oldest first."""
        mine = and_(alerts.c.owner == owner, alerts.c.raised_at <= end)
        lasting = or_(alerts.c.resolved_at.is_(None), alerts.c.resolved_at > start)
        with self._database.read() as tx:
            return tx.execute(select(alerts).where(mine, lasting).order_by(alerts.c.raised_at, alerts.c.id)).all()

    def unresolved(self, kinds: Iterable[str]) -> Sequence[Row[Any]]:
        """The alerts of these kinds, whoever's, that are not over."""
        with self._database.read() as tx:
            return tx.execute(select(alerts).where(alerts.c.kind.in_(list(kinds)), _unresolved())).all()

    def behind(self, names: Iterable[str]) -> list[Cursor]:
        """The channels among these that have events which were not read yet."""
        seen = func.coalesce(cursors.c.seq, 0)
        query = select(channels.c.name, seen.label("seen"), channels.c.seq).outerjoin(
            cursors, cursors.c.name == literal("alerts/") + channels.c.name
        )
        with self._database.read() as tx:
            rows = tx.execute(query.where(channels.c.name.in_(list(names)), channels.c.seq > seen))
            return [Cursor(row.name, row.seen, row.seq) for row in rows]

    def raise_all(self, found: Sequence[NewAlert], *, read: Cursor | None = None) -> list[Event]:
        """Raise what is neither open nor cooling down; the events.

        With a cursor this is what followed from the events that it names: nothing is raised, and nothing moved, where
        somebody else has read them in between.
        """
        with self._database.read() as tx:
            due = _due(tx, self._database, found)
        if not due:
            if read:
                with self._database.write(durable=False) as tx:
                    self._move(tx, read)
            return []
        with self._database.write_alone(alerts) as tx:
            if read and not self._move(tx, read):
                return []
            return [event for new in _due(tx, self._database, due) if (event := self._insert(tx, new))]

    def acknowledge(
        self, alert_id: str, owner: str, *, by: str, note: str | None = None
    ) -> tuple[Row[Any], list[Event]]:
        """Somebody has seen it, and may note something. Doing so twice changes nothing.

        Raises Unknown, and Conflict when it is resolved or was acknowledged with another note.
        """
        values = {"status": "acknowledged", "acknowledged_at": self._database.now(), "acknowledged_by": by}
        one = and_(_of(alert_id, owner), alerts.c.status == "open")
        rows, events = self._change([one], values | {"note": note}, "alert_acknowledged")
        row = rows[0] if rows else self.get(alert_id, owner)
        if row.status == "resolved":
            raise Conflict(
                "The alert is resolved; there is nothing to acknowledge any more.",
                code="illegal_transition",
                given=row.status,
                allowed=["open"],
            )
        if note is not None and note != row.note:
            raise Conflict(
                f"{row.acknowledged_by} has acknowledged the alert already: this note was not taken.",
                code="illegal_transition",
                pointer="/note",
                given=row.status,
                allowed=["open"],
            )
        return row, events

    def resolve(self, alert_id: str, owner: str) -> tuple[Row[Any], list[Event]]:
        """It is over. Doing so twice changes nothing. Raises Unknown."""
        rows, events = self._change([_of(alert_id, owner)], self._resolved(), "alert_resolved")
        return (rows[0] if rows else self.get(alert_id, owner)), events

    def settle(self, ids: Iterable[str]) -> list[Event]:
        """Resolve the alerts whose condition is over; the events."""
        wanted = [alerts.c.id == alert_id for alert_id in sorted(ids)]  # in one order, as the channels in `_change`
        return self._change(wanted, self._resolved(), "alert_resolved")[1] if wanted else []

    def forget(self, seconds: float, *, limit: int = 1000) -> int:
        """Delete alerts that were raised and resolved longer ago than that, with their deliveries; how many.

        Nothing is deleted that is open or has still to be sent. One that a cooldown may yet count from must be younger.
        """
        before = self._database.now() - seconds
        unsent = exists().where(deliveries.c.alert_id == alerts.c.id, deliveries.c.status == "pending")
        over = and_(alerts.c.status == "resolved", alerts.c.resolved_at < before, alerts.c.raised_at < before, ~unsent)
        oldest = select(alerts.c.id).where(over).order_by(alerts.c.raised_at).limit(limit)
        with self._database.write(durable=False) as tx:
            return len(tx.execute(delete(alerts).where(alerts.c.id.in_(oldest)).returning(alerts.c.id)).all())

    def _resolved(self) -> dict[str, Any]:
        return {"status": "resolved", "resolved_at": self._database.now()}

    def _change(
        self, wanted: Sequence[ColumnElement[bool]], values: Mapping[str, Any], type: str
    ) -> tuple[list[Row[Any]], list[Event]]:
        """Compare and set each of the unresolved alerts; those that were changed, with their events."""
        statement = update(alerts).values(**values).returning(alerts)
        with self._database.write() as tx:
            found = (tx.execute(statement.where(one, _unresolved())).first() for one in wanted)
            # By owner: two transactions that lock the same channels cannot wait for each other.
            rows = sorted((row for row in found if row is not None), key=lambda row: str(row.owner))
            return rows, [self._log.append(tx, alerts_channel(row.owner), type, document(row)) for row in rows]

    def _move(self, tx: Connection, read: Cursor) -> bool:
        """Move the cursor, unless somebody else has."""
        if read.before:
            moved = update(cursors).where(cursors.c.name == read.name, cursors.c.seq == read.before)
            return tx.execute(moved.values(seq=read.head).returning(cursors.c.name)).first() is not None
        begun = self._database.insert(cursors).values(name=read.name, seq=read.head).on_conflict_do_nothing()
        return tx.execute(begun.returning(cursors.c.name)).first() is not None

    def _insert(self, tx: Connection, new: NewAlert) -> Event | None:
        values = {name: value for name, value in vars(new).items() if name != "cooldown_seconds"}
        values |= {"entity": new.key[2], "message": _storable(new.message, _MOST_MESSAGE), "data": dict(new.data)}
        row = self._database.insert(alerts).values(
            **values, id=uuid.uuid4().hex, status="open", raised_at=self._database.now()
        )
        raised = tx.execute(row.on_conflict_do_nothing().returning(alerts)).first()
        if raised is None:
            return None
        told = document(raised)
        enqueue(tx, self._database, raised, told, SEVERITIES[: SEVERITIES.index(new.severity) + 1])
        return self._log.append(tx, alerts_channel(new.owner), new.kind, told)


def document(row: Row[Any]) -> dict[str, Any]:
    """An alert as clients see it, on every way: what it is about stands beside its data."""
    plain = ("rule_id", "kind", "severity", "entity", "message", "value", "threshold", "status")
    times = {name: iso(getattr(row, name)) for name in ("raised_at", "acknowledged_at", "resolved_at")}
    told = {"alert_id": row.id, **{name: getattr(row, name) for name in plain}, **times}
    about = {name: row.data.get(name) for name in SUBJECT}
    return told | {"acknowledged_by": row.acknowledged_by, "note": row.note, "data": row.data} | about


def _due(tx: Connection, database: Database, found: Sequence[NewAlert]) -> list[NewAlert]:
    """What has neither an alert that is not over nor a recent one; of the same rule and entity the first, by owner."""
    if not found:
        return []
    longest = max(new.cooldown_seconds for new in found)
    recent = or_(_unresolved(), alerts.c.raised_at > database.now() - longest)
    names = (alerts.c.owner, alerts.c.rule_id, alerts.c.entity, alerts.c.status)
    age = (database.now() - alerts.c.raised_at).label("age")
    query = select(*names, age).where(recent, alerts.c.kind.in_({new.kind for new in found}))
    since: dict[tuple[str, str, str], float] = {}
    for row in tx.execute(query):
        key = (row.owner, row.rule_id, row.entity)
        since[key] = min(since.get(key, row.age), row.age if row.status == "resolved" else -1.0)
    first: dict[tuple[str, str, str], NewAlert] = {}
    for new in sorted(found, key=lambda new: new.owner):
        age_of_last = since.get(new.key)
        if age_of_last is None or age_of_last >= max(new.cooldown_seconds, 0.0):
            first.setdefault(new.key, new)
    return list(first.values())


def _storable(text: str, most: int) -> str:
    """The text as every database takes it: a job may have failed with any characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")[:most]


def _fits(name: str, value: Any) -> ColumnElement[bool]:
    if name == "since":
        return cast(ColumnElement[bool], alerts.c.raised_at >= value)
    column = alerts.c.data[name].as_string() if name in SUBJECT else alerts.c[name]
    return cast(ColumnElement[bool], column == value)


def _unresolved() -> ColumnElement[bool]:
    return alerts.c.status != literal_column("'resolved'")  # said in the statement: so the partial index serves


def _of(alert_id: str, owner: str) -> ColumnElement[bool]:
    return and_(alerts.c.id == alert_id, alerts.c.owner == owner)
