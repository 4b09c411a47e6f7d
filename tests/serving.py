"""Real servers for tests, started as people start them, each in a home folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.client import Client
from app.embedded.ports import any_free

START_SECONDS = 90.0
STOP_SECONDS = 45.0


class Server:
    """`queuant serve` in a process group of its own."""

    def __init__(self, home: Path, *arguments: str, **environment: str) -> None:
        self.home = home
        self.port = any_free()
        self.output = home.parent / f"{home.name}.out"
        command = [sys.executable, "-m", "app.cli", "serve", "--home", str(home), *arguments]
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("QUEUANT_", "REDIS_", "DATABASE_"))
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**inherited, **self.calm(), **environment},
            )

    def calm(self) -> dict[str, str]:
        """Ports of its own, and no work that nobody has asked for."""
        ports = {"QUEUANT_PORT": str(self.port), "QUEUANT_RELAY_PORT": str(any_free())}
        return {**ports, "QUEUANT_SIGNALS_SECONDS": "0"}

    def wait_until_ready(self) -> Server:
        until(lambda: self.is_ready() or self.process.poll() is not None, START_SECONDS)
        assert self.process.poll() is None, self.said()
        return self

    def is_ready(self) -> bool:
        """Whether this server, and not one that was killed before it, has announced itself."""
        return (self.home / "server.json").exists() and self.note["pid"] == self.process.pid

    def said(self) -> str:
        return self.output.read_text()

    @property
    def note(self) -> dict[str, Any]:
        return dict(json.loads((self.home / "server.json").read_text()))

    def client(self) -> Client:
        return Client(home=self.home)

    def processes(self) -> dict[int, str]:
        """Every process on this machine that belongs to this home, with its command line."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                environment = (folder / "environ").read_bytes().split(b"\0")
                place = (folder / "cwd").readlink()  # the queue server overwrites its environment
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if (f"QUEUANT_HOME={self.home}".encode() in environment or place == self.home / "queue") and state != "Z":
                found[int(folder.name)] = command
        return found

    def pids(self, *words: str) -> list[int]:
        """The processes whose command line has all these words, oldest first."""
        return sorted(pid for pid, command in self.processes().items() if all(word in command for word in words))

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the launcher and wait until it has ended."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


@contextmanager
def serving(home: Path, own: Mapping[str, str] | None = None, **environment: str) -> Iterator[Server]:
    """A server with one worker process, and with strategies of its own by the names of their files."""
    folder = home / "strategies"
    folder.mkdir(parents=True)
    for name, source in (own or {}).items():
        (folder / name).write_text(source)
    server = Server(home, "--workers", "1", **environment).wait_until_ready()
    try:
        yield server
    finally:
        server.end()
