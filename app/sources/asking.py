"""What a request for data means. The API resolves it before queueing, and the worker reads the resolved form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from app import sources
from app.sources.base import DataSource
from app.sources.macro import NOT_FREE
from engine.errors import InvalidInput, nearest

MOST_ITEMS = 100


def resolve_fetch(body: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The request with every default filled in. Its last day is yesterday (UTC) at the latest: today is not over.

    The same request on another day is another one, so that it is asked again. Raises InvalidInput with the pointer of
    the offending field.
    """
    source = sources.get(body["source"])
    items = _items(source, body["items"])
    end = _day(body, "end_date", today - timedelta(days=1))
    start = _day(body, "start_date", min(date.fromisoformat(source.since), end))
    if end >= today:
        latest = today - timedelta(days=1)
        raise InvalidInput(
            f"end_date {end} is not over yet (UTC).",
            code="invalid_date_range",
            pointer="/end_date",
            given=str(end),
            allowed={"latest": str(latest)},
        )
    if start > end:
        raise InvalidInput(
            f"start_date {start} comes after end_date {end}.",
            code="invalid_date_range",
            pointer="/start_date",
            given=str(start),
            allowed={"latest": str(end)},
        )
    return {
        "source": source.id,
        "dataset_id": body["name"],
        "items": items,
        "start_date": str(start),
        "end_date": str(end),
        "params": source.validate(body.get("params") or {}),
    }


def _items(source: DataSource, asked: list[str]) -> list[str]:
    if not 1 <= len(asked) <= MOST_ITEMS:
        raise InvalidInput(
            f"items must name between 1 and {MOST_ITEMS} {source.items}.", pointer="/items", given=len(asked)
        )
    for place, item in enumerate(asked):
        if not source.has(item):
            raise InvalidInput(
                f"The source '{source.id}' has no {item[:80]}.{_not_free(item)}",
                code="unknown_item",
                pointer=f"/items/{place}",
                given=item[:80],
                allowed={"known": list(source.known), "pattern": source.pattern},
                nearest=nearest(item, source.known),
            )
        if item in asked[:place]:
            raise InvalidInput(f"'{item}' is named twice.", pointer=f"/items/{place}", given=item)
    return list(asked)


def _not_free(item: str) -> str:
    """What is known of a series that nobody gives away."""
    for names, why in NOT_FREE.items():
        if item.partition(".")[0] in names.replace(",", "").replace(".*", "").split():
            return f" It has no free source: {why}."
    return ""


def _day(body: Mapping[str, Any], field: str, otherwise: date) -> date:
    told = body.get(field)
    return date.fromisoformat(told) if told is not None else otherwise
