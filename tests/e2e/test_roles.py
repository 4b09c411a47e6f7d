"""Each role by itself, as containers run them: the commands of docker-compose.yml on PostgreSQL and a queue server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.client import Client
from app.embedded.ports import any_free

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("api", "relay", "worker", "supervisor")


class Deployment:
    """The services of the compose file as processes of this machine."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        self.folder = folder
        self.api, self.relay = any_free(), any_free()
        self._services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("QUEUANT_")},
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "QUEUANT_HOME": str(folder / "home"),
            "QUEUANT_PORT": str(self.api),
            "QUEUANT_RELAY_PORT": str(self.relay),
            "QUEUANT_RELAY_URL": f"ws://127.0.0.1:{self.relay}",
        }

    def run(self, *words: str) -> str:
        """A command that ends by itself; what it printed."""
        command = [sys.executable, "-m", "app.cli", *words]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    def migrate(self) -> str:
        return self.run(*self._services["migrate"]["command"])

    def start(self, role: str) -> None:
        command = [sys.executable, "-m", "app.cli", *self._services[role]["command"]]
        with (self.folder / f"{role}.log").open("wb") as log:
            self._running[role] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment
            )

    def is_ready(self) -> bool:
        for role, process in self._running.items():
            assert process.poll() is None, (self.folder / f"{role}.log").read_text()
        worker = any((self.folder / "home" / "run").glob("*.ready"))
        return (
            worker
            and _is_ok(f"http://127.0.0.1:{self.api}/readyz")
            and _is_ok(f"http://127.0.0.1:{self.relay}/healthz")
        )

    def stop(self) -> dict[str, int]:
        """Ask every role to end, as `docker stop` does; their exit codes."""
        for process in self._running.values():
            process.terminate()
        return {role: process.wait(40) for role, process in self._running.items()}

    def kill(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait(10)


@pytest.fixture
def deployment(tmp_path: Path, empty_postgres_url: str, redis_url: str) -> Iterator[Deployment]:
    deployment = Deployment(tmp_path, empty_postgres_url, redis_url)
    yield deployment
    deployment.kill()


@pytest.mark.timeout(180)
def test_the_roles_of_the_compose_file_work_together_on_postgresql(
    deployment: Deployment, eventually: Callable[..., None]
) -> None:
    assert "from none to" in deployment.migrate()
    for role in ROLES:
        deployment.start(role)
    key = deployment.run("keys", "create", "--owner", "ada").strip()
    eventually(deployment.is_ready, 60)
    with Client(f"http://127.0.0.1:{deployment.api}", key, home=deployment.folder) as client:
        assert client.live_url == f"ws://127.0.0.1:{deployment.relay}"
        with client.listen() as listener:
            job = client.backtest("sma_cross", dataset="fx_daily", symbols=["EURUSD"])
            heard = []
            for event in listener.events(timeout=30):
                heard.append(event.type)
                if event.ended:
                    break
        assert [kind for kind in heard if kind != "job_progress"] == ["job_queued", "job_running", "job_succeeded"]
        result = job.wait(timeout=10).result()
        assert result.metrics["final_equity"] == pytest.approx(result.equity["value"].iloc[-1])
    started = time.monotonic()
    assert deployment.stop() == dict.fromkeys(ROLES, 0)
    assert time.monotonic() - started < 30


def _is_ok(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
