"""Does every client hear every event once, in order, while the relay, the queue server and connections die?

    python -m bench.soak [--events 10000] [--clients 6] [--seed 1]

Events are written at a steady rate and told on the bus; clients are the Python client's. Faults come at random: the
relay is killed, the queue server is killed, a client's connection is cut. In the last third the relay is left alive, so
that its memory can be watched.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RATE = 500.0
SETTLE_SECONDS = 60.0
MOMENTS = 8
RELAY = (
    "from app.process import die_with_parent\nfrom app.settings import Settings\nfrom app.web.server import run_relay\n"
    "die_with_parent()\nrun_relay(Settings.from_env())"
)


@dataclass
class Outcome:
    """What a soak found; `resident_kib` is the relay's memory at moments of the last third, the last one included."""

    events: int
    clients: int
    faults: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    doubled: int = 0
    disordered: int = 0
    resyncs: int = 0
    resident_kib: list[float] = field(default_factory=list)
    seconds: float = 0.0


class Ear(threading.Thread):
    """One client: the numbers that it has heard."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__(daemon=True)
        from app.client.live import Listener

        self.listener = Listener(url, key, "jobs")
        self.listener.connect()
        self.heard: list[int] = []
        self.resyncs = 0
        self.last = sys.maxsize

    def run(self) -> None:
        for event in self.listener.events():
            if event.seq is None:
                self.resyncs += event.type == "resync"
                continue
            self.heard.append(event.seq)
            if event.seq >= self.last:
                return

    def cut(self) -> None:
        socket = self.listener._socket
        if socket is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(2)


class Stage:
    """A relay, a queue server and a log in a folder of their own."""

    def __init__(self, home: str) -> None:
        from app import schema, wiring
        from app.embedded.ports import any_free
        from app.settings import Settings

        self.bus_port, self.port = any_free(), any_free()
        self.home = home
        self.environ = {
            **os.environ,
            "QUEUANT_HOME": home,
            "DATABASE_URL": f"sqlite:///{home}/soak.db",
            "REDIS_URL": f"redis://127.0.0.1:{self.bus_port}/0",
            "QUEUANT_RELAY_PORT": str(self.port),
            "QUEUANT_LOG_LEVEL": "ERROR",
        }
        self.services = wiring.build(Settings.from_env(self.environ))
        schema.upgrade(self.services.store)
        self.key = self.services.store.access.create_key("soak")
        self.queue = self._start_queue()
        self.relay = self._start_relay()

    def _start_queue(self) -> subprocess.Popen[bytes]:
        from app.embedded.queue import find_binary

        command = [str(find_binary()), "--port", str(self.bus_port), "--dir", self.home, "--save", ""]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def _start_relay(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", RELAY], env=self.environ, start_new_session=True)

    def kill_relay(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.relay.pid, signal.SIGKILL)
        self.relay.wait(10)
        self.relay = self._start_relay()

    def kill_queue(self) -> None:
        self.queue.kill()
        self.queue.wait(10)
        self.queue = self._start_queue()

    def resident(self) -> float:
        """KiB of the relay's working process."""
        children = Path(f"/proc/{self.relay.pid}/task/{self.relay.pid}/children").read_text().split()
        pid = children[0] if children else self.relay.pid
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024

    def say(self, number: int) -> None:
        from app.errors import QueueUnavailable
        from app.events import owner_channel

        store = self.services.store
        with store.database.write() as tx:
            event = store.events.append(tx, owner_channel("soak"), "job_queued", {"job_id": f"{number:032x}"})
        with contextlib.suppress(QueueUnavailable):
            self.services.bus.publish(event)

    def close(self) -> None:
        for process in (self.relay, self.queue):
            process.kill()
            process.wait(10)
        self.services.close()


def _connected(stage: Stage, clients: int) -> list[Ear]:
    from app.client.errors import Unreachable

    deadline = time.monotonic() + 30
    while True:
        try:
            return [Ear(f"ws://127.0.0.1:{stage.port}", stage.key) for _ in range(clients)]
        except Unreachable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def soak(events: int, clients: int, *, seed: int = 1, rate: float = RATE) -> Outcome:
    """Run it in a folder of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory() as home, contextlib.closing(Stage(home)) as stage:
        ears = _connected(stage, clients)
        for ear in ears:
            ear.last = events
            ear.start()
        found = Outcome(events, clients)
        began = time.monotonic()
        _perform(stage, ears, found, random.Random(seed), rate)
        for ear in ears:
            ear.join(SETTLE_SECONDS)
        found.resident_kib.append(stage.resident())
        found.seconds = time.monotonic() - began
        for ear in ears:
            heard = list(ear.heard)
            found.missing += events - len(set(heard))
            found.doubled += len(heard) - len(set(heard))
            found.disordered += heard != sorted(heard)
            found.resyncs += ear.resyncs
            ear.listener.close()
        return found


def _perform(stage: Stage, ears: list[Ear], found: Outcome, chance: random.Random, rate: float) -> None:
    began = time.monotonic()
    next_fault = began + 1.0
    calm = found.events * 2 // 3
    for number in range(found.events):
        stage.say(number)
        time.sleep(max(0.0, began + (number + 1) / rate - time.monotonic()))
        if number >= calm and (number - calm) % max(1, (found.events - calm) // MOMENTS) == 0:
            found.resident_kib.append(stage.resident())
        if time.monotonic() < next_fault:
            continue
        kinds = ["cut", "cut", "queue"] + (["relay"] if number < calm else [])
        kind = chance.choice(kinds)
        found.faults[kind] += 1
        doers: dict[str, Any] = {"cut": chance.choice(ears).cut, "queue": stage.kill_queue, "relay": stage.kill_relay}
        doers[kind]()
        next_fault = time.monotonic() + chance.uniform(0.4, 1.6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000, help="100000 is a soak of some minutes")
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(soak(asked.events, asked.clients, seed=asked.seed))


if __name__ == "__main__":
    main()
