"""The roles of docker-compose.yml as processes of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import yaml

from app.embedded.ports import any_free

ROOT = Path(__file__).resolve().parents[1]


class Deployment:
    """The services of the compose file as processes of this machine."""

    def __init__(self, folder: Path, database_url: str, redis_url: str, **variables: str) -> None:
        self.folder = folder
        self.database_url = database_url
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
            **variables,
        }

    def run(self, *words: str) -> str:
        """A command that ends by itself; what it printed."""
        command = [sys.executable, "-m", "app.cli", *words]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    def migrate(self) -> str:
        return self.run(*self._services["migrate"]["command"])

    def start(self, role: str, name: str = "", **variables: str) -> None:
        """Start a role; of several of one role each has a name."""
        command = [sys.executable, "-m", "app.cli", *self._services[role]["command"]]
        with self.log(name or role).open("wb") as log:
            self._running[name or role] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment | variables
            )

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def end(self, name: str) -> int:
        """Ask one to end; its exit code."""
        process = self._running.pop(name)
        process.terminate()
        return process.wait(40)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api}"

    def is_ready(self) -> bool:
        """Whether whoever was started can do its work."""
        for role, process in self._running.items():
            assert process.poll() is None, self.log(role).read_text()
        worker = "worker" not in self._running or any((self.folder / "home" / "run").glob("*.ready"))
        relay = "relay" not in self._running or _is_ok(f"http://127.0.0.1:{self.relay}/healthz")
        return worker and relay and _is_ok(f"{self.api_url}/readyz")

    def stop(self, *roles: str) -> dict[str, int]:
        """Ask roles, or every one, to end, as `docker stop` does; their exit codes."""
        ended = {role: self._running.pop(role) for role in roles or tuple(self._running)}
        for process in ended.values():
            process.terminate()
        return {role: process.wait(40) for role, process in ended.items()}

    def kill(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait(10)


def _is_ok(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
