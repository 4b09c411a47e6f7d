"""When a symbol could not be traded: listed late, holes, no price through the last bar; and who holds it all the same.

A bar without a price trades nothing and marks what is held at the last price. That is right and must be said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.charges import some
from engine.tables import said

# A position is pointed out whose price is older than so many bars at the end.
STALE = 5


class Gap(NamedTuple):
    """The bars of a symbol that misses some: first and last with a price, how many are missing between them, and the
    longest run of these with its first bar. `first` is -1 where there is no price at all.
    """

    column: int
    first: int
    last: int
    missing: int = 0
    longest: int = 0
    at: int = 0


def gaps(bars: Bars) -> list[Gap]:
    """One entry for each symbol that misses a bar, in the order of the symbols."""
    if bars.complete:
        return []
    known = ~np.isnan(bars.close)
    return [_gap(n, np.flatnonzero(known[:, n])) for n in np.flatnonzero(~known.all(axis=0)).tolist()]


def _gap(column: int, traded: NDArray[np.intp]) -> Gap:
    if not len(traded):
        return Gap(column, -1, -1)
    first, last = int(traded[0]), int(traded[-1])
    between = np.diff(traded) - 1
    widest = int(np.argmax(between)) if len(between) else 0
    longest = int(between[widest]) if len(between) else 0
    return Gap(column, first, last, last - first + 1 - len(traded), longest, int(traded[widest]) + 1)


def rows(bars: Bars) -> list[dict[str, Any]]:
    """The gaps as plain values for JSON: times in ISO 8601 (None: never), all else in bars.

    `late` counts the bars before the first price, `missing` those between the first and the last one, `longest` the
    longest run of these, and `ended` the bars after the last price.
    """
    return [
        {
            "symbol": bars.symbols[gap.column],
            "start": None if gap.first < 0 else said(bars.time[gap.first]),
            "end": None if gap.first < 0 else said(bars.time[gap.last]),
            "late": len(bars) if gap.first < 0 else gap.first,
            "missing": gap.missing,
            "longest": gap.longest,
            "ended": 0 if gap.first < 0 else len(bars) - 1 - gap.last,
        }
        for gap in gaps(bars)
    ]


def warnings(bars: Bars, trades: NDArray[np.void]) -> Iterator[str]:
    """At most one sentence for each kind of gap, and one for positions that are held at a stale price."""
    found = gaps(bars)
    if not found:
        return
    end = len(bars) - 1
    priced = [gap for gap in found if gap.first >= 0]
    held = set(trades["symbol"][trades["exit_bar"] < 0].tolist())

    def tell(what: str, which: Iterable[Gap], how: Callable[[Gap], str]) -> Iterator[str]:
        told = [f"{bars.symbols[gap.column][:64]}{how(gap)}" for gap in which]
        if told:
            yield f"{what}: {some(told)}."

    yield from tell("No price in this range", (gap for gap in found if gap.first < 0), lambda _: "")
    yield from tell(
        "Not tradable from the first bar on",
        (gap for gap in priced if gap.first > 0),
        lambda gap: f" before {_day(bars, gap.first)} ({gap.first} bars)",
    )
    yield from tell(
        "Not tradable on some bars in between",
        (gap for gap in priced if gap.missing),
        lambda gap: f" on {gap.missing} (up to {gap.longest} in a row, from {_day(bars, gap.at)})",
    )
    yield from tell(
        "Not tradable through the last bar",
        (gap for gap in priced if gap.last < end),
        lambda gap: (
            f" since {_day(bars, gap.last)} ({end - gap.last} bars{', still held' if gap.column in held else ''})"
        ),
    )
    yield from tell(
        f"Held at the end at a price that is more than {STALE} bars old",
        (gap for gap in priced if end - gap.last > STALE and gap.column in held),
        lambda gap: f", {bars.close[gap.last, gap.column]:g} of {_day(bars, gap.last)}",
    )


def _day(bars: Bars, at: int) -> str:
    return said(bars.time[at]).removesuffix("T00:00:00Z")
