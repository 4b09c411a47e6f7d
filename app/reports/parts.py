"""What a report is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.panel import QUALITIES

# Rows of a table that are told; `total` says how many there were.
MOST_ROWS = 50


@dataclass(frozen=True)
class Period:
    """The 24 hours of the report of a date: what happened after `start` and up to `end`, in seconds since 1970."""

    date: str
    start: float
    end: float

    def holds(self, at: float | None) -> bool:
        return at is not None and self.start < at <= self.end


@dataclass(frozen=True)
class Table:
    """Rows with the same names. `total` is how many there were before the list was cut."""

    name: str
    rows: Sequence[Mapping[str, Any]]
    total: int

    @classmethod
    def of(cls, name: str, rows: Sequence[Mapping[str, Any]], *, most: int = MOST_ROWS) -> Table:
        return cls(name, rows[:most], len(rows))


@dataclass(frozen=True)
class Section:
    """What is to be said of one subject.

    Args:
        name: for programs; unique in a report.
        title: for people.
        nothing: a sentence that stands for all the rest where there is nothing.
        quality: real, proxy or synthetic: the worst of the market data that its figures stand on; None where they
            stand on none.
        notes: sentences that the figures need.
        figures: by name; amounts in the currency of the book, fractions, seconds, counts.
        tables: those with rows.
    """

    name: str
    title: str
    nothing: str | None = None
    quality: str | None = None
    notes: Sequence[str] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    tables: Sequence[Table] = ()

    def document(self) -> dict[str, Any]:
        """The section as it is stored and sent."""
        tables = [{"name": table.name, "total": table.total, "rows": list(table.rows)} for table in self.tables]
        return vars(self) | {
            "notes": list(self.notes),
            "figures": dict(self.figures),
            "tables": [table for table in tables if table["rows"]],
        }


def worst(qualities: Iterable[str]) -> str:
    """Of at least one quality."""
    return max(qualities, key=QUALITIES.index)
