"""The way of a job through a worker: load, decide, simulate, measure, pack. A new kind of job is one more runner."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from app.errors import LeaseLost
from app.jobs import Claim
from app.store import Output, Rest
from app.wiring import Services
from engine.errors import RunFailed
from engine.figures import Report
from workers import packing
from workers.bookkeeping import run_book
from workers.composing import run_compose
from workers.dividing import Work, divide, run_part
from workers.fetching import run_fetch
from workers.montecarlo import run_montecarlo
from workers.packing import Made
from workers.portfolio import run_portfolio
from workers.reproducing import Again, compared, original
from workers.runs import run_alone
from workers.searching import SearchWork
from workers.signalling import run_signals
from workers.sweeping import SweepWork
from workers.verifying import run_verify
from workers.versions import dataset_of, require_engine
from workers.walking import work_of

SWEEPS = {"bayesian": SearchWork}
# Jobs that can be divided, by kind.
WORKS: Mapping[str, Callable[[Mapping[str, Any], Services], Work]] = {
    "reproduce": lambda request, services: Again(WORKS[request["kind"]](request["request"], services), services),
    "sweep": lambda request, services: SWEEPS.get(request["sweep"]["method"], SweepWork).of(request, services),
    "walkforward": work_of,
}


def run(claim: Claim, services: Services, report: Report) -> Output | Rest:
    """Run a claimed job, or cut it into chunks that any worker may do.

    Raises QueuantError for what the job's owner should read, and whatever `report` raises.
    """
    started = time.perf_counter()
    require_engine(claim.request)
    if claim.kind not in RUNNERS:
        text = f"This worker is of a version that knows no jobs of the kind '{claim.kind}'."
        raise RunFailed(text, code="version_changed", given=claim.kind, allowed=sorted(RUNNERS))
    found = RUNNERS[claim.kind](claim, services, report)
    if isinstance(found, Rest):
        return found
    made = Made(*found)
    report(1, 1, "store")
    told = "" if made.document is None else made.document["provenance"]["result_hash"]
    seconds = time.perf_counter() - started
    return Output(made.document, told, made.parts, seconds * 1000, made.signals, made.trials, made.book)


def run_backtest(claim: Claim, services: Services, report: Report) -> tuple[dict[str, Any], dict[str, bytes]]:
    """One strategy over one dataset: the result's document, and its equity curve and trades as Parquet."""
    result, verdict = run_alone(claim.request, services, report)
    dataset = dataset_of(claim.request, services)
    parts = packing.parts(result) | {"positions": packing.positions(result)}
    return packing.document(claim, dataset, result, verdict), parts


def run_divisible(claim: Claim, services: Services, report: Report) -> Made | Rest:
    """A job that may be too much for one worker."""
    return divide(WORKS[claim.kind](claim.request, services), claim, services, report)


def run_chunk(claim: Claim, services: Services, report: Report) -> Made:
    """A chunk of such a job."""
    parent = services.store.families.parent(str(claim.parent_id))
    if parent is None:
        raise LeaseLost("The job of this chunk was deleted.")
    return run_part(WORKS[parent.kind](parent.request, services), claim, services, report)


def run_reproduce(claim: Claim, services: Services, report: Report) -> Made | Rest:
    """What a succeeded job did, done again by the same code; the result says whether it gave the same."""
    services.jobs.result(claim.request["job_id"], claim.owner)  # without it nothing need be run
    again = original(claim)
    if again.kind in WORKS:
        return run_divisible(claim, services, report)
    found = RUNNERS[again.kind](again, services, report)
    assert not isinstance(found, Rest)  # noqa: S101 - such kinds were done above
    return compared(claim, services, Made(*found))


RUNNERS: Mapping[str, Callable[[Claim, Services, Report], tuple[Any, ...] | Rest]] = {
    "backtest": run_backtest,
    "book": run_book,
    "chunk": run_chunk,
    "compose": run_compose,
    "fetch": run_fetch,
    "montecarlo": run_montecarlo,
    "portfolio": run_portfolio,
    "reproduce": run_reproduce,
    "signals": run_signals,
    "sweep": run_divisible,
    "verify": run_verify,
    "walkforward": run_divisible,
}
