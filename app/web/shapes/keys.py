"""API keys: what may be asked for, and what is answered."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from app.store.access import MOST_OF_LABEL, SCOPES
from app.web.fields import Choice, Listing, Text, Whole
from app.web.schemas import Strict, told
from app.web.shapes.parts import count, maybe_text, text, texts

YEARS_10 = 10 * 366 * 86_400


class KeyRequest(Strict):
    """A key to create."""

    owner = Text(
        most=64,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$",
        required=True,
        metadata=told("Whose jobs the key sees.", example="ada"),
    )
    scopes = Listing(
        Choice(*SCOPES),
        most=len(SCOPES),
        least=1,
        load_default=["read", "run"],
        metadata=told("What it may do; `admin` may do everything.", default=["read", "run"]),
    )
    label = Text(
        most=MOST_OF_LABEL,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        metadata=told("What it is for, to be found again in the list.", example="notebook"),
    )
    expires_in_seconds = Whole(
        low=60, high=YEARS_10, metadata=told("It closes by itself after so long; else never.", example=7_776_000)
    )


class ApiKey(ma.Schema):
    """A key without what opens anything."""

    key_id = text("The part between `bt_` and the next `_`.")
    owner = text()
    scopes = texts()
    label = maybe_text("What it is for.")
    created_at = text()
    expires_at = maybe_text("Null: never.")
    last_used_at = maybe_text("To the minute; what a browser does after signing in does not count.")
    revoked_at = maybe_text()
    open = fields.Boolean(required=True, metadata=told("Whether it opens anything now."))


class NewApiKey(ApiKey):
    """A key that was created."""

    key = text("The key itself, this once: only its hash is stored.")


class ApiKeys(ma.Schema):
    """Every key."""

    keys = fields.List(fields.Nested(ApiKey), required=True, metadata=told("Oldest first."))


class JobLimit(ma.Schema):
    """How many jobs may be queued from midnight to midnight (UTC)."""

    limit = count("Null: any number.", none=True)
    used = count("Deleted ones too; null where there is no limit: nobody counts.", none=True)
    reset_seconds = count("Until all of it is there again.", none=True)


class RequestLimit(JobLimit):
    """How many requests of a kind may be made within a minute."""

    name = text("reads, writes, uploads")
    used = count(none=True)


class CurrentApiKey(ma.Schema):
    """Who asks."""

    owner = text()
    scopes = texts()
    key = fields.Nested(ApiKey, required=True, allow_none=True, metadata=told("Null where none is behind the session."))
    limits = fields.List(fields.Nested(RequestLimit), required=True)
    jobs_today = fields.Nested(JobLimit, required=True)
