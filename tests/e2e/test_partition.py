"""Each role on a machine of its own. One of them is cut off, without an error that says so, and comes back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from app import schema
from app.embedded.queue import find_binary
from app.store import Store
from app.tables import results
from tests.network import FORWARDER, Network, why_not

HOSTS = ("queue", "database", "api", "supervisor", "one", "two", "client")
LEASE_SECONDS = 3.0
PASSWORD = "of-this-test-alone"
SLEEPER = '''
import time

import numpy as np

from engine import strategy


@strategy(family="house", source="house", dataset="fx_daily", symbols=("EURUSD",))
def sleeper(bars):
    """Sleep, and hold nothing."""
    time.sleep(1.5)
    return np.zeros(bars.close.shape)
'''
pytestmark = pytest.mark.timeout(240)


class Platform:
    """The roles on hosts of a network, and a client on another one."""

    def __init__(self, network: Network, folder: Path, database: str) -> None:
        self.network, self.folder = network, folder
        self.store = Store(database)
        url = make_url(database)
        self._socket = f"{url.query['host']}/.s.PGSQL.5432"
        outside = url.set(host=network.address("database"), port=5432, password=PASSWORD, query={})
        self._database = outside.render_as_string(hide_password=False)
        self._running: list[subprocess.Popen[bytes]] = []
        self.api = f"http://{network.address('api')}:8000"

    def begin(self) -> None:
        self._serve_queue()
        forwarder = (sys.executable, "-c", FORWARDER, self.network.address("database"), "5432", self._socket)
        self._start("database", *forwarder)
        schema.upgrade(self.store)
        self.key = self.store.access.create_key("ada")
        (self.folder / "strategies").mkdir()
        (self.folder / "strategies" / "sleeper.py").write_text(SLEEPER)
        self._start_role("api", "api")
        self._start_role("supervisor", "supervisor")
        for host in ("one", "two"):
            self._start_role(host, "worker", "--concurrency", "1")

    def end(self) -> None:
        for process in self._running:
            process.kill()
            process.wait(10)
        self.store.close()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        with self.network.on("client"):
            return httpx.request(method, f"{self.api}{path}", headers=headers, timeout=30, trust_env=False, **options)

    def is_ready(self) -> bool:
        try:
            return self.call("GET", "/readyz").status_code == 200 and all(map(self.node, ("one", "two")))
        except httpx.TransportError:
            return False

    def node(self, host: str) -> str:
        """The name of the worker node on a host; nothing before it is ready."""
        return next((path.stem for path in (self.folder / host / "run").glob("*.ready")), "")

    def post(self, strategy: str = "sma_cross") -> str:
        body = {"strategy_id": strategy, "dataset": "fx_daily", "symbols": ["EURUSD"]}
        reply = self.call("POST", "/api/v1/backtest/run?fresh=true", json=body)
        assert reply.status_code == 202, reply.text
        return str(reply.json()["job_id"])

    def job(self, job_id: str) -> Any:
        return self.store.read.job(job_id, "ada")

    def log(self, host: str) -> str:
        return (self.folder / f"{host}.log").read_text()

    def _start_role(self, host: str, *words: str) -> None:
        self._start(
            host,
            sys.executable,
            "-m",
            "app.cli",
            *words,
            DATABASE_URL=self._database,
            REDIS_URL=f"redis://:{PASSWORD}@{self.network.address('queue')}:6379/0",
            QUEUANT_HOME=str(self.folder / host),
            QUEUANT_HOST=self.network.address(host),
            QUEUANT_PORT="8000",
            QUEUANT_PLAIN_HTTP="1",
            QUEUANT_STRATEGY_DIRS=str(self.folder / "strategies"),
            QUEUANT_LEASE_SECONDS=str(LEASE_SECONDS),
            QUEUANT_SIGNALS_SECONDS="0",
        )

    def _serve_queue(self) -> None:
        file = self.folder / "valkey.conf"
        address = self.network.address("queue")
        file.write_text(f'bind {address}\nport 6379\nrequirepass {PASSWORD}\nsave ""\ndir {self.folder}\n')
        self._start("queue", find_binary(), file)

    def _start(self, host: str, *command: str | Path, **variables: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("QUEUANT_")}
        with (self.folder / f"{host}.log").open("wb") as log:
            process = subprocess.Popen(
                self.network.command(host, *command),
                env=environment | variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._running.append(process)


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory, new_postgres: Callable[[], str], eventually: Callable[..., None]
) -> Iterator[Platform]:
    if reason := why_not():
        pytest.skip(f"a network of machines {reason}")
    with Network(*HOSTS) as network:
        platform = Platform(network, tmp_path_factory.mktemp("network"), new_postgres())
        try:
            platform.begin()
            eventually(platform.is_ready, 90)
            yield platform
        finally:
            platform.end()


def test_a_worker_that_is_cut_off_loses_its_job_to_another_and_works_again_when_it_is_back(
    platform: Platform, eventually: Callable[..., None]
) -> None:
    job_id = platform.post("sleeper")
    eventually(lambda: platform.job(job_id).lease_owner, 20)
    holder = platform.job(job_id).lease_owner.partition("/")[0]
    host = next(name for name in ("one", "two") if platform.node(name) == holder)
    platform.network.pull(host)
    eventually(lambda: platform.job(job_id).status == "succeeded", 60)
    assert platform.job(job_id).attempt == 2
    with platform.store.database.read() as tx:
        assert tx.execute(select(func.count()).where(results.c.job_id == job_id)).scalar() == 1

    platform.network.plug(host)
    eventually(lambda: "lost its lease" in platform.log(host) or "fenced off" in platform.log(host), 60)
    seen: Counter[str] = Counter()

    def works_again() -> bool:
        waiting = platform.post("sleeper")
        eventually(lambda: platform.job(waiting).status != "queued", 30)
        seen[(platform.job(waiting).lease_owner or "").partition("/")[0]] += 1
        return bool(seen[holder])

    eventually(works_again, 60)


def test_jobs_are_taken_while_the_queue_server_is_cut_off_and_run_when_it_is_back(
    platform: Platform, eventually: Callable[..., None]
) -> None:
    platform.network.pull("queue")
    started = time.monotonic()
    job_id = platform.post()
    assert time.monotonic() - started < 10
    assert platform.job(job_id).status == "queued"
    platform.network.plug("queue")
    eventually(lambda: platform.job(job_id).status == "succeeded", 60)


def test_a_request_is_refused_soon_while_the_database_is_cut_off_and_jobs_run_when_it_is_back(
    platform: Platform, eventually: Callable[..., None]
) -> None:
    platform.network.pull("database")
    started = time.monotonic()
    refused = platform.call("POST", "/api/v1/backtest/run", json={"strategy_id": "sma_cross"})
    assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    assert time.monotonic() - started < 20
    platform.network.plug("database")
    eventually(lambda: platform.call("GET", "/readyz").status_code == 200, 30)
    job_id = platform.post()
    eventually(lambda: platform.job(job_id).status == "succeeded", 60)
