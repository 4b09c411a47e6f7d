"""A hub over a real event log and a bus within the process, and clients at real sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.bus import MemoryBus
from app.events import Event
from app.store import Store
from app.web.channels import Client, Subscription
from app.web.filters import Filter
from app.web.hub import Greeting, Hub
from app.web.wire import Wire

CHANNEL = "jobs:ada"


class Listener:
    """A client whose thread does what a conversation does, and the far end of its socket."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        near, self.far = _connected_pair()
        self.far.settimeout(5)
        self._near = near
        self.wire = Wire(near)
        self._wake = threading.Event()
        self.client = Client(self.wire, self._wake.set)
        self._done = False
        self._buffer = b""
        self._thread = threading.Thread(target=self._run, daemon=True)

    def join(
        self, resume: tuple[str, int] | None = None, channel: str = CHANNEL, wanted: Filter | None = None
    ) -> Greeting:
        subscription, greeting = self.hub.subscribe(self.client, channel, resume, wanted)
        self.client.subscriptions[channel] = subscription
        if not self._thread.is_alive():
            self._thread.start()
        return greeting

    @property
    def subscription(self) -> Subscription:
        return self.client.subscriptions[CHANNEL]

    def wait_until_live(self) -> None:
        deadline = time.monotonic() + 5
        while not self.subscription.live and time.monotonic() < deadline:
            time.sleep(0.002)
        assert self.subscription.live

    def hear(self, count: int) -> list[dict[str, Any]]:
        """The next messages."""
        return [self._message() for _ in range(count)]

    def hear_nothing(self, seconds: float = 0.2) -> None:
        self.far.settimeout(seconds)
        with pytest.raises(TimeoutError):
            self.far.recv(1)
        self.far.settimeout(5)

    def close(self) -> None:
        self._done = True
        self.far.close()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(15)
        self.wire.close()
        self._near.close()

    def _run(self) -> None:
        try:
            while not self._done and self.client.ending is None:
                self.client.pump(self.hub.events)
                self._wake.wait(5)
                self._wake.clear()
        except OSError:
            pass
        finally:
            for subscription in self.client.subscriptions.values():
                self.hub.leave(subscription)

    def _message(self) -> dict[str, Any]:
        head = self._read(2)
        assert head[0] == 0x81, f"no text frame: {head!r}"
        size = head[1]
        if size == 126:
            size = int.from_bytes(self._read(2), "big")
        elif size == 127:
            size = int.from_bytes(self._read(8), "big")
        message: dict[str, Any] = json.loads(self._read(size))
        return message

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            more = self.far.recv(65536)
            assert more, "the connection ended"
            self._buffer += more
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found


def _connected_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        far = socket.create_connection(server.getsockname())
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        near, _ = server.accept()
    return near, far


class Newsroom:
    """Writes events into the log, and tells the bus unless told otherwise."""

    def __init__(self, store: Store, bus: MemoryBus) -> None:
        self.store = store
        self.bus = bus
        self.epoch = store.events.epoch

    def write(self, text: str = "", channel: str = CHANNEL, **data: str) -> Event:
        with self.store.database.write() as tx:
            return self.store.events.append(tx, channel, "job_queued", {"text": text, **data})

    def say(self, count: int = 1, text: str = "") -> list[Event]:
        events = [self.write(text) for _ in range(count)]
        for event in events:
            self.bus.publish(event)
        return events

    def progress(self, done: int, job_id: str = "j1") -> None:
        self.bus.publish(Event(CHANNEL, self.epoch, None, "job_progress", 0.0, {"job_id": job_id, "done": done}))


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
def newsroom(sqlite_url: str, bus: MemoryBus) -> Iterator[Newsroom]:
    store = Store(sqlite_url)
    yield Newsroom(store, bus)
    store.close()


@pytest.fixture
def new_hub(newsroom: Newsroom) -> Iterator[Callable[..., Hub]]:
    """Makes hubs; without `poll_seconds` the safety poll never comes, so that it cannot hide a fault."""
    hubs: list[Hub] = []

    def make(*, poll_seconds: float = 3600.0, bus: Any = None) -> Hub:
        hubs.append(Hub(newsroom.store.events, bus or newsroom.bus, poll_seconds=poll_seconds))
        return hubs[-1]

    yield make
    for hub in hubs:
        hub.stop(patience=5.0)  # its threads use the store, which is closed next


@pytest.fixture
def hub(new_hub: Callable[..., Hub]) -> Hub:
    return new_hub()


@pytest.fixture
def new_listener() -> Iterator[Callable[[Hub], Listener]]:
    listeners: list[Listener] = []

    def make(hub: Hub) -> Listener:
        listeners.append(Listener(hub))
        return listeners[-1]

    yield make
    for listener in listeners:
        listener.close()


@pytest.fixture
def listener(hub: Hub, new_listener: Callable[[Hub], Listener]) -> Listener:
    return new_listener(hub)
