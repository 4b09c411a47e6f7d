"""What the tests of reports share: moments of the day, and a report by the names of its sections."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.reports import daily
from app.store.paper import Step, save

DATE = "2025-06-15"
HOUR = 3600.0


def at(moment: str) -> float:
    """Seconds since 1970 of a moment in UTC; of a time alone, on the day of the report."""
    return datetime.fromisoformat(moment if "-" in moment else f"{DATE}T{moment}").replace(tzinfo=UTC).timestamp()


def reported(platform: Any, owner: str = "ada", day: str = DATE) -> dict[str, Any]:
    """The report of a day by its sections, made once the day is over."""
    platform.clock.now = max(platform.clock.now, at(f"{day}T22:01:00"))
    assert daily.make(platform.services, day) == day
    kept = platform.store.reports.read(owner, day)
    return {section["name"]: section for section in (*kept.shared, *(kept.own or ()))}


def rows(section: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The rows of a table; none where there is none."""
    return next((table["rows"] for table in section["tables"] if table["name"] == name), [])


def take(
    store: Any,
    after: int,
    *marks: dict[str, Any],
    fills: tuple[dict[str, Any], ...] = (),
    risk: dict[str, Any] | None = None,
) -> None:
    """Bars of the book: marks by what they say otherwise than one that holds nothing."""
    nothing = dict.fromkeys(("gross", "net", "pnl", "drawdown"), 0.0)
    nothing |= {"years": 1 / 365, "equity": 1000.0, "cash": 1000.0, "quality": "real", "positions": [], "target": []}
    nothing |= {"sleeves": {}, "book_version": 0, "datasets": {"d": "v1"}}
    taken = [nothing | mark for mark in marks]
    step = Step(after, 1000.0, {}, {"d": taken[-1]["bar_at"]}, taken, fills, (), risk or {})
    with store.database.write() as tx:
        save(tx, store.database, store.events, step)
