"""Real servers, started as people start them, each in a home folder of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.serving import Server, until


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """Waits until a condition is true, and fails when that takes too long."""
    return until


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes paths for home folders."""
    return lambda: tmp_path_factory.mktemp("server") / "home"


@pytest.fixture(scope="session")
def new_server(new_home: Callable[[], Path]) -> Iterator[Callable[..., Server]]:
    """Starts servers: each call one, in a new home or in the one that is given."""
    if not Path("/proc").is_dir():
        pytest.skip("these tests look for processes in /proc")
    started: list[Server] = []

    def start(*arguments: str, home: Path | None = None, **environment: str) -> Server:
        server = Server(home or new_home(), *arguments, **environment)
        started.append(server)
        return server

    yield start
    for server in started:
        if server.process.poll() is None:
            server.end()
        for pid in server.processes():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def server(new_server: Callable[..., Server]) -> Server:
    """One server that the tests of a process share."""
    return new_server().wait_until_ready()
