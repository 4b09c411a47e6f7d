"""A Monte Carlo: the run, and many paths around it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa

from app.canonical import canonical_json
from app.jobs import Claim
from app.montecarlo import plan_of
from app.wiring import Services
from engine.figures import Report
from engine.montecarlo.running import MonteCarlo, montecarlo
from engine.montecarlo.sentences import caveat, meaning
from engine.tables import said_all
from workers import packing
from workers.runs import run_alone
from workers.versions import dataset_of


def run_montecarlo(claim: Claim, services: Services, report: Report) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The document of the run with a block on its paths; beside its curve and trades the figures of every path."""
    plan = plan_of(claim.request)

    def quiet(_: int, __: int, phase: str) -> None:
        """The run is the beginning of the work, not a part of its paths."""
        report(0, plan.count, phase)

    result, verdict = run_alone(claim.request, services, quiet)
    found = montecarlo(result, plan, report)
    dataset = dataset_of(claim.request, services)
    document = packing.document(claim, dataset, result, verdict) | {"montecarlo": _told(found)}
    document["provenance"]["result_hash"] = _result_hash(packing.result_hash(result), found)
    return document, packing.parts(result) | {"paths": packing.parquet(_paths(found))}


def _told(found: MonteCarlo) -> dict[str, Any]:
    steps: dict[str, Any] = {"step": found.outcome.at.tolist()}
    return found.plan.as_dict() | {
        "seed": found.plan.seed,
        "unit": found.unit,
        "steps": found.steps,
        "block": found.block,
        "redrawn": found.outcome.redrawn,
        "figures": found.figures,
        "bands": steps | {"time": None if found.time is None else said_all(found.time)} | found.bands,
        "probability_of_ruin": found.ruin,
        "probability_of_loss": found.loss,
        **({"ladder": found.rungs} if found.rungs else {}),
        "meaning": meaning(found),
        "caveat": caveat(found),
    }


def _paths(found: MonteCarlo) -> pa.Table:
    """Every path in a row; what was drawn for it stands behind its figures. NaN where a figure is not defined."""
    outcome = found.outcome
    return pa.table(
        {"path": np.arange(found.plan.count)}
        | outcome.figures
        | {"ruined": outcome.figures["lowest_equity"] <= found.floor}
        | {f"drawn_{name}": column for name, column in outcome.drawn.items()}
    )


def _result_hash(run: str, found: MonteCarlo) -> str:
    """SHA-256 over the numbers: those of the run, of every path, and of what they say together."""
    outcome = found.outcome
    digest = hashlib.sha256(run.encode())
    digest.update(canonical_json([found.figures, found.bands, found.ruin, found.loss, found.rungs]))
    for array in (*outcome.figures.values(), *outcome.drawn.values()):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
