"""The embedded server: one launcher that starts, keeps and stops every role on this machine."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from app.embedded import ports
from app.embedded.home import Home
from app.embedded.keeper import Keeper, Role
from app.embedded.queue import QueueServer, answers
from app.errors import StartRefused
from app.settings import Settings

Say = Callable[[str], None]
ADMIN = "admin"
LOGIN_SECONDS = 600
_READY_SECONDS = 180.0
_SLOW_SECONDS = 4.0
_QUEUE_SECONDS = 10.0
_HOPELESS_DEATHS = 3
_TICK_SECONDS = 0.1


@dataclass(frozen=True)
class Asked:
    """Which ports somebody asked for: those are taken or refused, never replaced."""

    port: bool = False
    relay_port: bool = False


class EmbeddedServer:
    """A whole Queuant in the foreground of one process.

    Args:
        settings: what to run, and where; REDIS_URL replaces the private queue server.
        workers: pool processes of the worker node.
        say: takes sentences for the person at the terminal.
    """

    def __init__(self, settings: Settings, *, workers: int, asked: Asked, say: Say) -> None:
        self.settings = settings
        self.home = Home(settings.home)
        self.key = ""
        self._workers = workers
        self._asked = asked
        self._say = say
        self._keeper = Keeper(say)
        self._stopping = threading.Event()
        self._held = ExitStack()
        self._is_ours = False  # the home may be in the hands of another server

    def start(self) -> None:
        """Start every role and return when a job can be taken. Raises StartRefused; nothing is left behind then."""
        self._catch_signals()
        try:
            self.home.prepare()
            self._held.enter_context(self.home.locked())
            self._is_ours = True
            self._clear_leftovers()
            self._choose_ports()
            self._start_queue()
            self._prepare_store()
            self._start_roles()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        self.home.announce(
            {"api_url": self.settings.api_url, "live_url": self.settings.live_url, "pid": os.getpid()},
        )

    def serve(self) -> None:
        """Keep the roles running until somebody asks to stop."""
        while not self._stopping.wait(_TICK_SECONDS):
            self._keeper.tick()

    def ask_to_stop(self) -> None:
        self._stopping.set()

    def stop(self) -> None:
        """Stop every role at once, the queue after them: what they still have to say goes through it."""
        self._stopping.set()
        if self._is_ours:
            self.home.withdraw()
        self._keeper.stop("api", "relay", "supervisor", "worker")
        self._keeper.stop("queue")
        self._held.close()

    def login_url(self) -> str:
        """A link that opens the pages once, without typing the key."""
        from app.store import Store
        from app.store.access import SCOPES, Caller

        store = Store(self.settings.database_url)
        ticket = store.access.issue_ticket(Caller(ADMIN, frozenset(SCOPES)), "login", seconds=LOGIN_SECONDS)
        store.close()
        return f"{self.settings.api_url}/login?ticket={ticket}"

    # In the order of `start`

    def _catch_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self._stopping.is_set() and number == signal.SIGINT:
            self._keeper.kill()
            self.home.withdraw()
            os._exit(1)
        self._stopping.set()

    def _clear_leftovers(self) -> None:
        """A launcher that was killed could not tidy up. Its children died with it; their notes stayed."""
        before = self.home.server()
        self.home.withdraw()
        for note in self.home.run.glob("*.ready"):
            note.unlink(missing_ok=True)
        if before and before.get("api_url") == self.settings.api_url:
            # They may take a moment to let go of the port that clients know.
            patience = time.monotonic() + 3.0
            while not ports.is_free(self.settings.host, self.settings.port) and time.monotonic() < patience:
                time.sleep(0.1)

    def _choose_ports(self) -> None:
        host, wanted = self.settings.host, self.settings.port
        port = ports.choose(host, wanted, asked=self._asked.port, option="--port")
        if port != wanted:
            holder = ports.who_holds(wanted)
            self._say(f"Port {wanted} is taken{f' by {holder}' if holder else ''}; using {port}.")
        relay = self.settings.relay_port
        if not self._asked.relay_port:
            relay = port + 1
        relay = ports.choose(host, relay, asked=self._asked.relay_port, option="QUEUANT_RELAY_PORT")
        settings = self.settings.replace(port=port, relay_port=relay)
        if not settings.relay_url:
            settings = settings.replace(relay_url=settings.relay_address)
        self.settings = settings

    def _start_queue(self) -> None:
        if self.settings.redis_url:
            if not answers(self.settings.redis_url):
                raise StartRefused("The queue server in REDIS_URL does not answer. Start it, or unset REDIS_URL.")
            return
        server = QueueServer(self.home)
        self.settings = self.settings.replace(redis_url=server.url)
        role = self._keep("queue", server.command())
        if not self._queue_is_up(role):
            aside = server.set_aside()
            if aside is None:
                raise StartRefused(f"The queue server did not start:\n{role.log_tail()}")
            self._say(f"The queue's log could not be read and was moved to {aside}; the jobs are in the database.")
            self._keeper.stop("queue")
            role = self._keep("queue", server.command())
            if not self._queue_is_up(role):
                raise StartRefused(f"The queue server did not start:\n{role.log_tail()}")
        self.home.remember_queue(server.url)

    def _queue_is_up(self, role: Role) -> bool:
        patience = time.monotonic() + _QUEUE_SECONDS
        while role.running and time.monotonic() < patience:
            if answers(self.settings.redis_url):
                return True
            time.sleep(0.02)
        return False

    def _prepare_store(self) -> None:
        """Bring the schema up to date and let the key of this home open whatever database there is."""
        from app.schema import upgrade
        from app.store import Store

        store = Store(self.settings.database_url)
        upgrade(store)
        self.key = self.home.make_key()
        opens = store.access.ensure_key(self.key, owner=ADMIN)
        store.close()
        if not opens:
            raise StartRefused(
                f"{self.home.key_file} holds no key, or one that was revoked. Remove the file to get a new key."
            )

    def _start_roles(self) -> None:
        python = [sys.executable, "-P", "-m"]  # -P: a folder `app` where the user stands is not ours
        grace = self.settings.grace_seconds + 5.0
        self._keep("worker", [*python, "workers", "worker", "--concurrency", str(self._workers)], grace)
        self._keep("supervisor", [*python, "workers", "supervisor"])
        self._keep("api", [*python, "app.cli", "api"])
        self._keep("relay", [*python, "app.cli", "relay"])

    def _keep(self, name: str, command: list[str], grace_seconds: float = 5.0) -> Role:
        path = Path(self.home.logs) / f"{name}.log"
        return self._keeper.add(Role(name, command, self.settings.environment(), path, grace_seconds))

    def _wait_until_ready(self) -> None:
        started = time.monotonic()
        told = False
        while missing := self._not_ready():
            waited = time.monotonic() - started
            self._refuse_if_hopeless(missing, waited)
            if waited > _SLOW_SECONDS and not told:
                self._say(f"Waiting for the {missing} ...")
                told = True
            self._keeper.tick()
            if self._stopping.wait(_TICK_SECONDS):
                raise KeyboardInterrupt

    def _refuse_if_hopeless(self, missing: str, waited: float) -> None:
        for role in self._keeper.roles:
            if role.deaths >= _HOPELESS_DEATHS:
                raise StartRefused(f"The {role.name} does not start. The end of {role.log}:\n{role.log_tail()}")
        if waited > _READY_SECONDS:
            raise StartRefused(f"The {missing} was not ready after {waited:.0f} s; see {self.home.logs}.")

    def _not_ready(self) -> str | None:
        """The first role that is not ready yet."""
        if not any(self.home.run.glob("*.ready")):
            return "worker"
        http = self.settings.relay_address.replace("ws", "http", 1)
        checks = {"relay": f"{http}/healthz", "api": f"{self.settings.loopback_url}/readyz"}
        return next((name for name, url in checks.items() if not _is_ok(url)), None)


def _is_ok(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def greeting(server: EmbeddedServer) -> dict[str, Any]:
    """What a person needs to know about a running server."""
    url = server.settings.api_url
    return {
        "api": f"{url}/api/v1",
        "docs": f"{url}/docs",
        "live": f"{server.settings.live_url}/ws/jobs",
        "page": server.login_url(),
        "key": str(server.home.key_file),
        "logs": str(server.home.logs),
    }
