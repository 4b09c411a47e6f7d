"""What is wrong with bars that can be read: holes, prices that stand still, jumps that look like splits.

A finding of severity `warning` is told; one of severity `error` refuses every run whose symbols and dates touch it.
What no bar may be (a high below the low, a negative price) never becomes bars: `engine.bars` refuses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars, Floats, Times
from engine.errors import BadData

# A symbol that misses so many sessions in a row, on which others traded, was not halted for a holiday.
LONGEST_GAP = 20
# Days without any bar of daily data: the longest holidays take 11 days; what closes a market for a month is no holiday.
LONG_HOLIDAY, LONGEST_HOLIDAY = 12, 31
# Slower data: as multiples of their median spacing.
SLOW_HOLE, SLOWEST_HOLE = 2.5, 12.0
# Sessions in a row whose close is the one before although volume was traded.
STALE, LONGEST_STALE = 5, 20
# One-for-n splits, either way round, and how near to one a jump must come.
SPLITS = np.array([2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100], dtype=float)
SPLIT_TOLERANCE = 0.02

_DAY = 86_400e9
_MOST_ERRORS = 20  # of a kind and symbol that are told one by one


class Finding(NamedTuple):
    """What was found about a symbol ("" for all of them) between two days, both included."""

    code: str
    severity: str
    symbol: str
    start: str
    end: str
    times: int
    message: str

    def told(self) -> str:
        """The message, and what an error means for runs."""
        return f"{self.message} Runs over it are refused." if self.severity == "error" else self.message


def inspect(bars: Bars) -> tuple[Finding, ...]:
    """Everything that is worth telling, errors first, then by symbol."""
    found = [*_holes(bars), *_gaps(bars)]
    for column, symbol in enumerate(bars.symbols):
        rows = np.flatnonzero(~np.isnan(bars.close[:, column]))
        close = bars.close[rows, column]
        found += _stale(bars.sessions[rows], close, bars.volume[rows, column], symbol)
        found += _splits(bars.time[rows], close, symbol)
    return tuple(sorted(found, key=lambda item: (item.severity != "error", item.symbol, item.start, item.code)))


def require_clean(findings: Iterable[Finding], symbols: Iterable[str], start: str, end: str) -> None:
    """Raise BadData for the first error that touches these symbols between two days (ISO, both included)."""
    names = {"", *symbols}
    for item in findings:
        if item.severity == "error" and item.symbol in names and item.start <= end and item.end >= start:
            raise BadData(
                f"{item.message} Choose other symbols, or dates without it.",
                code=item.code,
                pointer="/start_date",
                given={"start_date": start, "end_date": end},
                allowed={"before": item.start, "after": item.end},
            )


def _holes(bars: Bars) -> Iterator[Finding]:
    """Stretches of time in which no symbol has a bar, against the spacing that the bars usually have."""
    days = np.unique(bars.sessions)
    apart = np.diff(days).astype(np.int64)
    if not len(apart):
        return
    usual = float(np.median(apart))
    daily = usual < 4
    least, most = (LONG_HOLIDAY, LONGEST_HOLIDAY) if daily else (SLOW_HOLE * usual, SLOWEST_HOLE * usual)
    who = bars.symbols[0] if len(bars.symbols) == 1 else "No symbol"
    verb = "has no bar" if len(bars.symbols) == 1 else "has a bar"
    for at in np.flatnonzero(apart > least).tolist():
        first, last = str(days[at] + 1), str(days[at + 1] - 1)
        severity = "error" if apart[at] > most else "warning"
        told = f"{who} {verb} between {first} and {last}, {int(apart[at]) - 1} days in a row."
        symbol = bars.symbols[0] if len(bars.symbols) == 1 else ""
        yield Finding("data_gap", severity, symbol, first, last, int(apart[at]) - 1, told)


def _gaps(bars: Bars) -> Iterator[Finding]:
    """Sessions that a symbol misses between its first and last bar while at least half of the others traded."""
    if len(bars.symbols) == 1 or bars.complete:
        return
    known = ~np.isnan(bars.close)
    alive = np.maximum.accumulate(known, axis=0) & np.maximum.accumulate(known[::-1], axis=0)[::-1]
    sessions = known.sum(axis=1) * 2 >= np.maximum(alive.sum(axis=1), 1)
    rows = np.flatnonzero(sessions)
    missing = (alive & ~known)[rows]
    for column in np.flatnonzero(missing.any(axis=0)).tolist():
        symbol, runs = bars.symbols[column], _runs(missing[:, column])
        for severity, first, length in _worst(runs, LONGEST_GAP):
            start, end = (str(bars.sessions[rows[at]]) for at in (first, first + length - 1))
            count = length if severity == "error" else int(missing[:, column].sum())
            told = (
                f"{symbol} misses {length} sessions in a row from {start} to {end} on which others traded."
                if severity == "error"
                else f"{symbol} misses {count} sessions on which others traded, up to {length} in a row from {start}."
            )
            yield Finding("data_gap", severity, symbol, start, end, count, told)


def _stale(days: Times, close: Floats, volume: Floats, symbol: str) -> Iterator[Finding]:
    """Closes that repeat the one before although something was traded."""
    repeated = np.append(False, (close[1:] == close[:-1]) & (volume[1:] > 0.0))
    runs = [
        (first - 1, length + 1, int(np.unique(days[first - 1 : first + length]).size))
        for first, length in _runs(repeated)
        if length + 1 >= STALE
    ]
    held = [(first, length) for first, length, sessions in runs if sessions >= STALE]
    longest = {first for first, _, sessions in runs if sessions >= LONGEST_STALE}
    told = [("error", first, length) for first, length in held if first in longest][:_MOST_ERRORS]
    milder = [run for run in held if run[0] not in longest]
    if milder:
        told.append(("warning", *max(milder, key=lambda run: run[1])))
    for severity, first, length in told:
        start, end = str(days[first]), str(days[first + length - 1])
        text = f"{symbol} closes at {close[first]:g} on {length} bars in a row from {start} to {end}, with volume."
        yield Finding("stale_price", severity, symbol, start, end, length, text)


def _splits(time: Times, close: Floats, symbol: str) -> Iterator[Finding]:
    """Closes that jump from one bar to the next as a split would make them."""
    if len(close) < 2:
        return
    ratio = close[1:] / close[:-1]
    jump = np.maximum(ratio, 1.0 / ratio)
    large = np.flatnonzero((jump > SPLITS[0] * (1 - SPLIT_TOLERANCE)) & (np.diff(time).astype(np.int64) < 7 * _DAY))
    near = SPLITS[np.abs(SPLITS - jump[large, None]).argmin(axis=1)] if len(large) else SPLITS[:0]
    alike = np.abs(jump[large] / near - 1.0) < SPLIT_TOLERANCE
    if not alike.any():
        return
    at, times = int(large[alike][0]), int(near[alike][0])
    day, count = str(time[at + 1].astype("datetime64[D]")), int(alike.sum())
    way = f"falls to 1/{times} of its price" if ratio[at] < 1 else f"rises {times}-fold"
    more = f", one of {count} such jumps" if count > 1 else ""
    told = f"{symbol} {way} on {day}, which looks like a split that the prices are not adjusted for{more}."
    yield Finding("split_suspected", "warning", symbol, day, day, count, told)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First row and length of each run of truths."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(first), int(stop - first)) for first, stop in zip(edges[::2], edges[1::2], strict=True)]


def _worst(runs: list[tuple[int, int]], most: int) -> Iterator[tuple[str, int, int]]:
    """Each run that is too long as an error, and the longest of the others as a warning."""
    errors = [run for run in runs if run[1] >= most][:_MOST_ERRORS]
    milder = [run for run in runs if run[1] < most]
    yield from (("error", *run) for run in errors)
    if milder:
        yield ("warning", *max(milder, key=lambda run: run[1]))


def as_rows(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as JSON can carry them."""
    return [item._asdict() for item in findings]
