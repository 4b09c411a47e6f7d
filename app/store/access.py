"""API keys and tickets. Only hashes are stored: a copy of the database opens nothing."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, or_, select, update

from app.errors import StoreUnavailable
from app.store.database import Database
from app.tables import api_keys, tickets

SCOPES = ("read", "run", "admin")
MOST_OF_LABEL = 100
USE_SECONDS = 60.0  # how often at most the last use of a key is noted


@dataclass(frozen=True)
class Caller:
    """Who asks, and what they may do; `key_id` names the key that this comes from, where it comes from one."""

    owner: str
    scopes: frozenset[str]
    key_id: str | None = field(default=None, compare=False)

    def may(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes


class Access:
    """Creates and checks secrets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create_key(
        self, owner: str, scopes: Iterable[str] = SCOPES, *, label: str | None = None, seconds: float | None = None
    ) -> str:
        """A new API key, shown here and never again. It expires after `seconds`; None: never."""
        key = new_key()
        self._insert_key(key, owner, scopes, label=label, seconds=seconds)
        return key

    def keys(self) -> list[Row[Any]]:
        """Every key, oldest first, without its hash; `is_open` says whether it opens anything now."""
        with self._database.read() as tx:
            return list(tx.execute(self._shown().order_by(api_keys.c.created_at, api_keys.c.id)))

    def key(self, key: str) -> Row[Any] | None:
        """One of them, named by itself or by its id."""
        with self._database.read() as tx:
            return tx.execute(self._shown().where(api_keys.c.id == (_id_of(key) or key))).first()

    def ensure_key(self, key: str, owner: str, scopes: Iterable[str] = SCOPES) -> bool:
        """Let a key that was made elsewhere (the file in the home folder) open this database too.

        False for what is no key, and for one that was revoked or has expired.
        """
        key_id = _id_of(key)
        if not key_id:
            return False
        same = and_(api_keys.c.id == key_id, api_keys.c.hash == _digest(key))
        with self._database.read() as tx:
            known = tx.execute(select(self._is_open().label("is_open")).where(same)).first()
        if known is not None:
            return bool(known.is_open)
        with self._database.write() as tx:
            tx.execute(delete(api_keys).where(api_keys.c.id == key_id))
        self._insert_key(key, owner, scopes)
        return True

    def revoke_key(self, key: str) -> bool:
        """Close a key for ever, named by itself or by its id, the part in the middle. False: there is none open."""
        open_one = and_(api_keys.c.id == (_id_of(key) or key), api_keys.c.revoked_at.is_(None))
        statement = update(api_keys).where(open_one).values(revoked_at=self._database.now())
        with self._database.write() as tx:
            return tx.execute(statement.returning(api_keys.c.id)).first() is not None

    def caller(self, key: str) -> Caller | None:
        """Whose key this is; None for an unknown, wrong, revoked or expired one, in the same time."""
        row = self._row_of(key)
        if row is None or not row.is_open:
            return None
        if not row.is_noted:
            self._note_use(row.id)
        return Caller(row.owner, frozenset(row.scopes), row.id)

    def has_expired(self, key: str) -> bool:
        """Whether this was a key until its time was over; False for a revoked one too."""
        row = self._row_of(key)
        return row is not None and not row.is_open and row.revoked_at is None

    def may_stay(self, caller: Caller) -> bool:
        """Whether the key that a caller comes from is still open; one that comes from no key stays."""
        open_one = and_(api_keys.c.id == caller.key_id, self._is_open())
        with self._database.read() as tx:
            return caller.key_id is None or tx.execute(select(api_keys.c.id).where(open_one)).first() is not None

    def owners(self) -> list[str]:
        """Whoever has a key that is open."""
        query = select(api_keys.c.owner).where(self._is_open()).distinct().order_by(api_keys.c.owner)
        with self._database.read() as tx:
            return list(tx.execute(query).scalars())

    def issue_ticket(self, caller: Caller, purpose: str, *, seconds: float) -> str:
        """A secret that stands for the caller for a while; expired ones are removed on the way."""
        secret = secrets.token_urlsafe(32)
        now = self._database.now()
        with self._database.write() as tx:
            tx.execute(delete(tickets).where(tickets.c.expires_at < now))
            tx.execute(
                tickets.insert().values(
                    hash=_digest(secret),
                    purpose=purpose,
                    owner=caller.owner,
                    scopes=sorted(caller.scopes),
                    expires_at=now + seconds,
                    key_id=caller.key_id,
                )
            )
        return secret

    def redeem(self, secret: str, purpose: str) -> Caller | None:
        """Use up a ticket: the second call with the same secret gets None."""
        used = delete(tickets).where(self._is_valid(secret, purpose))
        with self._database.write() as tx:
            return _holder(tx.execute(used.returning(tickets)).first())

    def holder(self, secret: str, purpose: str) -> Caller | None:
        """Whose ticket this is, without using it up."""
        with self._database.read() as tx:
            return _holder(tx.execute(select(tickets).where(self._is_valid(secret, purpose))).first())

    def _is_valid(self, secret: str, purpose: str) -> ColumnElement[bool]:
        open_keys = select(api_keys.c.id).where(self._is_open())
        return and_(
            tickets.c.hash == _digest(secret),
            tickets.c.purpose == purpose,
            tickets.c.expires_at >= self._database.now(),
            or_(tickets.c.key_id.is_(None), tickets.c.key_id.in_(open_keys)),
        )

    def _shown(self) -> Select[Any]:
        shown = [column for column in api_keys.c if column.name != "hash"]
        return select(*shown, self._is_open().label("is_open"))

    def _is_open(self) -> ColumnElement[bool]:
        in_time = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > self._database.now())
        return and_(api_keys.c.revoked_at.is_(None), in_time)

    def _row_of(self, key: str) -> Row[Any] | None:
        """The row of a key whose secret is right, with `is_open` and whether its use `is_noted` lately."""
        noted = func.coalesce(api_keys.c.last_used_at, 0.0) > self._database.now() - USE_SECONDS
        query = select(api_keys, self._is_open().label("is_open"), noted.label("is_noted"))
        with self._database.read() as tx:
            row = tx.execute(query.where(api_keys.c.id == _id_of(key))).first()
        same = hmac.compare_digest(_digest(key), row.hash if row else _digest("nobody"))
        return row if same else None

    def _note_use(self, key_id: str) -> None:
        statement = update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=self._database.now())
        # Whoever uses the key next will note it, where the database is busy now.
        with suppress(StoreUnavailable), self._database.write_in_passing() as tx:
            tx.execute(statement)

    def _insert_key(
        self, key: str, owner: str, scopes: Iterable[str], *, label: str | None = None, seconds: float | None = None
    ) -> None:
        now = self._database.now()
        with self._database.write() as tx:
            tx.execute(
                api_keys.insert().values(
                    id=_id_of(key),
                    hash=_digest(key),
                    owner=owner,
                    scopes=sorted(scopes),
                    label=label,
                    created_at=now,
                    expires_at=None if seconds is None else now + seconds,
                )
            )


def _holder(ticket: Row[Any] | None) -> Caller | None:
    return None if ticket is None else Caller(ticket.owner, frozenset(ticket.scopes), ticket.key_id)


def new_key() -> str:
    """An API key that nobody has yet: `bt_<id>_<secret>`."""
    return f"bt_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"


def _id_of(key: str) -> str:
    """The id in a key, by which its row is found; nothing when it is no key."""
    parts = key.split("_", 2)
    well_formed = len(parts) == 3 and parts[0] == "bt" and parts[1].isascii() and parts[1].isalnum()
    return parts[1][:16] if well_formed else ""


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
