"""What a strategy says now: its decisions over its own data, kept as signals."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from app.canonical import digest
from app.jobs import Claim
from app.store.signals import Spoken
from app.wiring import Services
from engine.figures import Report
from engine.signals import DIRECTIONS, FLIP, SURGE_NEWS, Signals
from workers.verifying import require_honest
from workers.versions import dataset_of, load

# Of minutes a year has more than a worker should hold and a client could read; the newest bars speak.
MOST_ROWS = 100_000


def run_signals(claim: Claim, services: Services, report: Report) -> tuple[dict[str, Any], dict[str, bytes], Spoken]:
    """The signals of the last days, as the transaction that finishes the job stores them; the document counts them."""
    request = claim.request
    report(0, 1, "load")
    bars, bound = load(request, services)
    report(0, 1, "weights")
    decision = bound.decide(bars)
    verdict = require_honest(services, request, bars, bound, decision, report)
    first = int(bars.time.searchsorted(bars.time[-1] - np.timedelta64(request["days"], "D"), side="right"))
    first = max(first, len(bars) - max(1, MOST_ROWS // len(bars.symbols)))
    rows = list(Signals.of(bars, decision).rows(first))
    dataset = dataset_of(request, services)
    quality = bound.strategy.quality(bars.panel, dataset.quality)
    spoken = Spoken(
        strategy_id=request["strategy_id"],
        dataset_id=dataset.id,
        strategy_version=request["strategy_version"],
        params_version=request["params_version"],
        dataset_version=request["dataset_version"],
        quality=quality,
        since=rows[0]["at"],
        rows=rows,
    )
    names = ("engine_version", "strategy_version", "params_version", "dataset_id", "dataset_version")
    provenance = {name: request[name] for name in names} | {
        "quality": quality,
        "request_hash": claim.request_hash,
        "result_hash": digest(rows),
    }
    told = {"provenance": provenance, "lookahead": verdict, "signals": _summary(rows)}
    return {"request": dict(request)} | told, {}, spoken


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    newest = Counter(row["direction"] for row in rows if row["at"] == rows[-1]["at"])
    changes = Counter(row["change"] for row in rows)
    return {
        "rows": len(rows),
        "latest": {name: newest[name] for name in DIRECTIONS.values()},
        "flips": changes[FLIP],
        "surges": changes[SURGE_NEWS],
    }
