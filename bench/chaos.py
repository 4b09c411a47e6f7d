"""Jobs under fire: `python -m bench.chaos --jobs 1000 --seed 1`.

A real server runs in a home folder of its own. While jobs are posted over HTTP, a worker process is killed every
second, the whole worker node and the queue server are killed once, the queue is emptied once, and some jobs are
posted twice. At the end every job must have ended, with exactly one result for each success, and exactly one last
event for each job. With DATABASE_URL the jobs are in that database, which must be empty.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import text

from app.client import Client, ClientError
from app.embedded.home import Home
from app.settings import Settings
from app.store import TERMINAL, Store
from bench.serving import serving

LEASE_SECONDS = "3"
SETTLE_SECONDS = 90.0
POSTERS = 4
DOUBLED = 0.03
RATE = 25.0


@dataclass
class Report:
    """What happened, and what must not have."""

    jobs: int
    seed: int
    seconds: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    double_results: list[str] = field(default_factory=list)
    without_result: list[str] = field(default_factory=list)
    wrong_endings: list[str] = field(default_factory=list)
    wrong_failures: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        bad = (self.lost, self.double_results, self.without_result, self.wrong_endings, self.wrong_failures)
        return not any(bad)


def run(jobs: int, seed: int, home: Path, *, workers: int = 2, rate: float = RATE, kill_seconds: float = 1.0) -> Report:
    """Post the jobs under faults and check what became of them."""
    report = Report(jobs, seed)
    with serving(home, workers, QUEUANT_LEASE_SECONDS=LEASE_SECONDS) as launcher, Client(home=home) as client:
        started = time.monotonic()
        faults = Faults(launcher, Home(home), random.Random(seed), kill_seconds=kill_seconds)
        with ThreadPoolExecutor(POSTERS) as pool:
            ids: list[str] = []
            posting = [pool.submit(_post, client, seed, number, started + number / rate) for number in range(jobs)]
            for number, posted in enumerate(posting):
                ids.append(posted.result())
                faults.at(number / jobs)
        faults.at(1.0)
        _wait(client, jobs)
        report.faults = faults.stop()
        report.seconds = time.monotonic() - started
    _check(report, ids, home)
    return report


class Faults:
    """Kills a worker process every now and then, from a thread with random numbers of its own."""

    def __init__(
        self, launcher: subprocess.Popen[bytes], home: Home, chance: random.Random, *, kill_seconds: float
    ) -> None:
        self._launcher = launcher
        self._home = home
        self._chance = chance
        self._kill_seconds = kill_seconds
        self._done: Counter[str] = Counter()
        self._planned = [(0.3, self._kill_queue), (0.45, self._kill_node), (0.6, self._empty_queue)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._kill_workers, daemon=True)
        self._thread.start()

    def at(self, share: float) -> None:
        """Do what was planned for when this share of the jobs is posted."""
        while self._planned and share >= self._planned[0][0]:
            self._planned.pop(0)[1]()

    def stop(self) -> dict[str, int]:
        self._stop.set()
        self._thread.join()
        return dict(self._done)

    def _kill_workers(self) -> None:
        while not self._stop.wait(self._kill_seconds):
            tree = processes()
            nodes = self._children(tree, "workers worker")
            children = sorted(pid for pid, (parent, _) in tree.items() if parent in nodes)
            if children:
                self._kill(self._chance.choice(children), "worker process killed")

    def _kill_queue(self) -> None:
        for pid in self._children(processes(), "-server"):
            self._kill(pid, "queue server killed")

    def _kill_node(self) -> None:
        for pid in self._children(processes(), "workers worker"):
            self._kill(pid, "worker node killed")

    def _children(self, tree: dict[int, tuple[int, str]], words: str) -> list[int]:
        """The launcher's own children with these words in their command line."""
        return [pid for pid, (parent, command) in tree.items() if parent == self._launcher.pid and words in command]

    def _empty_queue(self) -> None:
        with redis.Redis.from_url(self._home.queue_url(), socket_timeout=5) as queue:
            for _ in range(100):  # it may be coming back from being killed
                with suppress(redis.ConnectionError):
                    queue.flushall()
                    self._done["queue emptied"] += 1
                    return
                time.sleep(0.1)

    def _kill(self, pid: int, what: str) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self._done[what] += 1


def processes() -> dict[int, tuple[int, str]]:
    """Every process on this machine: its parent and command line."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    )
    rows = (line.split(None, 2) for line in listed.stdout.splitlines())
    return {int(row[0]): (int(row[1]), row[2]) for row in rows if len(row) == 3}


def _post(client: Client, seed: int, number: int, at: float) -> str:
    """One job that is like no other, not before its time; some are posted twice under the same key."""
    time.sleep(max(0.0, at - time.monotonic()))
    times = 2 if random.Random(f"{seed}/{number}").random() < DOUBLED else 1
    posted: set[str] = set()
    for _ in range(times):
        job = client.backtest(
            "sma_cross",
            params={"fast": 5 + number % 40, "slow": 60 + number // 40 % 100},
            dataset="fx_daily",
            symbols=["EURUSD"],
            seed=number,
            idempotency_key=f"chaos-{seed}-{number}",
        )
        posted.add(job.id)
    assert len(posted) == 1, "one Idempotency-Key made two jobs"
    return posted.pop()


def _wait(client: Client, count: int) -> None:
    """Wait until nothing is queued or running any more, as long as that is reasonable."""
    deadline = time.monotonic() + SETTLE_SECONDS + count / 10
    while time.monotonic() < deadline:
        with suppress(ClientError):
            if not any(client.jobs(status=status, limit=1) for status in ("queued", "running")):
                return
        time.sleep(0.25)


def _check(report: Report, ids: list[str], home: Path) -> None:
    """Look into the database, not at what the API says about it."""
    store = Store(Settings.from_env(home=home).database_url)
    with store.database.read() as tx:
        rows = {row.id: row for row in tx.execute(text("SELECT id, status, attempt, max_attempts, error FROM jobs"))}
        results = Counter(tx.execute(text("SELECT job_id FROM results")).scalars())
        channels = tx.execute(text("SELECT channel, type FROM events WHERE channel LIKE 'jobs/%'")).all()
    store.close()
    endings = Counter(channel for channel, kind in channels if kind.removeprefix("job_") in TERMINAL)
    report.statuses = dict(Counter(row.status for row in rows.values()))
    report.attempts = dict(sorted(Counter(row.attempt for row in rows.values()).items()))
    report.lost = [job_id for job_id in ids if job_id not in rows or rows[job_id].status not in TERMINAL]
    for job_id, row in rows.items():
        if results[job_id] > 1:
            report.double_results.append(job_id)
        if (row.status == "succeeded") != (results[job_id] == 1):
            report.without_result.append(job_id)
        if endings[f"jobs/{job_id}"] != 1:
            report.wrong_endings.append(job_id)
        if row.status == "failed" and not _was_unlucky(row):
            report.wrong_failures.append(job_id)


def _was_unlucky(row: Any) -> bool:
    """Whether the job failed for the one reason that this test gives it: every attempt lost its process."""
    error = json.loads(row.error) if isinstance(row.error, str) else row.error
    return bool(error["code"] == "worker_lost" and row.attempt == row.max_attempts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rate", type=float, default=RATE, help="jobs posted in a second, at most")
    parser.add_argument("--home", type=Path, help="keep everything in this folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        home = given.home or Path(folder) / "home"
        report = run(given.jobs, given.seed, home, workers=given.workers, rate=given.rate)
    print(json.dumps(asdict(report), indent=2))
    print("Every job has ended; nothing was lost or doubled." if report.ok else "BROKEN PROMISES, see above.")
    raise SystemExit(0 if report.ok else 1)


if __name__ == "__main__":
    main()
