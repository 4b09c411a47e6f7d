"""What can be found. To add a kind, write what finds it and add it to KINDS.

A kind is found from events (`of_event`, by their types) or by looking at how things stand (`look`). Whether what was
found is enough to fire is the rule's business: a finding carries its value, whatever the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from app.alerts.exposed import drawdown, limit_breach, var_breach
from app.alerts.finding import Finding
from app.alerts.freshness import stale_data
from app.events import Event
from app.wiring import Services
from engine.risk.limits import LIMITS

HOUR = 3600.0
_SIGNAL = ("strategy_id", "symbol", "dataset_id")


@dataclass(frozen=True)
class Kind:
    """One sort of alert.

    Args:
        name: of the kind, of its built-in rule, and of its events.
        about: what it says, as a sentence.
        severity, threshold, cooldown_seconds: of its built-in rule.
        unit: of the threshold; None for a kind that has none.
        most: largest threshold that makes sense.
        filters: what a rule may narrow it to: what its findings say of themselves.
        of_event: what an event of the type `name` says; None for one that says nothing.
        look: what is to be said of how things stand now: of every entity that could be in trouble, in trouble or not.
            What it leaves out is not in trouble.
    """

    name: str
    about: str
    severity: str
    cooldown_seconds: float
    threshold: float | None = None
    unit: str | None = None
    most: float = math.inf
    filters: tuple[str, ...] = _SIGNAL
    of_event: Callable[[Event], Finding] | None = None
    look: Callable[[Services], Iterable[Finding]] | None = None


def _signal(event: Event) -> Finding:
    said = event.data
    entity = f"{said['strategy_id']} {said['dataset_id']} {said['symbol']}"
    turned = "turned" if event.type == "signal_flip" else "moved far"
    message = (
        f"{said['strategy_id']} {turned} on {said['symbol']}: {said['direction']} with a conviction of "
        f"{said['conviction']:.2f} at {said['bar_at'][:10]}. {said['reason']}"
    )
    return Finding(entity, abs(said["conviction"]), message, said)


def _divergence(event: Event) -> Finding:
    said = event.data
    long, short = said["long"][0], said["short"][0]
    message = (
        f"{long['strategy_id']} is long {said['symbol']} ({long['conviction']:.2f}), {short['strategy_id']} is short "
        f"({short['conviction']:.2f})."
    )
    value = min(long["conviction"], -short["conviction"])
    names = tuple(one["strategy_id"] for one in (*said["long"], *said["short"]))
    return Finding(f"{said['dataset_id']} {said['symbol']}", value, message, said, strategies=names)


def _job_failed(event: Event) -> Finding:
    job = event.data
    what = job["strategy_id"] or job["kind"]
    error = job["error"] or {}
    message = f"A job ({job['kind']}) of {what} failed: {error.get('message', '')}"
    return Finding(what, None, message, job)


def _worker_lost(event: Event) -> Finding:
    lost = event.data
    ended = {"queued": "was queued again", "cancelled": "was cancelled", "failed": "has failed"}[lost["status"]]
    message = f"A process of the worker {lost['worker']} was lost in attempt {lost['attempt']} of a job, which {ended}."
    return Finding(lost["worker"] or "a worker", lost["attempt"], message, lost)


def _queue_age(services: Services) -> Iterable[Finding]:
    for queue, seconds in services.store.read.oldest_wait().items():
        yield Finding(queue, seconds, f"A job has waited in the queue '{queue}' for {seconds:.0f} s.", {"queue": queue})


_ALL = (
    Kind(
        "signal_flip",
        "A strategy has turned against its last position; the threshold is the least |conviction|.",
        "info",
        HOUR,
        threshold=0.0,
        unit="conviction",
        most=1.0,
        of_event=_signal,
    ),
    Kind(
        "conviction_surge",
        "A strategy's conviction has moved far within a few bars; the threshold is the least |conviction| afterwards.",
        "info",
        HOUR,
        threshold=0.0,
        unit="conviction",
        most=1.0,
        of_event=_signal,
    ),
    Kind(
        "signal_divergence",
        "Strategies that are sure contradict each other; the threshold is the conviction of the less sure side.",
        "warning",
        6 * HOUR,
        threshold=0.5,
        unit="conviction",
        most=1.0,
        of_event=_divergence,
    ),
    Kind("job_failed", "A job has failed.", "warning", 600.0, filters=("strategy_id",), of_event=_job_failed),
    Kind(
        "worker_lost",
        "A worker was lost with a job in its hands; the threshold is the attempt from which that matters.",
        "warning",
        600.0,
        threshold=1.0,
        unit="attempts",
        filters=("strategy_id", "dataset_id"),
        of_event=_worker_lost,
    ),
    Kind(
        "stale_data",
        "A dataset has no bar of its latest sessions.",
        "warning",
        24 * HOUR,
        threshold=3.0,
        unit="sessions",
        filters=("dataset_id",),
        look=stale_data,
    ),
    Kind(
        "queue_age",
        "The oldest job of a queue has waited for long.",
        "warning",
        900.0,
        threshold=600.0,
        unit="seconds",
        filters=(),
        look=_queue_age,
    ),
    Kind(
        "var_breach",
        "The value at risk of the paper book is high: of one session at 99 %, the largest of its methods.",
        "warning",
        24 * HOUR,
        threshold=LIMITS["var_99"].default,
        unit="fraction of equity",
        filters=(),
        look=var_breach,
    ),
    Kind(
        "drawdown",
        "The paper book has fallen from its highest equity.",
        "critical",
        24 * HOUR,
        threshold=LIMITS["drawdown"].default,
        unit="fraction of the highest equity",
        filters=(),
        look=drawdown,
    ),
    Kind(
        "limit_breach",
        "A limit of the paper book is used up: the threshold is value / limit.",
        "warning",
        24 * HOUR,
        threshold=1.0,
        unit="utilisation",
        look=limit_breach,
    ),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
