"""Tables of a run: returns by calendar month, and the deepest drawdowns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.figures import Run

_DAY = 86_400e9  # nanoseconds


@dataclass(frozen=True)
class Drawdown:
    """One time below a former maximum: bars of the maximum, of the deepest point, and of recovery (None: not yet).

    `start` is -1 where the maximum is the initial capital. `depth` is negative, `days` are calendar days from
    the maximum to recovery or the last bar.
    """

    start: int
    trough: int
    end: int | None
    depth: float
    days: float


def drawdowns(run: Run) -> list[Drawdown]:
    """Every drawdown of the run in order of time."""
    below = run.drawdown < 0.0
    edges = np.diff(below.astype(np.int8), prepend=0, append=0)
    firsts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    found = []
    for first, end in zip(firsts.tolist(), ends.tolist(), strict=True):
        trough = first + int(np.argmin(run.drawdown[first:end]))
        last = min(end, len(below) - 1)
        days = float((run.time[last] - run.time[max(first - 1, 0)]).astype(np.int64)) / _DAY
        recovered = end if end < len(below) else None
        found.append(Drawdown(first - 1, trough, recovered, float(run.drawdown[trough]), days))
    return found


def said(time: np.datetime64) -> str:
    """A time in ISO 8601, UTC, to the second."""
    return f"{time.astype('datetime64[s]')}Z"


def drawdown_table(run: Run, count: int = 5) -> list[dict[str, Any]]:
    """The deepest drawdowns, deepest first: `start`, `trough`, `end` (ISO 8601, None: not recovered), `depth`, `days`.

    A drawdown from the initial capital starts at the first bar.
    """
    deepest = sorted(drawdowns(run), key=lambda item: (item.depth, item.start))[:count]
    return [
        {
            "start": said(run.time[max(item.start, 0)]),
            "trough": said(run.time[item.trough]),
            "end": None if item.end is None else said(run.time[item.end]),
            "depth": item.depth,
            "days": item.days,
        }
        for item in deepest
    ]


def monthly_returns(run: Run) -> list[dict[str, Any]]:
    """Returns compounded to UTC calendar months: `month` ("2020-01") and `return`, in order."""
    months = run.time.astype("datetime64[M]")
    starts = np.flatnonzero(np.concatenate(([True], months[1:] != months[:-1])))
    compounded = np.multiply.reduceat(1.0 + run.returns, starts) - 1.0
    return [
        {"month": str(month), "return": float(value)} for month, value in zip(months[starts], compounded, strict=True)
    ]
