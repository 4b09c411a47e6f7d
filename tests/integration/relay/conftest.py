"""Real servers of both roles, as processes of their own, and clients that speak WebSocket to them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from app import wiring
from app.embedded.ports import any_free
from app.events import Event, owner_channel
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
COMMAND = """
from app.process import die_with_parent
from app.settings import Settings
from app.web.server import run_{0}

die_with_parent()
run_{0}(Settings.from_env())
"""


@dataclass
class Live:
    """A running server, and the services of another process that works on the same data."""

    role: str
    port: int
    environ: dict[str, str]
    log: Path
    services: wiring.Services
    owner: str
    key: str
    process: subprocess.Popen[bytes] | None = None
    sockets: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    # The process

    def start(self) -> None:
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", COMMAND.format(self.role)],
                env=self.environ,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=10)
                return
            time.sleep(0.05)
        raise AssertionError(f"the {self.role} did not start:\n{self.log.read_text()}")

    def kill(self) -> None:
        """End the parent without a word; its child goes with it."""
        assert self.process
        child = self.child()
        self.process.kill()
        self.process.wait(10)
        if child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def child(self) -> int | None:
        assert self.process
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(found[0]) if found else None

    def close(self) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(self.services.close)
            stack.callback(self._end)
            stack.callback(self.sockets.close)

    def _end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    # Its clients

    def url(self, path: str = "/ws/jobs", **query: Any) -> str:
        return f"ws://127.0.0.1:{self.port}{path}" + (f"?{urlencode(query)}" if query else "")

    def connect(
        self, path: str = "/ws/jobs", *, headers: dict[str, str] | None = None, options: Any = None, **query: Any
    ) -> ClientConnection:
        """A client with the owner's key, unless it brings headers of its own."""
        given = {"Authorization": f"Bearer {self.key}"} if headers is None else headers
        opening = connect(self.url(path, **query), additional_headers=given, close_timeout=2, **(options or {}))
        return self.sockets.enter_context(opening)

    def say(self, count: int = 1, *, text: str = "", publish: bool = True) -> list[Event]:
        """Write durable events, and tell the bus."""
        events = []
        channel = owner_channel(self.owner)
        for _ in range(count):
            with self.services.store.database.write() as tx:
                data = {"text": text}
                events.append(self.services.store.events.append(tx, channel, "job_queued", data))
            if publish:
                self.services.bus.publish(events[-1])
        return events


def hear(sock: ClientConnection, count: int = 1, *, timeout: float = 10) -> list[dict[str, Any]]:
    return [json.loads(sock.recv(timeout=timeout)) for _ in range(count)]


def hear_out(sock: ClientConnection, *, timeout: float = 20) -> tuple[list[dict[str, Any]], int | None]:
    messages = []
    try:
        while True:
            messages += hear(sock, timeout=timeout)
    except ConnectionClosed as closed:
        return messages, closed.rcvd.code if closed.rcvd else None


@pytest.fixture(name="hear_out")
def _hear_out() -> Callable[..., tuple[list[dict[str, Any]], int | None]]:
    """All messages of a client until its socket is closed, and the code of the close frame (None without one)."""
    return hear_out


@pytest.fixture(name="hear")
def _hear() -> Callable[..., list[dict[str, Any]]]:
    """The next messages of a client."""
    return hear


def prepare(role: str, folder: Path, database_url: str, queue_url: str, variables: dict[str, str]) -> Live:
    port = any_free()
    environ = os.environ | {
        "QUEUANT_HOME": str(folder / "home"),
        "DATABASE_URL": database_url,
        "REDIS_URL": queue_url,
        "QUEUANT_PORT": str(port),
        "QUEUANT_RELAY_PORT": str(port),
        **variables,
    }
    services = wiring.build(Settings.from_env(environ))
    key = services.store.access.create_key("ada")
    return Live(role, port, environ, folder / f"{role}-{port}.log", services, "ada", key)


@pytest.fixture
def new_live(sqlite_url: str, redis_url: str, tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Starts servers of the test's own: the role, and settings by the names of their variables."""
    started: list[Live] = []

    def make(role: str, *, queue_url: str = redis_url, **variables: str) -> Live:
        started.append(prepare(role, tmp_path, sqlite_url, queue_url, variables))
        started[-1].start()
        return started[-1]

    yield make
    for live in started:
        live.close()


@pytest.fixture(scope="session")
def servers(
    sqlite_template: Path, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Live]]:
    """One running server of each role, started when it is first asked for."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copy(sqlite_template, folder / "shared.db")
    running: dict[str, Live] = {}

    def of(role: str) -> Live:
        if role not in running:
            running[role] = prepare(role, folder, f"sqlite:///{folder / 'shared.db'}", redis_url, {})
            running[role].start()
        return running[role]

    yield of
    for live in running.values():
        live.close()


def as_new_owner(server: Live) -> Live:
    """The same server for an owner whom nobody else in it knows."""
    owner = f"owner-{secrets.token_hex(4)}"
    key = server.services.store.access.create_key(owner)
    return replace(server, owner=owner, key=key, sockets=contextlib.ExitStack())


@pytest.fixture(params=["api", "relay"])
def live(request: pytest.FixtureRequest, servers: Callable[[str], Live]) -> Iterator[Live]:
    """A server of each role in turn, shared with other tests: it must be left running."""
    live = as_new_owner(servers(request.param))
    with live.sockets:
        yield live


@pytest.fixture
def relay(servers: Callable[[str], Live]) -> Iterator[Live]:
    """The shared relay."""
    live = as_new_owner(servers("relay"))
    with live.sockets:
        yield live
