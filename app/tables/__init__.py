"""The tables. Times are seconds since 1970 (UTC) by the database's own clock; `migrations/` builds them."""

from __future__ import annotations

from app.tables.alerts import alert_rules, alerts, deliveries, webhooks
from app.tables.base import metadata
from app.tables.book import book_fills, book_marks, book_risk, book_state, book_versions, reports, risk_limits
from app.tables.nodes import nodes
from app.tables.queue import (
    api_keys,
    artifacts,
    channels,
    events,
    idempotency_keys,
    jobs,
    log_epoch,
    quotas,
    results,
    tickets,
)
from app.tables.strategies import cursors, expressions, signals, strategy_params, trials, verdicts

__all__ = [
    "alert_rules",
    "alerts",
    "api_keys",
    "artifacts",
    "book_fills",
    "book_marks",
    "book_risk",
    "book_state",
    "book_versions",
    "channels",
    "cursors",
    "deliveries",
    "events",
    "expressions",
    "idempotency_keys",
    "jobs",
    "log_epoch",
    "metadata",
    "nodes",
    "quotas",
    "reports",
    "results",
    "risk_limits",
    "signals",
    "strategy_params",
    "tickets",
    "trials",
    "verdicts",
    "webhooks",
]
