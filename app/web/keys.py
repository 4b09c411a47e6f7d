"""API keys as clients see them, and how much of their limits the caller has used."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Row

from app.errors import Unknown
from app.events import iso
from app.web.access import caller, counted_as
from app.web.context import context, services
from app.web.limiting import Kind

log = logging.getLogger(__name__)

_TIMES = ("created_at", "expires_at", "last_used_at", "revoked_at")
_LIMITED: Final[tuple[Kind, ...]] = ("reads", "writes", "uploads")


def every() -> list[dict[str, Any]]:
    """All keys, oldest first."""
    found = services().store.access.keys()
    return [_told(row) for row in found]


def current() -> dict[str, Any]:
    """Who asks, with which key, and what is left to them."""
    who = caller()
    row = services().store.access.key(who.key_id) if who.key_id else None
    return {
        "owner": who.owner,
        "scopes": sorted(who.scopes),
        "key": None if row is None else _told(row),
        "limits": [_limit(kind) for kind in _LIMITED],
        "jobs_today": _jobs_today(),
    }


def create(body: Mapping[str, Any]) -> dict[str, Any]:
    """A new key with its secret, which nobody can read again."""
    access = services().store.access
    scopes = sorted(set(body["scopes"]))
    key = access.create_key(body["owner"], scopes, label=body.get("label"), seconds=body.get("expires_in_seconds"))
    row = access.key(key)
    assert row is not None  # noqa: S101 - it has just been made
    log.info("key %s of %s is created by key %s of %s", row.id, row.owner, caller().key_id, caller().owner)
    return _told(row) | {"key": key}


def revoke(key_id: str) -> None:
    """Close a key for ever. Raises Unknown where none with this id is open; a whole key in an address is no id."""
    access = services().store.access
    row = access.key(key_id)
    if row is None or row.id != key_id or not access.revoke_key(key_id):
        raise Unknown("There is no key with this id, or it is revoked already.", code="unknown_key")
    log.info("key %s of %s is revoked by key %s of %s", row.id, row.owner, caller().key_id, caller().owner)


def _told(row: Row[Any]) -> dict[str, Any]:
    plain = {"key_id": row.id, "owner": row.owner, "scopes": row.scopes, "label": row.label}
    return plain | {name: iso(getattr(row, name)) for name in _TIMES} | {"open": bool(row.is_open)}


def _limit(kind: Kind) -> dict[str, Any]:
    standing = context().limiter.look(kind, counted_as(caller()))
    if standing is None:
        return {"name": kind, "limit": None, "used": None, "reset_seconds": None}
    used = standing.limit - standing.remaining
    return {"name": kind, "limit": standing.limit, "used": used, "reset_seconds": standing.reset_seconds}


def _jobs_today() -> dict[str, Any]:
    most = services().settings.max_daily
    used, rest = services().store.read.queued_today(caller().owner) if most else (None, None)
    return {"limit": most or None, "used": used, "reset_seconds": rest}
