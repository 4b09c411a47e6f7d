"""Results side by side, and how sure the differences between them are."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import engine.metrics  # noqa: F401  (fills the registry)
from app.columns import moments, numbers
from app.errors import NotReady, Unknown
from app.web import curves, reading
from app.web.access import owner
from app.web.context import services
from engine.bars import Bars, Floats
from engine.errors import BadData, UnknownName
from engine.figures import METRICS
from engine.overfit import sharpe_difference
from engine.overfit.series import columns, spread

# On fewer common days nothing is said of a pair: the interval is that of a normal, which few bars are not.
LEAST_DAYS = 30


class Course(NamedTuple):
    """An account at the last bar of each day (UTC): equity, whether it is below a former maximum, yearly rate."""

    days: NDArray[np.datetime64]
    value: Floats
    under: NDArray[np.bool_]
    rate: float


def compare(query: Mapping[str, Any]) -> dict[str, Any]:
    """Results side by side and in pairs, and why some are missing; the shape never changes."""
    rows, courses, missing = [], {}, []
    by_job = "job_ids" in query
    for name in query["job_ids" if by_job else "strategy_ids"]:
        try:
            job_id = name if by_job else reading.latest_job(name)
            found = _measured(job_id)
            courses[job_id] = _course(job_id, found)
        except (Unknown, UnknownName, NotReady) as reason:
            missing.append({"id": name, "reason": reason.code, "message": reason.message})
        else:
            rows.append(_row(job_id, found))
    metrics = list(dict.fromkeys(name for row in rows for name in row["metrics"]))
    for row in rows:
        row["metrics"] = {name: row["metrics"].get(name) for name in metrics}
    pairs = [pair(a, b, courses[a], courses[b]) for a, b in combinations(courses, 2)]
    better = {name: METRICS[name].better if name in METRICS else "none" for name in metrics}
    return {"columns": metrics, "better": better, "rows": rows, "pairs": pairs, "missing": missing}


def pair(a: str, b: str, first: Course, second: Course) -> dict[str, Any]:
    """How two accounts differ on the days that both have; None for what is not defined there.

    A return is that from one common day to the next, less the account's own risk-free rate; `sharpe_difference` is that
    of a less that of b, annual. `drawdown_overlap` is the number of days on which both are under water by the number on
    which one is: 1 where they are always so together, 0 where never.
    """
    days, ours, theirs = np.intersect1d(first.days, second.days, assume_unique=True, return_indices=True)
    names = ("sharpe_difference", "interval", "p_value", "correlation", "drawdown_overlap")
    told: dict[str, Any] = {"a": a, "b": b, **dict.fromkeys(names), "bars": len(days)}
    if len(days) < LEAST_DAYS:
        return told
    either = int((first.under[ours] | second.under[theirs]).sum())
    both = int((first.under[ours] & second.under[theirs]).sum())
    told["drawdown_overlap"] = both / either if either else None
    values = np.column_stack((first.value[ours], second.value[theirs]))
    if not (values[:-1] > 0.0).all():  # an account that was lost has no returns from then on
        return told
    try:
        with np.errstate(over="ignore"):
            returns = columns(values[1:] / values[:-1] - 1.0, "returns")
    except BadData:  # no numbers, or beyond what can be reckoned with
        return told
    return told | _statistics(returns, days, (first.rate, second.rate))


def _statistics(returns: Floats, days: NDArray[np.datetime64], rates: tuple[float, float]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    mean, deviation = spread(returns)
    if deviation.all():
        together = float(((returns - mean) / deviation).prod(axis=1).mean())
        told["correlation"] = min(max(together, -1.0), 1.0)
    periods = Bars.from_closes(days, np.ones(len(days)), ("equity",)).periods_per_year
    excess = returns - np.array(rates) / periods
    found = sharpe_difference(excess[:, 0], excess[:, 1], periods)
    if found is not None:
        told |= {"sharpe_difference": found.annual, "interval": [found.low, found.high], "p_value": found.p_value}
    return told


def _measured(job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = services().jobs.result(job_id, owner()).result
    if "metrics" not in found:
        raise Unknown("This job has no metrics to compare.", code="no_metrics", given=job_id)
    return found


def _row(job_id: str, found: Mapping[str, Any]) -> dict[str, Any]:
    names = ("strategy_id", "params", "dataset_id")
    return {"job_id": job_id, **{name: found["request"].get(name) for name in names}, "metrics": found["metrics"]}


def _course(job_id: str, found: Mapping[str, Any]) -> Course:
    table = curves.read(reading.artifact_bytes(job_id, "equity"), ["time", "value", "drawdown"])
    days = moments(table["time"]).astype("datetime64[D]")
    last = np.flatnonzero(np.append(days[1:] != days[:-1], True)) if len(days) else np.empty(0, dtype=np.int64)
    rate = float(found.get("conventions", {}).get("risk_free_rate", 0.0))
    return Course(days[last], numbers(table["value"])[last], numbers(table["drawdown"])[last] < 0.0, rate)
