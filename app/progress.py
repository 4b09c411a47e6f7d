"""How far a job is, as clients see it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

# What the progress of a kind of job counts.
UNITS = {
    "chunk": "trials",
    "fetch": "items",
    "montecarlo": "paths",
    "reproduce": "steps",
    "sweep": "trials",
    "walkforward": "trials",
}


def progress(kind: str, done: int, total: int, phase: str, seconds: float) -> dict[str, Any]:
    """The view of a job that has come so far in so many seconds."""
    fraction = done / total if total else 0.0
    remaining = seconds * (1 - fraction) / fraction if fraction > 0 else None
    return {
        "done": done,
        "total": total,
        "unit": UNITS.get(kind, "bars"),
        "fraction": round(fraction, 4),
        "eta_seconds": None if remaining is None else round(remaining, 1),
        "phase": phase,
    }


def parked(row: Row[Any], seconds: float) -> dict[str, Any]:
    """That of a job whose chunks are under way: what they have done is in its row."""
    return progress(row.kind, row.done, row.units, row.kind, seconds)
