"""What documents are made of: fields of replies, which are always there, and those that several requests have."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.store import TERMINAL
from app.web.fields import Listing, Text
from app.web.schemas import TAG_PATTERN, told

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


def dataset_name(example: str) -> Text:
    """Of a request: the id of a dataset that a job makes."""
    about = told("Id of the dataset that it becomes; a new version where there is one.", example=example)
    return Text(most=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", required=True, metadata=about)


def tags() -> Listing:
    """Of a request: words for its job."""
    return Listing(Text(most=64, pattern=TAG_PATTERN), most=20, metadata=told("Words to find the job by."))
