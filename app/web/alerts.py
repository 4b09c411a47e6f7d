"""Alerts, rules and webhooks as clients see them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from app.alerts import rules, targets
from app.alerts.kinds import KINDS
from app.bus import publish
from app.errors import Unknown
from app.events import Event, iso
from app.store import AlertFilter
from app.store.alerts import document
from app.web import cursors
from app.web.access import owner
from app.web.context import services

MOST_DELIVERIES = 50


def page(query: dict[str, Any]) -> dict[str, Any]:
    """Alerts of the caller, newest first."""
    limit, before = query.pop("limit"), cursors.of_last(query.pop("cursor", None))
    since = query.pop("since", None)
    wanted = AlertFilter(**query, since=None if since is None else _seconds(since))
    rows, more = services().store.alerts.page(owner(), wanted, limit=limit, before=before)
    following = cursors.after(rows[-1].raised_at, rows[-1].id) if more else None
    return {"alerts": [document(row) for row in rows], "next": following}


def one(alert_id: str) -> dict[str, Any]:
    """An alert with its deliveries. Raises Unknown."""
    return _detail(services().store.alerts.get(alert_id, owner()))


def acknowledge(alert_id: str, *, note: str | None) -> dict[str, Any]:
    """Raises Unknown, and Conflict for one that is resolved or has another note."""
    return _told(*services().store.alerts.acknowledge(alert_id, owner(), by=owner(), note=note))


def resolve(alert_id: str) -> dict[str, Any]:
    """Raises Unknown."""
    return _told(*services().store.alerts.resolve(alert_id, owner()))


def all_rules() -> dict[str, Any]:
    """The caller's rules, and what rules can look for."""
    kinds = [
        {"kind": kind.name, "about": kind.about, "unit": kind.unit, "resolves": kind.look is not None}
        for kind in KINDS.values()
    ]
    return {"rules": [_rule(rule) for rule in rules.standing(services(), owner())], "kinds": kinds}


def put_rule(rule_id: str, given: Mapping[str, Any], if_match: str | None) -> dict[str, Any]:
    """Change a rule. Raises InvalidInput and Conflict."""
    expected = None if if_match is None else if_match.strip('"')
    return _rule(rules.put(services(), owner(), rule_id, given, expected=expected))


def delete_rule(rule_id: str) -> None:
    """A rule of the caller's own goes, a built-in one is as it was built. Raises Unknown."""
    if not services().store.rules.delete(owner(), rule_id):
        rules.get(services(), owner(), rule_id)


def all_webhooks() -> dict[str, Any]:
    return {"webhooks": [_webhook(row) for row in services().store.deliveries.webhooks(owner())]}


def webhook(webhook_id: str) -> dict[str, Any]:
    """Raises Unknown."""
    row = services().store.deliveries.webhook(owner(), webhook_id)
    if row is None:
        raise _no_webhook(webhook_id)
    return _webhook(row)


def deliveries(webhook_id: str) -> dict[str, Any]:
    """What became of the newest deliveries to it. Raises Unknown."""
    webhook(webhook_id)
    rows = services().store.deliveries.of_webhook(owner(), webhook_id, limit=MOST_DELIVERIES)
    about = [{"alert_id": row.alert_id, "message": row.message, "raised_at": iso(row.raised_at)} for row in rows]
    return {"deliveries": [_delivery(row) | alert for row, alert in zip(rows, about, strict=True)]}


def put_webhook(webhook_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidInput for an address that cannot be one."""
    targets.check(given["url"], services().settings)
    made = secrets.token_urlsafe(32)
    row = services().store.deliveries.put(owner(), webhook_id, given, secret=made)
    return _webhook(row) | {"secret": made if row.secret == made else None}


def delete_webhook(webhook_id: str) -> None:
    """Raises Unknown."""
    if not services().store.deliveries.delete(owner(), webhook_id):
        raise _no_webhook(webhook_id)


def _told(row: Row[Any], events: Sequence[Event]) -> dict[str, Any]:
    publish(services().bus, *events)
    return _detail(row)


def _detail(row: Row[Any]) -> dict[str, Any]:
    found = services().store.deliveries.of_alert(row.id)
    return document(row) | {"deliveries": [_delivery(item) for item in found]}


def _delivery(row: Row[Any]) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("webhook_id", "status", "attempt", "error")}
    return {"delivery_id": row.id, **plain, "due_at": iso(row.due_at), "sent_at": iso(row.sent_at)}


def _rule(rule: rules.Rule) -> dict[str, Any]:
    names = ("rule_id", "kind", "built_in", "threshold", "severity", "cooldown_seconds", "enabled", "changed_by")
    plain = {name: getattr(rule, name) for name in names}
    return plain | {"filter": dict(rule.filter), "changed_at": iso(rule.changed_at)}


def _webhook(row: Row[Any]) -> dict[str, Any]:
    scheme = row.url.partition("://")[0]
    url = row.url if scheme.lower() in targets.PORTS else f"{scheme}://…"
    told = {"webhook_id": row.id, "url": url, "severity": row.severity, "enabled": row.enabled}
    return told | {"changed_at": iso(row.changed_at)}


def _no_webhook(webhook_id: str) -> Unknown:
    names = [row.id for row in services().store.deliveries.webhooks(owner())]
    text = f"There is no webhook '{webhook_id}'."
    return Unknown(text, code="unknown_webhook", given=webhook_id, allowed=names)


def _seconds(moment: str) -> float:
    found = datetime.fromisoformat(moment)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
