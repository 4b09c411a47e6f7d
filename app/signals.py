"""Signals as jobs: what one computes, and which are due.

A strategy speaks of its own dataset and symbols with the parameters that stand. It is due when the newest job on its
signals was of another version of the strategy, its parameters, its dataset or the engine. So every supervisor finds
the same without remembering anything, and two that look at once make one job: the key of its submission names the
job that it follows.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from app import contracts
from app.jobs import request_hash
from app.store import TERMINAL, Idempotency
from app.taskqueue import BATCH
from app.wiring import Services
from engine import ENGINE_VERSION
from engine.errors import BadData, InvalidInput
from engine.strategy import Strategy

log = logging.getLogger(__name__)

KIND = "signals"
OWNER = "system"
# How far back a job says what there was to say. Older rows stay as they were said.
DAYS = 365
# What a strategy and its data can refuse; an error of the store is everybody's.
REFUSALS = (InvalidInput, BadData)
_MEANS = ("strategy_id", "strategy_version", "params", "dataset_id", "dataset_version", "symbols")
_RANGE = ("start_date", "end_date", "engine_version")


@dataclass(frozen=True)
class Absent:
    """Why there are no signals of the present versions of a strategy."""

    strategy_id: str
    reason: str
    message: str


def resolve(services: Services, strategy: Strategy) -> dict[str, Any]:
    """The request of a job on a strategy's signals: the same bars and parameters as those of a backtest without any.

    Raises InvalidInput or BadData, as that would.
    """
    standing = services.store.params.current(strategy.id)
    body = {"strategy_id": strategy.id, "params": {} if standing is None else standing.params}
    resolved = contracts.resolve_backtest(body, services.catalog, services.shelf)
    versions = {"params_version": 0 if standing is None else standing.version, "days": DAYS}
    return {name: resolved[name] for name in (*_MEANS, *_RANGE)} | versions


def submit_due(services: Services) -> list[str]:
    """Queue a job for every strategy whose signals are due; which those were."""
    runs, params = services.store.signals.runs(), services.store.params.everyone()
    due = []
    for strategy in services.shelf.all():
        run = runs.get(strategy.id)
        if run is not None and run.status not in TERMINAL:
            continue  # one at a time: what is due afterwards is seen afterwards
        try:
            if run is None or not _is_of(run, _versions(services, strategy, params.get(strategy.id))):
                submit_after(services, KIND, run, resolve(services, strategy))
                due.append(strategy.id)
        except REFUSALS as error:  # `absent` tells it to whoever asks
            log.debug("no signals of %s: %s", strategy.id, error.message)
    return due


def absent(services: Services) -> list[Absent]:
    """The strategies whose signals are not those of their present versions, and why."""
    runs, params = services.store.signals.runs(), services.store.params.everyone()
    found = []
    for strategy in services.shelf.all():
        try:
            versions = _versions(services, strategy, params.get(strategy.id))
        except REFUSALS as error:
            found.append(Absent(strategy.id, error.code, error.message))
            continue
        if why := _why(services, strategy, runs.get(strategy.id), versions):
            found.append(Absent(strategy.id, *why))
    return found


def _why(
    services: Services, strategy: Strategy, run: Row[Any] | None, versions: Mapping[str, Any]
) -> tuple[str, str] | None:
    if run is not None and _is_of(run, versions):
        if run.status == "succeeded":
            return None
        if run.status == "failed":
            return run.error["code"], run.error["message"]
        return run.status, f"The job that computes them is {run.status}."
    try:
        resolve(services, strategy)
    except REFUSALS as error:
        return error.code, error.message
    every = services.settings.signals_seconds
    when = f"within {every:g} seconds" if every else f"when it is asked to: POST /strategies/{strategy.id}/signal"
    return "not_computed", f"These versions of strategy, parameters and data have not spoken yet; they will {when}."


def _versions(services: Services, strategy: Strategy, params: Row[Any] | None) -> dict[str, Any]:
    """What the signals of a strategy depend on now. Raises UnknownName and BadData where its dataset is not there."""
    dataset = services.catalog.get(contracts.dataset_of(strategy))
    return {
        "strategy_version": strategy.version,
        "params_version": 0 if params is None else params.version,
        "dataset_id": dataset.id,
        "dataset_version": dataset.version,
        "engine_version": ENGINE_VERSION,
    }


def _is_of(run: Row[Any], versions: Mapping[str, Any]) -> bool:
    return all(run.request[name] == value for name, value in versions.items())


def submit_after(services: Services, kind: str, run: Row[Any] | None, request: Mapping[str, Any]) -> Row[Any]:
    """Queue a job that follows another one, unless some supervisor has."""
    digest = request_hash(kind, request)
    key = Idempotency(f"{digest} after {run.id if run else 'none'}", digest)
    job, _ = services.jobs.submit(OWNER, kind, request, idempotency=key, fresh=True, queue=BATCH)
    return job
