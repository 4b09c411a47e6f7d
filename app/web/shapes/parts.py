"""What replies are made of: a field that is always there, and what it means."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.store import TERMINAL
from app.web.schemas import told

STATUSES = ["queued", "running", *TERMINAL]


def text(about: str = "", **options: Any) -> fields.String:
    return fields.String(required=True, metadata=told(about) if about else {}, **options)


def maybe_text(about: str = "") -> fields.String:
    return text(about, allow_none=True)


def number(about: str = "", *, none: bool = False) -> fields.Float:
    return fields.Float(required=True, allow_none=none, metadata=told(about) if about else {})


def count(about: str = "", *, none: bool = False) -> fields.Integer:
    return fields.Integer(required=True, allow_none=none, metadata=told(about) if about else {})


def mapping(about: str = "", *, none: bool = False) -> fields.Dict:
    return fields.Dict(required=True, allow_none=none, metadata=told(about) if about else {})


def texts(about: str = "") -> fields.List[Any]:
    return fields.List(fields.String(), required=True, metadata=told(about) if about else {})


def floats(about: str | None = None) -> fields.List[Any]:
    return fields.List(fields.Float(allow_none=True), required=True, metadata=told(about) if about else {})


def status() -> fields.String:
    return fields.String(required=True, metadata={"enum": STATUSES})
