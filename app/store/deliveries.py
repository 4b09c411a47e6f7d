"""Where alerts are sent to, and what is to be sent: an outbox that is written with the alert.

    pending ─take→ pending, leased ─sent→ sent        ─missed→ pending again later, or failed after the last attempt

A delivery is taken by a lease and put back by the number of its attempt, so two senders at once send it once, and one
that dies leaves it to the next. A receiver that was told may be told again, where the answer was lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, or_, select, update

from app.errors import Overloaded
from app.store.database import Database
from app.tables import alerts, deliveries, webhooks

MOST_WEBHOOKS = 20
# Seconds from each attempt that missed to the next; the last attempt has none.
PAUSES = (30.0, 120.0, 600.0, 3600.0, 10_800.0)
LEASE_SECONDS = 60.0
_MOST_ERROR = 300


def enqueue(
    tx: Connection, database: Database, alert: Row[Any], body: Mapping[str, Any], heard: Collection[str]
) -> None:
    """Write what is to be sent of an alert, as part of the transaction that raises it."""
    mine = and_(webhooks.c.owner == alert.owner, webhooks.c.enabled, webhooks.c.severity.in_(heard))
    rows = [
        {"id": uuid.uuid4().hex, "alert_id": alert.id, "owner": alert.owner, "webhook_id": name, "body": dict(body)}
        for name in tx.execute(select(webhooks.c.id).where(mine)).scalars()
    ]
    for row in rows:
        times = {"due_at": database.now(), "created_at": database.now()}
        tx.execute(deliveries.insert().values(**row, **times, status="pending", attempt=0))


class Deliveries:
    """Webhooks of owners, and the deliveries to them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def webhooks(self, owner: str) -> Sequence[Row[Any]]:
        """The webhooks of an owner by name."""
        with self._database.read() as tx:
            return tx.execute(select(webhooks).where(webhooks.c.owner == owner).order_by(webhooks.c.id)).all()

    def webhook(self, owner: str, webhook_id: str) -> Row[Any] | None:
        with self._database.read() as tx:
            row: Row[Any] | None = tx.execute(select(webhooks).where(_one(owner, webhook_id))).first()
            return row

    def put(self, owner: str, webhook_id: str, values: Mapping[str, Any], *, secret: str) -> Row[Any]:
        """Let it be so. Without a secret among the values it keeps the one it has, or gets the one that is offered.

        Raises Overloaded (`too_many_webhooks`).
        """
        changes = {**values, "changed_at": self._database.now()}
        with self._database.write_alone(webhooks) as tx:
            others = and_(webhooks.c.owner == owner, webhooks.c.id != webhook_id)
            if tx.execute(select(func.count()).select_from(webhooks).where(others)).scalar_one() >= MOST_WEBHOOKS:
                text = f"You have {MOST_WEBHOOKS} webhooks already; delete one first."
                raise Overloaded(text, retry_after=60, code="too_many_webhooks")
            row = self._database.insert(webhooks).values(**{"secret": secret, **changes}, owner=owner, id=webhook_id)
            put = row.on_conflict_do_update(index_elements=["owner", "id"], set_=changes)
            return tx.execute(put.returning(webhooks)).one()

    def delete(self, owner: str, webhook_id: str) -> bool:
        """Forget a webhook with what was still to be sent to it; whether there was one."""
        unsent = and_(deliveries.c.owner == owner, deliveries.c.webhook_id == webhook_id)
        with self._database.write() as tx:
            tx.execute(delete(deliveries).where(unsent, deliveries.c.status == "pending"))
            gone = delete(webhooks).where(_one(owner, webhook_id)).returning(webhooks.c.id)
            return tx.execute(gone).first() is not None

    def of_alert(self, alert_id: str) -> Sequence[Row[Any]]:
        """What became of an alert's deliveries."""
        query = select(deliveries).where(deliveries.c.alert_id == alert_id).order_by(deliveries.c.webhook_id)
        with self._database.read() as tx:
            return tx.execute(query).all()

    def of_webhook(self, owner: str, webhook_id: str, *, limit: int) -> Sequence[Row[Any]]:
        """What became of the newest deliveries to a webhook, each with the alert that it tells of."""
        query = select(deliveries, alerts.c.message, alerts.c.raised_at)
        query = query.join(alerts, alerts.c.id == deliveries.c.alert_id)
        # By the alerts of the owner, which have an index by time.
        query = query.where(alerts.c.owner == owner, deliveries.c.webhook_id == webhook_id)
        with self._database.read() as tx:
            return tx.execute(query.order_by(alerts.c.raised_at.desc(), alerts.c.id.desc()).limit(limit)).all()

    def due(self, *, limit: int) -> list[str]:
        """Ids of deliveries that wait for a sender: of each webhook the one that waits longest, and of owners and their
        webhooks by turns, so that a receiver that is slow or gone keeps nobody else waiting.
        """
        webhook = (deliveries.c.owner, deliveries.c.webhook_id)
        turn = func.row_number().over(partition_by=webhook, order_by=deliveries.c.due_at)
        waiting = select(deliveries.c.id, deliveries.c.owner, turn.label("turn")).where(self._waits()).subquery()
        of_owner = func.row_number().over(partition_by=waiting.c.owner, order_by=(waiting.c.turn, func.random()))
        with self._database.read() as tx:
            query = select(waiting.c.id).order_by(of_owner, func.random()).limit(limit)
            return list(tx.execute(query).scalars())

    def take(self, delivery_id: str) -> tuple[Row[Any], Row[Any] | None] | None:
        """Take a delivery for LEASE_SECONDS, with its webhook; None when somebody else has it or it is done."""
        taken = update(deliveries).where(deliveries.c.id == delivery_id, self._waits())
        taken = taken.values(attempt=deliveries.c.attempt + 1, lease_until=self._database.now() + LEASE_SECONDS)
        with self._database.write(durable=False) as tx:
            row = tx.execute(taken.returning(deliveries)).first()
            if row is None:
                return None
            return row, tx.execute(select(webhooks).where(_one(row.owner, row.webhook_id))).first()

    def sent(self, taken: Row[Any]) -> bool:
        """It has arrived. False: the lease was lost."""
        return self._end(taken, status="sent", sent_at=self._database.now(), error=None)

    def missed(self, taken: Row[Any], error: str, *, final: bool = False) -> bool:
        """It has not. Again after a pause, or never where it was the last attempt or another one would miss too."""
        values: dict[str, Any] = {"error": error[:_MOST_ERROR]}
        if final or taken.attempt > len(PAUSES):
            return self._end(taken, status="failed", **values)
        return self._end(taken, due_at=self._database.now() + PAUSES[taken.attempt - 1], **values)

    def _end(self, taken: Row[Any], **values: Any) -> bool:
        mine = and_(deliveries.c.id == taken.id, deliveries.c.attempt == taken.attempt)
        statement = update(deliveries).where(mine, deliveries.c.status == "pending")
        with self._database.write(durable=False) as tx:
            ended = tx.execute(statement.values(**values, lease_until=None).returning(deliveries.c.id))
            return ended.first() is not None

    def _waits(self) -> ColumnElement[bool]:
        now = self._database.now()
        free = or_(deliveries.c.lease_until.is_(None), deliveries.c.lease_until < now)
        return and_(deliveries.c.status == "pending", deliveries.c.due_at <= now, free)


def _one(owner: str, webhook_id: str) -> ColumnElement[bool]:
    return and_(webhooks.c.owner == owner, webhooks.c.id == webhook_id)
