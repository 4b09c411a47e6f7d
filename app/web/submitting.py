"""From a request to a job: resolve, queue, and wait a little for the end where the client asks for it."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from flask import Response, jsonify, request
from sqlalchemy import Row

from app import contracts, montecarlo, portfolios, signals, sweeps, walkforward
from app.canonical import canonical_json
from app.catalog import Catalog
from app.contracts import Standing
from app.errors import Conflict
from app.jobs import request_hash
from app.shelf import Shelf
from app.store import TERMINAL, Idempotency
from app.web import named, presenters
from app.web.access import owner
from app.web.context import context, services
from app.web.errors import InvalidFields
from engine.errors import BadData, InvalidInput

LONGEST_WAIT = 30.0
_PREFER_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?(?=$|[,;\s])", re.IGNORECASE)


class Road(NamedTuple):
    """How a request of a kind is resolved, and how much a resolved one asks for."""

    resolve: Callable[[Mapping[str, Any], Catalog, Shelf, Standing], dict[str, Any]]
    estimate: Callable[[Mapping[str, Any], Catalog], dict[str, int]]


# Runs, by kind of job.
ROADS = {
    contracts.KIND: Road(contracts.resolve_backtest, contracts.estimate),
    montecarlo.KIND: Road(montecarlo.resolve, montecarlo.estimate),
    portfolios.KIND: Road(portfolios.resolve_portfolio, portfolios.estimate),
    sweeps.KIND: Road(sweeps.resolve_sweep, sweeps.size_of),
    walkforward.KIND: Road(walkforward.resolve_walkforward, walkforward.size_of),
}


def submit(kind: str, body: Mapping[str, Any], query: Mapping[str, Any], headers: Mapping[str, Any]) -> Response:
    """Queue a run, or only validate it."""
    resolved = _resolved(_asked(body), kind)
    if query["dry_run"]:
        return jsonify(dry(kind, resolved))
    return queue(kind, resolved, body, query, headers)


def batch(body: Mapping[str, Any], query: Mapping[str, Any], headers: Mapping[str, Any]) -> Response:
    """Queue many backtests, or only validate them; all or none."""
    runs = body["runs"]
    resolved = _resolved_all(runs)
    if query["dry_run"]:
        told = [dry(contracts.KIND, one) for one in resolved]
        cells = sum(one["estimate"]["cells"] for one in told)
        return jsonify({"valid": True, "runs": told, "estimate": {"runs": len(told), "cells": cells}})
    found = services().jobs.submit_all(
        owner(),
        contracts.KIND,
        [(one, tags_of(run)) for one, run in zip(resolved, runs, strict=True)],
        idempotency=idempotency(headers, body),
        fresh=query["fresh"],
    )
    cached = sum(old for _, old in found)
    jobs = [presenters.submitted(row, cached=old) for row, old in found]
    response = jsonify({"jobs": jobs, "queued": len(jobs) - cached, "cached": cached})
    response.status_code = 202
    return response


def _resolved_all(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every run resolved. Raises InvalidFields with what is wrong with each that cannot be."""
    found, wrong = [], []
    for place, run in enumerate(runs):
        try:
            found.append(_resolved(_asked(run)))
        except (InvalidInput, BadData) as error:
            wrong.append(error.detail() | {"pointer": f"/runs/{place}{error.pointer or ''}"})
    if wrong:
        raise InvalidFields(wrong)
    return found


def verify(strategy_id: str, body: Mapping[str, Any], query: Mapping[str, Any], headers: Mapping[str, Any]) -> Response:
    """Queue a check for a look ahead."""
    resolved = _resolved({**body, "strategy_id": named.strategy(strategy_id).id})
    return queue("verify", resolved, body, query, headers)


def signal(strategy_id: str, headers: Mapping[str, Any]) -> Response:
    """Queue the signals of a strategy, whether they are due or not."""
    strategy = named.strategy(strategy_id)
    return queue(signals.KIND, signals.resolve(services(), strategy), {}, {"fresh": True}, headers)


def _asked(body: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the numbers: all but the tags."""
    return {name: value for name, value in body.items() if name != "tags"}


def _resolved(asked: Mapping[str, Any], kind: str = contracts.KIND) -> dict[str, Any]:
    here = services()
    return ROADS[kind].resolve(asked, here.catalog, here.shelf, here.store.params.overrides)


def queue(
    kind: str,
    resolved: Mapping[str, Any],
    body: Mapping[str, Any],
    query: Mapping[str, Any],
    headers: Mapping[str, Any],
) -> Response:
    """Queue a resolved request as a job of a kind."""
    row, cached = services().jobs.submit(
        owner(),
        kind,
        resolved,
        idempotency=idempotency(headers, body),
        fresh=query["fresh"],
        tags=tags_of(body),
    )
    return taken(row, cached=cached, prefer=headers.get("prefer"))


def tags_of(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The words of a request by which its job is found."""
    return tuple(dict.fromkeys(body.get("tags", ())))


def dry(kind: str, resolved: Mapping[str, Any]) -> dict[str, Any]:
    """What would be queued, and how much it would ask for."""
    hashed, estimate = request_hash(kind, resolved), ROADS[kind].estimate(resolved, services().catalog)
    return {"valid": True, "request": resolved, "request_hash": hashed, "estimate": estimate}


def retry(job_id: str, headers: Mapping[str, Any]) -> Response:
    """Queue the request of a failed or cancelled job again."""
    row = services().jobs.retry(job_id, owner(), idempotency=idempotency(headers, None))
    return taken(row, cached=False)


def reproduce(job_id: str, headers: Mapping[str, Any]) -> Response:
    """Queue the request of a succeeded job again, to compare what it gives with what is stored."""
    row = services().jobs.get(job_id, owner())
    if row.kind not in presenters.PARTS:
        raise Conflict(
            f"A job of kind {row.kind} cannot be reproduced: what it gives depends on more than its request.",
            code="not_reproducible",
            given=row.kind,
            allowed=sorted(presenters.PARTS),
        )
    services().jobs.result(job_id, owner())
    names = ("strategy_id", "dataset_id")  # the new job is found by them too
    found = {name: getattr(row, name) for name in names if getattr(row, name) is not None}
    resolved = {"job_id": job_id, "kind": row.kind, "request": dict(row.request), **found}
    return queue("reproduce", resolved, {}, {"fresh": True}, headers)


def taken(row: Row[Any], *, cached: bool, prefer: str | None = None) -> Response:
    """202 with the job's address; 200 with the job itself when the client waited for its end."""
    seconds = wanted_seconds(prefer)
    if seconds:
        row = wait(row, seconds)
    if seconds and row.status in TERMINAL:
        response = jsonify(presenters.job(row, None))
        response.headers["Preference-Applied"] = f"wait={seconds:.0f}"
    else:
        response = jsonify(presenters.submitted(row, cached=cached))
        response.status_code = 202
    response.headers["Location"] = f"{presenters.API}/jobs/{row.id}"
    return response


def wanted_seconds(prefer: str | None) -> float:
    """How long the client would wait. A preference that is not understood is ignored (RFC 7240)."""
    found = _PREFER_WAIT.search(prefer or "")
    return min(float(found[1]), LONGEST_WAIT) if found else 0.0


def wait(row: Row[Any], seconds: float) -> Row[Any]:
    """The job when it has ended, or as it is after so many seconds. At once where all waiting places are taken."""
    if not context().waiting.acquire(blocking=False):
        return row
    try:
        deadline, pause = time.monotonic() + seconds, 0.02
        while row.status not in TERMINAL and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, 0.1)
            row = services().jobs.get(row.id, row.owner)
        return row
    finally:
        context().waiting.release()


def idempotency(headers: Mapping[str, Any], body: Mapping[str, Any] | None) -> Idempotency | None:
    """The client's key with a fingerprint of what it stands for."""
    key = headers.get("idempotency_key")
    if key is None:
        return None
    told = f"{request.method} {request.path}\n".encode() + canonical_json(body)
    return Idempotency(key, hashlib.sha256(told).hexdigest())
