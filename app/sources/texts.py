"""Answers as records: JSON and CSV, or the reason why they are neither."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.sources.http import Again, Refused


def json_of(body: bytes) -> Any:
    """The document. Raises Again for a body that is none, as one that was cut off is."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise Again("sent JSON that cannot be read to its end") from error


def records_of(found: Any, fields: Sequence[str]) -> list[Mapping[str, Any]]:
    """A list of objects that all have these fields. Raises Refused (`source_changed`)."""
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Refused("sent something else than a list of records", code="source_changed")
    for item in found:
        lost = [name for name in fields if name not in item]
        if lost:
            raise Refused(f"sent a record without '{lost[0]}'; it has {_named(item)}", code="source_changed")
    return found


def rows_of(body: bytes, fields: Sequence[str], *, delimiter: str = ",") -> list[dict[str, str]]:
    """The lines of a CSV text with a header. Raises Refused (`source_changed`) when a column is missing, Again for a
    line that was cut off."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter)
    header = [name or "" for name in reader.fieldnames or ()]
    lost = [name for name in fields if name not in header]
    if lost:
        raise Refused(f"sent CSV without the column '{lost[0]}'; it has {_named(header)}", code="source_changed")
    rows = list(reader)
    if any(None in row.values() for row in rows):
        raise Again("sent CSV that was cut off")
    return rows


def _named(names: Any) -> str:
    shown = ", ".join(str(name)[:40] for name in list(names)[:12])
    return shown or "none"
