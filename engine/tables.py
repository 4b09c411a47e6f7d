"""Tables of a run: returns by calendar month and year, the deepest drawdowns, and figures through time."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine import indicators
from engine.bars import Floats, Times
from engine.figures import Run

Rows: TypeAlias = NDArray[np.intp]

_DAY = 86_400e9  # nanoseconds


def underwater(run: Run) -> tuple[Rows, Rows]:
    """The times below a former maximum, in order: first bar below it, and bar of recovery (T: none)."""
    edges = np.flatnonzero(np.diff(run.drawdown < 0.0, prepend=False, append=False))
    return edges[::2], edges[1::2]


def underwater_days(run: Run) -> Floats:
    """Calendar days of each time below a former maximum, from that maximum to recovery or the last bar."""
    firsts, ends = underwater(run)
    since = run.time[np.maximum(firsts - 1, 0)]
    until = run.time[np.minimum(ends, len(run.time) - 1)]
    days: Floats = (until - since).astype(np.int64) / _DAY
    return days


def drawdown_table(run: Run, count: int = 5) -> list[dict[str, Any]]:
    """The deepest drawdowns, deepest first: `start`, `trough`, `end` (ISO 8601, None: not recovered), `depth`, `days`.

    `start` is the bar of the former maximum; a drawdown from the initial capital starts at the first bar.
    """
    firsts, ends = underwater(run)
    if not len(firsts):
        return []
    spans = np.column_stack((firsts, ends)).ravel()
    depths = np.minimum.reduceat(np.append(run.drawdown, 0.0), spans)[::2]
    days = underwater_days(run)
    return [
        {
            "start": said(run.time[max(firsts[i] - 1, 0)]),
            "trough": said(run.time[firsts[i] + np.argmin(run.drawdown[firsts[i] : ends[i]])]),
            "end": said(run.time[ends[i]]) if ends[i] < len(run.time) else None,
            "depth": float(depths[i]),
            "days": float(days[i]),
        }
        for i in np.lexsort((firsts, depths))[:count]
    ]


def monthly_returns(run: Run) -> list[dict[str, Any]]:
    """Returns compounded to UTC calendar months: `month` ("2020-01") and `return`, in order."""
    return _compounded(run, "month")


def yearly_returns(run: Run) -> list[dict[str, Any]]:
    """Returns compounded to UTC calendar years: `year` ("2020") and `return`, in order."""
    return _compounded(run, "year")


def _compounded(run: Run, unit: Literal["month", "year"]) -> list[dict[str, Any]]:
    periods = run.time.astype({"month": "datetime64[M]", "year": "datetime64[Y]"}[unit])
    starts = np.flatnonzero(np.concatenate(([True], periods[1:] != periods[:-1])))
    compounded = np.multiply.reduceat(1.0 + run.returns, starts) - 1.0
    names = periods[starts].astype(str).tolist()
    return [{unit: name, "return": value} for name, value in zip(names, compounded.tolist(), strict=True)]


class Rolling(NamedTuple):
    """Figures of the last `bars` returns at each bar [T], NaN before there are so many; `beta` without benchmark too.

    `sharpe` is mean(r - rf/P) / sd sqrt(P), NaN without variance; `volatility` sd sqrt(P), ddof 1; `beta`
    cov(r, b) / var(b), NaN where the benchmark stands still.
    """

    bars: int
    sharpe: Floats
    volatility: Floats
    beta: Floats


def half_year(periods_per_year: float) -> int:
    """The bars of half a year, at least two."""
    return max(2, round(periods_per_year / 2.0))


def rolling(run: Run, bars: int | None = None) -> Rolling:
    """Sharpe ratio, volatility and beta over a window of `bars`; half a year of them unless said otherwise."""
    window = half_year(run.periods_per_year) if bars is None else bars
    deviation = indicators.rolling_std(run.returns, window)
    excess = indicators.sma(run.returns, window) - run.rate
    sharpe = np.full(len(run.time), np.nan)
    np.divide(excess, deviation, out=sharpe, where=deviation > 0.0)
    scale = math.sqrt(run.periods_per_year)
    beta = np.full(len(run.time), np.nan)
    if run.benchmark is not None:
        beta = indicators.rolling_beta(run.returns, run.benchmark, window)
    return Rolling(window, sharpe * scale, deviation * scale, beta)


def said(time: np.datetime64) -> str:
    """A time in ISO 8601, UTC, to the second."""
    return f"{time.astype('datetime64[s]')}Z"


def said_all(times: Times) -> list[str]:
    """Times in ISO 8601, UTC, to the second."""
    return [f"{time}Z" for time in times.astype("datetime64[s]").astype(str).tolist()]
