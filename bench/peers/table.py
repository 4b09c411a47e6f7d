"""Comparing figures, and one table per workload."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.peers.workloads import Figures


@dataclass
class Row:
    """One way to run a workload, and how it went."""

    label: str
    seconds: list[float] = field(default_factory=list)
    cpu: float = math.inf
    peak: int = 0
    process: int = 0
    difference: float | None = None
    tolerance: float = 0.0
    differs: str = ""
    failed: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.seconds) if self.seconds else math.nan

    @property
    def agrees(self) -> bool:
        return self.difference is None or self.difference <= self.tolerance


def difference(ours: Figures, theirs: Figures) -> tuple[float, str]:
    """The largest difference of a figure that both have, and its name: relative above one, absolute below.

    Undefined (NaN) is equal to undefined, and as far as can be from a number.

    Raises:
        ValueError: when no figure is in both, or there are not as many values.
    """
    common = [name for name in ours if name in theirs]
    if not common:
        raise ValueError(f"nothing to compare: {sorted(ours)} and {sorted(theirs)}")
    found = []
    for name in common:
        if len(ours[name]) != len(theirs[name]):
            raise ValueError(f"{name}: {len(ours[name])} values and {len(theirs[name])}")
        found.append((max(map(_apart, ours[name], theirs[name]), default=0.0), name))
    return max(found)


def _apart(a: float, b: float) -> float:
    if math.isnan(a) or math.isnan(b):
        return 0.0 if math.isnan(a) and math.isnan(b) else math.inf
    return abs(a - b) / max(1.0, abs(a), abs(b))


def lines(title: str, rows: Sequence[Row]) -> list[str]:
    """The table of a workload: each way beside the first, which is ours."""
    head = ("", "median ms", "least ms", "cpu ms", "rounds", "ratio", "difference", "peak MiB", "process MiB")
    notes = [f"  {row.label}: {text}" for row in rows for text in (row.failed, row.differs) if text]
    return [title, *aligned(head, [_cells(row, rows[0].median) for row in rows]), *notes]


def aligned(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Columns under their heads, the first to the left and the others to the right."""
    widths = [max(len(line[n]) for line in (head, *body)) for n in range(len(head))]
    out = []
    for first, *rest in (head, *body):
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        out.append("  ".join(("", first.ljust(widths[0]), *cells)).rstrip())
    return out


def _cells(row: Row, ours: float) -> tuple[str, ...]:
    if not row.seconds:
        return (row.label, *"-" * 8)
    apart = "-" if row.difference is None else f"{row.difference:.1e}"
    return (
        row.label,
        shown(row.median * 1e3),
        shown(min(row.seconds) * 1e3),
        shown(row.cpu * 1e3),
        str(len(row.seconds)),
        shown(row.median / ours),
        apart if row.agrees else f"{apart} !",
        f"{row.peak / 2**20:.1f}",
        f"{row.process / 2**20:.0f}",
    )


def shown(number: float) -> str:
    """Three digits that count, without an exponent."""
    if not math.isfinite(number) or number <= 0:
        return "-"
    places = max(0, 2 - math.floor(math.log10(number)))
    return f"{number:,.{places}f}"
