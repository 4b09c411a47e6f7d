"""A server whose roles can be killed one by one: a queue server, the API, a supervisor and worker nodes."""

from __future__ import annotations

import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from app.client import Client
from app.embedded.home import Home
from app.embedded.keeper import Role
from app.embedded.ports import any_free
from app.embedded.queue import QueueServer, answers
from app.schema import upgrade
from app.settings import Settings
from app.store import Store

ROOT = Path(__file__).resolve().parents[1]
OWNER = "admin"
READY_SECONDS = 120.0


class Fleet:
    """Roles in process groups of their own. They die with the process, and the thread, that started them.

    Args:
        home: a folder of its own.
        workers: nodes, each with a pool of one process.
        database: URL of an empty database; default: SQLite in the home folder.
        variables: settings by the names of `Settings`.
        environ: variables of the worker nodes.
    """

    def __init__(
        self,
        home: Path,
        *,
        workers: int = 2,
        database: str | None = None,
        environ: Mapping[str, str] | None = None,
        **variables: object,
    ) -> None:
        self.home = Home(home)
        self.home.prepare()
        self._queue = QueueServer(self.home)
        given: dict[str, object] = {"port": any_free(), "redis_url": self._queue.url, "database_url": database}
        self.settings = Settings.from_env({}, home=home, signals_seconds=0.0, **given, **variables)
        self.store = Store(self.settings.database_url)
        self.key = self.home.make_key()
        self._queue_role = self._role("queue", self._queue.command())
        self._others = [self._role("supervisor", "workers supervisor"), self._role("api", "app.cli api")]
        self._workers = [
            self._role(f"worker{at}", "workers worker --concurrency 1", environ or {}) for at in range(workers)
        ]
        self._names = [""] * workers
        self._begins = [0] * workers  # where in its log a node began

    def __enter__(self) -> Self:
        upgrade(self.store)
        self.store.access.ensure_key(self.key, owner=OWNER)
        self._queue_role.start()
        until(lambda: answers(self._queue.url))
        for role in [*self._others, *self._workers]:
            role.start()
        until(lambda: all(map(self.name, self.nodes)))
        until(lambda: _is_ok(f"{self.settings.api_url}/readyz"))
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, trace: TracebackType | None) -> None:
        for role in [*self._workers, *self._others, self._queue_role]:
            role.signal_group(signal.SIGKILL)
            if role.process is not None:
                role.process.wait()
        self.store.close()

    def client(self) -> Client:
        return Client(self.settings.api_url, self.key, home=self.home.path)

    def processes(self) -> dict[str, list[int]]:
        """The processes of each role; their children are not among them."""
        roles = [*self._others, *self._workers, self._queue_role]
        found: dict[str, list[int]] = {}
        for role in roles:
            assert role.process is not None
            found.setdefault(role.name.rstrip("0123456789"), []).append(role.process.pid)
        return found

    @property
    def nodes(self) -> range:
        return range(len(self._workers))

    def name(self, at: int) -> str:
        """What a worker node calls itself; nothing until it is ready."""
        if not self._names[at]:
            log = self._workers[at].log
            with log.open(errors="replace") as lines:
                lines.seek(self._begins[at])
                said = re.search(r"worker (\S+) is ready", lines.read())
            self._names[at] = said[1] if said else ""
        return self._names[at]

    def kill_worker(self, at: int) -> None:
        """End a node and its pool without a word, and start another one."""
        self._workers[at].signal_group(signal.SIGKILL)
        self._replace(at)

    def stop_worker(self, at: int) -> None:
        """Ask a node to stop, wait for it, and start another one."""
        process = self._workers[at].process
        assert process is not None
        process.terminate()
        self._replace(at)

    def freeze_worker(self, at: int) -> None:
        self._workers[at].signal_group(signal.SIGSTOP)

    def thaw_worker(self, at: int) -> None:
        self._workers[at].signal_group(signal.SIGCONT)

    def kill_queue(self) -> None:
        """End the queue server without a word; another one with an empty memory takes its port."""
        process = self._queue_role.process
        assert process is not None
        process.kill()
        process.wait()
        shutil.rmtree(self.home.queue / "appendonlydir", ignore_errors=True)
        self._queue_role.start()

    def logged(self, *words: str) -> int:
        """How many lines of the workers' logs have one of these words."""
        logs = (role.log.read_text(errors="replace") for role in self._workers)
        return sum(any(word in line for word in words) for log in logs for line in log.splitlines())

    def _replace(self, at: int) -> None:
        role = self._workers[at]
        assert role.process is not None
        role.process.wait()
        self._names[at], self._begins[at] = "", role.log.stat().st_size
        role.start()

    def _role(self, name: str, command: str | list[str], environ: Mapping[str, str] | None = None) -> Role:
        words = [sys.executable, "-m", *command.split()] if isinstance(command, str) else command
        own = {**self.settings.environment(), "PYTHONPATH": str(ROOT), **(environ or {})}
        return Role(name, words, own, self.home.logs / f"{name}.log")


def until(condition: Callable[[], object], seconds: float = READY_SECONDS) -> None:
    """Wait until it is true."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise SystemExit("It did not come true in time.")
        time.sleep(0.05)


def _is_ok(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
