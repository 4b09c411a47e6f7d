"""Figures of the whole platform, read out of the store when somebody asks, and of the live clients of one process.

Of the platform every API and relay process tells the same. A worker needs no port for that, and one that is gone has
not taken its figures with it: the row is the job. What is counted of jobs begins at 0 with a process's first question.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Row

from app import monitoring
from app.errors import StoreUnavailable
from app.events import FENCED, WORKERS
from app.taskqueue import QUEUES
from app.web.session import Relay
from app.wiring import Services

# Ends are written at their own time and seen when their transaction is over: so much later at most.
_LATE_SECONDS = 30.0
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600)


class Platform(Collector):
    """How things stand now."""

    def __init__(self, services: Services, registry: CollectorRegistry) -> None:
        self._services = services
        registry.register(self)  # before those that it counts, which are then told as they are now
        self._ended = Ended(services, registry)

    def describe(self) -> Iterable[Metric]:
        return ()  # registering must not touch the database

    def collect(self) -> Iterator[Metric]:
        checks = monitoring.health(self._services)
        health = GaugeMetricFamily("queuant_health", "0 ok, 1 warning, 2 problem", labels=["check"])
        for check in checks:
            health.add_metric([check.name], monitoring.STATUSES.index(check.status))
        yield health
        try:
            yield from self._figures()
            self._ended.count()
        except StoreUnavailable:
            return  # which is what `queuant_health` says

    def _figures(self) -> Iterator[Metric]:
        store = self._services.store
        jobs = GaugeMetricFamily(
            "queuant_jobs", "Jobs, and parts of jobs, that have not ended", labels=["queue", "status"]
        )
        counts, oldest = store.read.counts(), store.read.oldest_wait()
        for queue, status in itertools.product(QUEUES, ("queued", "running")):
            jobs.add_metric([queue, status], counts.get((queue, status), 0))
        waits = GaugeMetricFamily(
            "queuant_oldest_wait_seconds", "How long the oldest queued job has waited; 0: none waits", labels=["queue"]
        )
        for queue in QUEUES:
            waits.add_metric([queue], oldest.get(queue, 0.0))
        bells = GaugeMetricFamily("queuant_doorbells", "Doorbells that nobody has heard yet", labels=["queue"])
        for queue in QUEUES:
            if (unheard := monitoring.bells(self._services, queue)) is not None:
                bells.add_metric([queue], unheard)
        found = monitoring.nodes(self._services)
        nodes = GaugeMetricFamily("queuant_nodes", "Workers, supervisors, APIs and relays", labels=["role", "state"])
        for (role, state), count in Tally((node.row.role, node.state) for node in found).items():
            nodes.add_metric([role, state], count)
        room = sum(node.row.concurrency for node in found if node.state in ("busy", "idle"))
        yield from (jobs, waits, bells, nodes)
        yield GaugeMetricFamily("queuant_worker_processes", "Jobs that can run at once", value=room)
        yield GaugeMetricFamily(
            "queuant_leases_overdue", "Running jobs that lost their worker", value=store.nodes.overdue(0.0)
        )
        told = store.events.heads([WORKERS, FENCED])
        lost, fenced = told.get(WORKERS, 0), told.get(FENCED, 0)
        yield CounterMetricFamily("queuant_workers_lost", "Workers lost with a job in their hands", value=lost)
        yield CounterMetricFamily("queuant_attempts_fenced", "Attempts whose job was another's by then", value=fenced)


class Live(Collector):
    """The live clients of this process."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def collect(self) -> Iterator[Metric]:
        for name, value in self._relay.stats().items():
            yield GaugeMetricFamily(f"queuant_relay_{name}", f"Live {name} of this process", value=value)
        ended = CounterMetricFamily(
            "queuant_relay_ended", "Clients that ended, by close code; 4408 was too slow", labels=["code"]
        )
        for code, count in self._relay.ended().items():
            ended.add_metric([str(code)], count)
        yield ended


class Ended:
    """Counts the jobs that end, from one question to the next."""

    def __init__(self, services: Services, registry: CollectorRegistry) -> None:
        self._store = services.store
        self._jobs = Counter("queuant_jobs_ended", "Jobs that ended", ["kind", "status"], registry=registry)
        self._attempts = Counter("queuant_job_attempts", "Attempts of those jobs", ["kind"], registry=registry)
        self._wait = Histogram(
            "queuant_job_wait_seconds",
            "In the queue before the last attempt",
            ["queue"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._run = Histogram(
            "queuant_job_run_seconds",
            "From the start of the last attempt to the end",
            ["kind", "strategy_id"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._lock = threading.Lock()
        self._since: float | None = None
        self._seen: dict[str, float] = {}

    def count(self) -> None:
        """Count what has ended since the last time."""
        with self._lock:
            now = self._store.now()
            if self._since is None:
                self._seen = {row.id: row.finished_at for row in self._store.read.ended(now - _LATE_SECONDS)}
            for row in self._store.read.ended((self._since or now) - _LATE_SECONDS):
                if row.id not in self._seen:
                    self._seen[row.id] = row.finished_at
                    self._observe(row)
            self._since = now
            self._seen = {id_: at for id_, at in self._seen.items() if at >= now - 2 * _LATE_SECONDS}

    def _observe(self, row: Row[Any]) -> None:
        self._jobs.labels(row.kind, row.status).inc()
        self._attempts.labels(row.kind).inc(row.attempt)
        if row.started_at is not None:
            self._wait.labels(row.queue).observe(max(row.started_at - row.queued_at, 0.0))
            self._run.labels(row.kind, row.strategy_id or "").observe(max(row.finished_at - row.started_at, 0.0))
