"""The way of a job through a worker: load, decide, simulate, measure, pack. A new kind of job is one more runner."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from app.contracts import load_bars
from app.jobs import Claim
from app.store import Output
from app.store.signals import Spoken
from app.wiring import Services
from engine import Config, backtest
from engine.figures import Report
from workers import packing
from workers.composing import run_compose
from workers.fetching import run_fetch
from workers.signalling import run_signals
from workers.verifying import require_honest, run_verify
from workers.versions import load

Artifacts: TypeAlias = "dict[str, bytes]"
# The document, large parts by name, and signals where the job is about them.
Made: TypeAlias = "tuple[dict[str, Any], Artifacts] | tuple[dict[str, Any], Artifacts, Spoken]"


def run(claim: Claim, services: Services, report: Report) -> Output:
    """Run a claimed job. Raises QueuantError for what the job's owner should read, and whatever `report` raises."""
    started = time.perf_counter()
    document, artifacts, *spoken = RUNNERS[claim.kind](claim, services, report)
    report(1, 1, "store")
    seconds = time.perf_counter() - started
    return Output(document, document["provenance"]["result_hash"], artifacts, seconds * 1000, *spoken)


def run_backtest(claim: Claim, services: Services, report: Report) -> tuple[dict[str, Any], Artifacts]:
    """One strategy over one dataset: the result's document, and its equity curve and trades as Parquet."""
    request = claim.request
    report(0, 1, "load")
    bars, bound = load(request, services)
    benchmark = None
    if request["benchmark"]:
        benchmark = load_bars({**request, "symbols": [request["benchmark"]]}, services.catalog)
    result = backtest(bars, bound, Config(**request["config"]), benchmark=benchmark, report=report)
    verdict = require_honest(services, request, bars, bound, result.decision, report)
    dataset = services.catalog.get(request["dataset_id"])
    return packing.document(claim, dataset, result, verdict), packing.parts(result)


RUNNERS: Mapping[str, Callable[[Claim, Services, Report], Made]] = {
    "backtest": run_backtest,
    "compose": run_compose,
    "fetch": run_fetch,
    "signals": run_signals,
    "verify": run_verify,
}
