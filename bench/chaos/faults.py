"""What can go wrong, one function each. To add a fault, write what it does and give it a line in FAULTS."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import redis
from sqlalchemy import text

from app.embedded.home import Home
from app.errors import StoreUnavailable
from app.store import Store

LEASE_SECONDS = 3.0
FROZEN_SECONDS = LEASE_SECONDS + 1.5
LOCKED_SECONDS = 2.0
OUTAGE_SECONDS = 60.0
# Runs of so many jobs have time for faults that last.
MANY = 5000
DONE_SECONDS = 300.0


@dataclass
class Field:
    """What faults act on: the server of a home, and worker nodes beside it."""

    launcher: int
    home: Home
    store: Store
    beside: Callable[[], Iterable[int]]
    chance: random.Random
    outage_seconds: float = 5.0

    def role(self, words: str) -> list[int]:
        """The launcher's own children with these words in their command line."""
        return [pid for pid, (parent, line) in processes().items() if parent == self.launcher and words in line]

    def nodes(self) -> list[int]:
        return [*self.role("workers worker"), *self.beside()]

    def children(self) -> list[int]:
        nodes = set(self.nodes())
        return sorted(pid for pid, (parent, _) in processes().items() if parent in nodes)


def _kill_child(at: Field) -> bool:
    return _signal(at, at.children(), signal.SIGKILL)


def _kill_node(at: Field) -> bool:
    return _signal(at, at.nodes(), signal.SIGKILL)


def _stop_node(at: Field) -> bool:
    return _signal(at, at.nodes(), signal.SIGTERM)


def _freeze_node(at: Field) -> bool:
    """For longer than a lease: it comes back as somebody who thinks that it still holds its jobs."""
    return _freeze(at, at.nodes(), FROZEN_SECONDS)


def _kill_supervisor(at: Field) -> bool:
    return _signal(at, at.role("workers supervisor"), signal.SIGKILL)


def _kill_api(at: Field) -> bool:
    """Also between the commit of a job and its doorbell."""
    return _signal(at, at.role("app.cli api"), signal.SIGKILL)


def _kill_relay(at: Field) -> bool:
    return _signal(at, at.role("app.cli relay"), signal.SIGKILL)


def _kill_queue(at: Field) -> bool:
    return _signal(at, at.role("-server"), signal.SIGKILL)


def _freeze_queue(at: Field) -> bool:
    """It keeps its connections and answers none of them."""
    return _freeze(at, at.role("-server"), at.outage_seconds)


def _lose_queue_for_long(at: Field) -> bool:
    return _freeze(at, at.role("-server"), OUTAGE_SECONDS)


def _empty_queue(at: Field) -> bool:
    with suppress(redis.RedisError), redis.Redis.from_url(at.home.queue_url(), socket_timeout=2) as queue:
        return bool(queue.flushall())
    return False


def _lock_database(at: Field) -> bool:
    """Nobody else can write, on PostgreSQL nobody can read either."""
    lock = None if at.store.database.is_sqlite else "LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"
    try:
        with at.store.database.write() as tx:  # on SQLite this is the lock
            if lock:
                tx.execute(text(lock))
            time.sleep(LOCKED_SECONDS)
    except StoreUnavailable:
        return False
    return True


@dataclass(frozen=True)
class Fault:
    """One sort of fault: how often of a hundred, what it does, and how long nothing else is done afterwards.

    One of no weight is done once, in runs of many jobs.
    """

    weight: int
    act: Callable[[Field], bool]
    rest_seconds: float = 0.0
    loses: bool = False  # workers lose their jobs by it


FAULTS: Mapping[str, Fault] = {
    "worker process killed": Fault(52, _kill_child, loses=True),
    "worker node killed": Fault(12, _kill_node, 4.5, loses=True),
    "worker node frozen beyond its lease": Fault(6, _freeze_node, 2.0, loses=True),
    "worker node stopped": Fault(5, _stop_node),
    "supervisor killed": Fault(4, _kill_supervisor),
    "API killed": Fault(5, _kill_api),
    "relay killed": Fault(2, _kill_relay),
    "queue server killed": Fault(5, _kill_queue),
    "queue server frozen": Fault(2, _freeze_queue),
    "queue server away for a minute": Fault(0, _lose_queue_for_long),
    "queue emptied": Fault(3, _empty_queue),
    "database locked": Fault(4, _lock_database),
}


def kinds_for(jobs: int) -> tuple[str, ...]:
    """What is done in a run of so many jobs."""
    return tuple(name for name, fault in FAULTS.items() if fault.weight or jobs >= MANY)


@dataclass
class Firing:
    """Does one fault after another from a thread of its own: each kind once, then by their weights."""

    field: Field
    pause_seconds: float
    kinds: Sequence[str]
    log: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._deck = self.field.chance.sample(self.kinds, len(self.kinds))
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """After every kind has been done once. Raises what ended the faults before their time, and TimeoutError where
        for so long there was nobody to whom a kind could be done.
        """
        ends = time.monotonic() + DONE_SECONDS
        while self._deck and self._thread.is_alive() and time.monotonic() < ends:
            time.sleep(0.1)
        self._stop.set()
        self._thread.join()
        if self._failed is not None:
            raise self._failed
        if self._deck:
            raise TimeoutError(f"Within {DONE_SECONDS:.0f} s these could not be done: {', '.join(self._deck)}.")

    def counts(self) -> dict[str, int]:
        done = Counter(name for _, name in self.log)
        return {name: done[name] for name in FAULTS if done[name]}

    def _run(self) -> None:
        try:
            self._fire()
        except Exception as error:  # noqa: BLE001 - told when the run is over: nothing may pass for lack of faults
            self._failed = error

    def _fire(self) -> None:
        weights = [FAULTS[name].weight for name in self.kinds]
        while not self._stop.wait(self.pause_seconds):
            name = self._deck[-1] if self._deck else self.field.chance.choices(self.kinds, weights)[0]
            began = time.time()
            if not FAULTS[name].act(self.field):
                continue  # nobody is there to whom it could be done at this moment
            self.log.append((began, name))
            if self._deck:
                self._deck.pop()
            self._stop.wait(FAULTS[name].rest_seconds)


def processes() -> dict[int, tuple[int, str]]:
    """Every process on this machine: its parent and command line."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    )
    rows = (line.split(None, 2) for line in listed.stdout.splitlines())
    return {int(row[0]): (int(row[1]), row[2]) for row in rows if len(row) == 3}


def _signal(at: Field, victims: list[int], number: signal.Signals) -> bool:
    """To one of them."""
    if not victims:
        return False
    with suppress(ProcessLookupError):
        os.kill(at.chance.choice(victims), number)
        return True
    return False


def _freeze(at: Field, victims: list[int], seconds: float) -> bool:
    """One of them, with all that it has started."""
    if not victims:
        return False
    group = at.chance.choice(victims)
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGCONT)
        return True
    return False
