"""A platform without processes: jobs, signals and datasets are real, time is the test's; and who gets its alerts."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from app.alerts import rules, watching
from app.catalog import Catalog
from app.depot import Folder
from app.library import Meaning
from app.settings import Settings
from app.shelf import Shelf
from app.store import AlertFilter
from app.store.signals import DAY_SECONDS, Spoken
from app.usercode import UserCode
from app.wiring import Services

NOON = 1_750_000_000.0
ALL = AlertFilter()
SECRET = "a secret of some length"


class Platform:
    """Services, and what happens in them."""

    def __init__(self, world: Any, services: Services) -> None:
        self.world = world
        self.services = services
        self.store = services.store
        self.clock = world.clock

    def round(self) -> int:
        """One round of a supervisor."""
        return watching.evaluate(self.services)

    def alerts(self, owner: str = "ada", **wanted: Any) -> list[Any]:
        """The owner's alerts, oldest first."""
        rows, _ = self.store.alerts.page(owner, replace(ALL, **wanted), limit=100, before=None)
        return sorted(rows, key=lambda row: (row.raised_at, row.kind, row.entity))

    def told(self, owner: str = "ada") -> list[str]:
        return [event.type for event in self.store.events.since(f"alerts:{owner}", 0)]

    def rule(self, rule_id: str, owner: str = "ada", **given: Any) -> None:
        rules.put(self.services, owner, rule_id, given)

    def fail(self, owner: str = "ada", **request: Any) -> str:
        """A job that fails."""
        claim = self.world.claim(self.world.submit(owner, **request).id)
        self.world.jobs.fail(claim, self.world.error)
        return str(claim.job_id)

    def speak(self, strategy: str, day: float, conviction: float, change: str | None = None, symbol: str = "A") -> None:
        """A job that says this of a symbol."""
        direction = "LONG" if conviction > 0 else "SHORT"
        row = {"symbol": symbol, "at": NOON + day * DAY_SECONDS, "leg": 0, "direction": direction, "strength": "weak"}
        row |= {"conviction": conviction, "weight": conviction, "z_score": None, "raw_value": None}
        row |= {"reason": "Because.", "change": change}
        said = Spoken(strategy, "macro", "s1", 1, "d1", "real", row["at"], [row])
        claim = self.world.running()
        assert self.world.jobs.finish(claim, replace(self.world.output, signals=said)) == "succeeded"

    def hook(self, name: str, port: int, **more: Any) -> None:
        """A webhook of Ada's to a port of this machine."""
        values = {"url": f"http://127.0.0.1:{port}/hook?team=1", "severity": "info", "enabled": True, **more}
        self.store.deliveries.put("ada", name, values, secret=SECRET)

    def outbox(self) -> list[tuple[str, str, int, str | None]]:
        """What became of the deliveries of Ada's one alert."""
        (alert,) = self.alerts()
        found = self.store.deliveries.of_alert(alert.id)
        return [(one.webhook_id, one.status, one.attempt, one.error) for one in found]

    def keep(self, name: str, last: str, *, quality: str = "real", days: int = 60) -> None:
        """Put closes of weekdays up to a day into the library."""
        end = np.datetime64(last)
        times = np.arange(end - days + 1, end + 1)
        times = times[np.is_busday(times)].astype("datetime64[s]")
        table = pa.table({"time": times, "A": np.linspace(100.0, 110.0, len(times))})
        assert self.services.catalog.library is not None
        self.services.catalog.library.put(table, id=name, meaning=Meaning(name, quality=quality))


def make_platform(world: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """Ada and Bob have keys; there are no datasets yet."""
    monkeypatch.setattr("app.library.time", SimpleNamespace(time=world.clock))
    settings = Settings.from_env({}, home=folder, webhook_loopback=1)
    catalog = Catalog([], depot=Folder(folder / "datasets"))
    shelf = Shelf(user_code=UserCode((), required=False), expressions=world.store.expressions)
    for owner in ("ada", "bob"):
        world.store.access.create_key(owner)
    return Platform(world, Services(settings, world.store, world.bus, world.queue, catalog, world.jobs, shelf))


def both(do: Callable[[], Any]) -> list[Any]:
    """What two get that act at the same moment."""
    start = Barrier(2)

    def run(_: int) -> Any:
        start.wait()
        return do()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, range(2)))


class Receiver:
    """A server on this machine that keeps what it was sent, and answers as it is told; with a context behind TLS."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.secret = SECRET
        self.status = 204
        self.answer = b""
        self.pause = 0.0  # seconds before each byte of a header that has no end
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append((self.path, dict(self.headers), body))
                self.send_response(receiver.status)
                self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                while receiver.pause:
                    self.wfile.write(b"X")
                    time.sleep(receiver.pause)
                self.send_header("Content-Length", str(len(receiver.answer)))
                self.end_headers()
                self.wfile.write(receiver.answer)

            def log_message(self, *_: Any) -> None:
                return None

            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:
                    return  # the sender has hung up

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def platform(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """Ada and Bob have keys; there are no datasets yet."""
    return make_platform(world, tmp_path, monkeypatch)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


@pytest.fixture
def hook(platform: Platform, receiver: Receiver) -> Callable[..., None]:
    """Gives Ada a webhook to the receiver."""
    return lambda name="ops", **more: platform.hook(name, receiver.port, **more)
