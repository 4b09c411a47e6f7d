"""What must be true at the end, looked up in the database and not in what the API says about it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import text

from app.store import TERMINAL, Store
from bench.chaos.faults import FAULTS
from bench.chaos.load import Posted

NEAR_SECONDS = 15.0


@dataclass
class Findings:
    """What happened, and what must not have."""

    statuses: dict[str, int] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)
    unlucky: int = 0  # jobs that lost all their attempts to faults
    lost: list[str] = field(default_factory=list)
    doubled_jobs: int = 0
    double_results: list[str] = field(default_factory=list)
    without_result: list[str] = field(default_factory=list)
    wrong_endings: list[str] = field(default_factory=list)
    wrong_failures: list[str] = field(default_factory=list)
    surviving_poison: list[str] = field(default_factory=list)
    ignored_cancels: list[str] = field(default_factory=list)
    holes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        bad = (self.lost, self.double_results, self.without_result, self.wrong_endings, self.wrong_failures)
        return not any((*bad, self.doubled_jobs, self.surviving_poison, self.ignored_cancels, self.holes))


def look(store: Store, posted: Posted, jobs: int) -> Findings:
    with store.database.read() as tx:
        rows = {row.id: row for row in tx.execute(text("SELECT id, status, attempt, max_attempts, error FROM jobs"))}
        results = Counter(tx.execute(text("SELECT job_id FROM results")).scalars())
        told = tx.execute(text("SELECT channel, seq, type FROM events")).all()
        heads = {row.name: row.seq for row in tx.execute(text("SELECT name, seq FROM channels"))}
    found = Findings(doubled_jobs=len(rows) - jobs)
    found.statuses = dict(Counter(row.status for row in rows.values()))
    found.attempts = dict(sorted(Counter(row.attempt for row in rows.values()).items()))
    found.lost = [job_id for job_id in posted.ids if job_id not in rows or rows[job_id].status not in TERMINAL]
    found.ignored_cancels = [job_id for job_id in posted.cancelled if rows[job_id].status != "cancelled"]
    endings = Counter(event.channel for event in told if event.type.removeprefix("job_") in TERMINAL)
    seqs: dict[str, list[int]] = {}
    for event in told:
        seqs.setdefault(event.channel, []).append(event.seq)
    found.holes = [name for name, head in heads.items() if sorted(seqs.get(name, ())) != list(range(1, head + 1))]
    for job_id, row in rows.items():
        if results[job_id] > 1:
            found.double_results.append(job_id)
        if (row.status == "succeeded") != (results[job_id] == 1):
            found.without_result.append(job_id)
        if endings[f"jobs/{job_id}"] != 1:
            found.wrong_endings.append(job_id)
        if job_id in posted.poison and row.status == "succeeded":
            found.surviving_poison.append(job_id)
        if row.status == "failed" and not _lost_every_attempt(row):
            found.wrong_failures.append(job_id)
        elif row.status == "failed" and job_id not in posted.poison:
            found.unlucky += 1
    return found


def _lost_every_attempt(row: Any) -> bool:
    error = json.loads(row.error) if isinstance(row.error, str) else row.error
    return bool(error["code"] == "worker_lost" and row.attempt == row.max_attempts)


def recoveries(store: Store, log: Sequence[tuple[float, str]], posted: Posted) -> dict[str, dict[str, float]]:
    """Seconds from a fault that loses jobs until each of them was taken from its worker, by the kind of fault.

    A loss is put to the last such fault before it; what poison does to its own worker is left out.
    """
    taken: dict[str, list[float]] = {}
    with store.database.read() as tx:
        rows = tx.execute(text("SELECT at, data FROM events WHERE type = 'worker_lost'")).all()
    for row in rows:
        data = json.loads(row.data) if isinstance(row.data, str) else row.data
        before = [(at, name) for at, name in log if FAULTS[name].loses and 0 <= row.at - at < NEAR_SECONDS]
        if before and data["job_id"] not in posted.poison:
            at, name = max(before)
            taken.setdefault(name, []).append(row.at - at)
    return {
        name: {"jobs": len(found), "p50": round(float(np.median(found)), 3), "max": round(max(found), 3)}
        for name, found in sorted(taken.items())
    }
