"""Rules, alerts, where they are sent to, and what is to be sent."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Double, ForeignKey, Index, Integer, String, Table, text

from app.tables.base import metadata

# What owners changed of the built-in rules of alerts (the fields that they gave), and rules of their own.
alert_rules = Table(
    "alert_rules",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("rule_id", String(64), primary_key=True),
    Column("rule", JSON, nullable=False),
    Column("changed_by", String(64), nullable=False),
    Column("changed_at", Double, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("rule_id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("severity", String(8), nullable=False),  # info | warning | critical
    Column("entity", String(300), nullable=False),
    Column("message", String(1000), nullable=False),
    Column("value", Double),
    Column("threshold", Double),
    Column("status", String(16), nullable=False),  # open | acknowledged | resolved
    Column("data", JSON, nullable=False),
    Column("raised_at", Double, nullable=False),
    Column("acknowledged_at", Double),
    Column("acknowledged_by", String(64)),
    Column("note", String(500)),  # of whoever acknowledged it
    Column("resolved_at", Double),
    Index(None, "owner", "raised_at", "id"),
    Index(None, "raised_at"),
)
# Of a rule and an entity at most one alert is not resolved.
Index(
    "uq_alerts_unresolved",
    alerts.c.owner,
    alerts.c.rule_id,
    alerts.c.entity,
    unique=True,
    sqlite_where=text("status <> 'resolved'"),
    postgresql_where=text("status <> 'resolved'"),
)

# Where the alerts of an owner are sent to.
webhooks = Table(
    "webhooks",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("url", String(2000), nullable=False),
    Column("secret", String(200), nullable=False),  # it signs, so it is needed as it is
    Column("severity", String(8), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("changed_at", Double, nullable=False),
)

# What is to be sent: written in the transaction that raises the alert, taken by a lease, tried until it is due no more.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("alert_id", String(32), ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("webhook_id", String(64), nullable=False),
    Column("body", JSON, nullable=False),
    Column("status", String(8), nullable=False),  # pending | sent | failed
    Column("attempt", Integer, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("lease_until", Double),
    Column("error", String(300)),
    Column("created_at", Double, nullable=False),
    Column("sent_at", Double),
    Index(None, "status", "due_at"),
    Index(None, "alert_id"),
)
