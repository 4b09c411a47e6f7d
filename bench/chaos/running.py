"""One run: the server, the load, the faults, the checks."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app.client import Client, ClientError
from app.embedded.home import Home
from app.settings import Settings
from app.store import Store
from app.taskqueue import CeleryQueue
from bench.chaos import checks, load
from bench.chaos.faults import LEASE_SECONDS, Field, Firing, kinds_for
from bench.serving import serving

SETTLE_SECONDS = 120.0
POSTERS = 4
RATE = 25.0


@dataclass
class Report:
    """What happened, and what must not have."""

    jobs: int
    seed: int
    database: str
    seconds: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    acknowledged_cancels: int = 0
    poison: int = 0
    recovery_seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    found: checks.Findings = field(default_factory=checks.Findings)

    @property
    def ok(self) -> bool:
        return self.found.ok

    def table(self) -> str:
        """As Markdown."""
        lines = ["| fault | times | jobs taken back | after, p50 | max |", "|---|---:|---:|---:|---:|"]
        for name, count in self.faults.items():
            told = self.recovery_seconds.get(name)
            rest = f"{told['jobs']:.0f} | {told['p50']:.2f} s | {told['max']:.2f} s" if told else "| |"
            lines.append(f"| {name} | {count} | {rest} |")
        return "\n".join([*lines, f"| all | {sum(self.faults.values())} | | | |"])

    def document(self) -> dict[str, Any]:
        return asdict(self) | {"ok": self.ok}


def run(
    jobs: int,
    seed: int,
    home: Path,
    *,
    workers: int = 2,
    rate: float = RATE,
    pause_seconds: float = 1.0,
    outage_seconds: float = 5.0,
    kinds: Sequence[str] = (),
    database: str = "",
) -> Report:
    """Post the jobs under faults and check what became of them. `database` is empty, or names an empty one.

    Without `kinds` it is every kind of fault for which a run of so many jobs has time.
    """
    load.prepare(home)
    variables = {"QUEUANT_LEASE_SECONDS": str(LEASE_SECONDS)} | ({"DATABASE_URL": database} if database else {})
    with serving(home, workers, **variables) as launcher, Client(home=home) as client:
        settings = Settings.from_env(home=home, database_url=database or None, redis_url=Home(home).queue_url())
        store, queue = Store(settings.database_url), CeleryQueue(settings)
        report = Report(jobs, seed, store.database.url.get_backend_name())
        posted, started = load.Posted(), time.monotonic()
        with node_beside(home, variables) as beside:
            field = Field(launcher.pid, Home(home), store, beside, random.Random(seed), outage_seconds)
            firing = Firing(field, pause_seconds, kinds or kinds_for(jobs))
            with ThreadPoolExecutor(POSTERS) as pool:
                at = [started + number / rate for number in range(jobs)]
                posting = [
                    pool.submit(load.post, client, queue, posted, seed=seed, number=number, at=at[number])
                    for number in range(jobs)
                ]
                for done in posting:
                    done.result()
            firing.stop()
            _wait(client, jobs)
        report.seconds = round(time.monotonic() - started, 1)
        report.faults, report.refused = firing.counts(), posted.refused
        report.acknowledged_cancels, report.poison = len(posted.cancelled), len(posted.poison)
        report.found = checks.look(store, posted, jobs)
        report.recovery_seconds = checks.recoveries(store, firing.log, posted)
        store.close()
    return report


@contextmanager
def node_beside(home: Path, variables: dict[str, str]) -> Iterator[Any]:
    """A second worker node in its own process group, started again whenever it ends; gives its pid, if it lives."""
    ended = threading.Event()
    running: list[subprocess.Popen[bytes]] = []
    environment = {**os.environ, **variables, "QUEUANT_HOME": str(home)}

    def keep() -> None:
        with (home / "beside.log").open("ab") as log:
            while not ended.is_set():
                node = subprocess.Popen(
                    [sys.executable, "-P", "-m", "app.cli", "worker", "--concurrency", "2"],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
                running[:] = [node]
                if ended.is_set():
                    node.terminate()
                node.wait()
                ended.wait(0.5)

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield lambda: [node.pid for node in running if node.poll() is None]
    finally:
        ended.set()
        for node in running:
            with suppress(ProcessLookupError):
                node.terminate()
        thread.join(60)


def _wait(client: Client, count: int) -> None:
    """Wait until nothing is queued or running any more, as long as that is reasonable."""
    deadline = time.monotonic() + SETTLE_SECONDS + count / 10
    while time.monotonic() < deadline:
        with suppress(ClientError):
            if not any(client.jobs(status=status, limit=1) for status in ("queued", "running")):
                return
        time.sleep(0.25)
