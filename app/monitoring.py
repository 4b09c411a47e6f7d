"""How the platform does: who is there and moves, what waits, and what follows from that.

A process that lives is not one that works. What counts is progress: a worker that hears no doorbell while jobs wait is
told from one that has nothing to do, and so is a supervisor that stands still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Row

from app.errors import QueueUnavailable, StoreUnavailable
from app.presence import SILENT_SECONDS
from app.taskqueue import QUEUES
from app.wiring import Services

# A supervisor rings again for what waited two seconds.
STUCK_SECONDS = 15.0
# What is said of the last while is of so long.
WINDOW_SECONDS = 300.0
STATUSES = ("ok", "warning", "problem")


@dataclass(frozen=True)
class Watched:
    """A worker node, a supervisor, an API or a relay, and what it is doing.

    `state`: `busy`; `idle`, with nothing to do; `stuck`, where it has something to do and does not; `silent`.
    """

    row: Row[Any]
    busy: int
    state: str


@dataclass(frozen=True)
class Check:
    """One thing that must be so. `problem`: jobs do not run. `warning`: somebody should look."""

    name: str
    status: str
    detail: str


def nodes(services: Services) -> list[Watched]:
    """Every node that was heard of within the last hour and did not say that it ends."""
    now, rows = services.store.nodes.all()
    busy, waits = services.store.nodes.busy(), services.store.read.oldest_wait()
    late = max(waits.values(), default=0.0) > STUCK_SECONDS
    return [Watched(row, busy.get(row.name, 0), _state(row, now, busy.get(row.name, 0), late=late)) for row in rows]


def _state(row: Row[Any], now: float, busy: int, *, late: bool) -> str:
    if now - row.seen_at > SILENT_SECONDS:
        return "silent"
    stands = now - row.moved_at > STUCK_SECONDS
    if row.role == "worker":
        return "stuck" if stands and late and busy < row.concurrency else "busy" if busy else "idle"
    if row.role == "supervisor":
        return "stuck" if stands else "busy"
    return "idle" if stands else "busy"  # nobody asks it for anything


def queues(services: Services) -> list[dict[str, Any]]:
    """What waits in each queue, and how those did that ended within the window."""
    counts, oldest = services.store.read.counts(), services.store.read.oldest_wait()
    start = services.store.now() - WINDOW_SECONDS
    ended = services.store.read.ended(start)
    return [
        {
            "queue": name,
            "waiting": counts.get((name, "queued"), 0),
            "running": counts.get((name, "running"), 0),
            "oldest_wait_seconds": oldest.get(name),
            "bells": bells(services, name),
            **_passed([row for row in ended if row.queue == name]),
        }
        for name in QUEUES
    ]


def bells(services: Services, queue: str) -> int | None:
    """Doorbells that nobody has heard yet; None where the queue server does not answer."""
    try:
        return services.queue.length(queue)
    except QueueUnavailable:
        return None


def _passed(rows: Sequence[Row[Any]]) -> dict[str, Any]:
    begun = [row for row in rows if row.started_at is not None]
    waits = [row.started_at - row.queued_at for row in begun]
    runs = [row.finished_at - row.started_at for row in begun]
    return {"ended": len(rows), **quantiles("wait", waits), **quantiles("run", runs)}


def quantiles(name: str, seconds: Sequence[float]) -> dict[str, float | None]:
    """The median and the 95th percentile, linear between order statistics; None where there are no seconds."""
    found = np.quantile(seconds, (0.5, 0.95)).tolist() if seconds else (None, None)
    return dict(zip((f"{name}_p50_seconds", f"{name}_p95_seconds"), found, strict=True))


def health(services: Services) -> list[Check]:
    """Whether jobs run, and what stands in their way."""
    try:
        found, counts = nodes(services), services.store.read.counts()
        overdue = services.store.nodes.overdue(SILENT_SECONDS)
    except StoreUnavailable as error:
        return [Check("store", "problem", error.message)]
    return [
        Check("store", "ok", "The database answers."),
        _queue_server(services),
        _working(found, sum(count for (_, status), count in counts.items() if status == "queued")),
        _supervised(found),
        _reachable(found),
        _overdue(overdue),
        _silent(found),
    ]


def worst(checks: Sequence[Check]) -> str:
    return max((check.status for check in checks), key=STATUSES.index)


def _queue_server(services: Services) -> Check:
    try:
        services.bus.ping()
    except QueueUnavailable as error:
        return Check("queue_server", "problem", f"{error.message} Jobs are taken and run when it does.")
    return Check("queue_server", "ok", "The queue server answers.")


def _working(found: Sequence[Watched], jobs: int) -> Check:
    workers = [node for node in found if node.row.role == "worker"]
    good = [node for node in workers if node.state in ("busy", "idle")]
    if not good:
        return Check("workers", "problem", f"No worker works. Jobs that wait: {jobs}. Start one: `queuant worker`.")
    if stuck := [node.row.name for node in workers if node.state == "stuck"]:
        return Check("workers", "warning", f"Jobs wait, and these hear no doorbell: {', '.join(stuck)}. Restart them.")
    room = sum(node.row.concurrency for node in good)
    return Check("workers", "ok", f"Worker nodes: {len(good)}, with {room} processes. Jobs that wait: {jobs}.")


def _supervised(found: Sequence[Watched]) -> Check:
    states = [node.state for node in found if node.row.role == "supervisor"]
    if "busy" not in states:
        text = "No supervisor makes its rounds: jobs of lost workers wait, and no signals, alerts or reports are made."
        return Check("supervisors", "problem", f"{text} Start one: `queuant supervisor`.")
    return Check("supervisors", "ok", f"Supervisors that make their rounds: {states.count('busy')}.")


def _reachable(found: Sequence[Watched]) -> Check:
    roles = [node.row.role for node in found if node.state != "silent"]
    text = f"APIs: {roles.count('api')}, relays: {roles.count('relay')}."
    if "api" not in roles:
        return Check("web", "warning", f"{text} Nobody can post jobs or read results. Start one: `queuant api`.")
    return Check("web", "ok", text)


def _overdue(count: int) -> Check:
    if count:
        return Check("leases", "warning", f"Running jobs that lost their worker and wait for a supervisor: {count}.")
    return Check("leases", "ok", "Every running job has its worker.")


def _silent(found: Sequence[Watched]) -> Check:
    if names := [f"{node.row.role} {node.row.name}" for node in found if node.state == "silent"]:
        return Check("nodes", "warning", f"Not heard of any more, and not said to have ended: {', '.join(names)}.")
    return Check("nodes", "ok", "Every node that has not ended speaks.")
