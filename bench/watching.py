"""What is seen of a divided job while faults are done to its workers: in the database, and on its WebSocket."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import select

from app.client import Client
from app.store import TERMINAL
from app.store.news import node_of
from app.tables import jobs
from bench.fleet import Fleet

KILLED, QUEUE, FROZEN, STOPPED, GATHERING = (
    "worker node killed",
    "queue server killed, its memory lost",
    "worker node frozen beyond its lease",
    "worker node stopped (SIGTERM)",
    "gathering worker node killed",
)


@dataclass(frozen=True)
class Look:
    """A job and its chunks at one moment, by one statement."""

    parent: Any
    chunks: Sequence[Any]

    @classmethod
    def at(cls, fleet: Fleet, job_id: str) -> Look:
        with fleet.store.database.read() as tx:
            rows = tx.execute(select(jobs).where((jobs.c.id == job_id) | (jobs.c.parent_id == job_id))).all()
        chunks = [row for row in rows if row.parent_id is not None]
        return cls(next(row for row in rows if row.parent_id is None), chunks)

    @property
    def share(self) -> float:
        """How much of the units is done; -1 before and after the chunks."""
        waits = self.parent.status == "running" and self.chunks
        return self.parent.done / self.parent.units if waits else -1.0

    @property
    def gatherer(self) -> str | None:
        return node_of(self.parent.lease_owner) if self.parent.pending == 0 else None

    def held(self, *names: str) -> dict[str, int]:
        """Chunks that run on these nodes, or on any, with their attempts."""
        held = [row for row in self.chunks if row.status == "running"]
        return {row.id: row.attempt for row in held if not names or node_of(row.lease_owner) in names}


@dataclass
class Fault:
    """One fault: when, whom, and how long it took until the work went on."""

    what: str
    share: float
    began: float = 0.0
    at: int = 0
    name: str = ""
    held: dict[str, int] = field(default_factory=dict)
    seen: set[tuple[str, int]] = field(default_factory=set)
    counted: bool = False  # a stop counted as an attempt
    taken: float | None = None
    whole: float | None = None

    def begin(self, fleet: Fleet, look: Look, chance: random.Random) -> bool:
        """Do it, if somebody holds a chunk now to whom it can be done."""
        victims = [at for at in fleet.nodes if self._can_hit(fleet.name(at), look)]
        if not victims:
            return False
        self.at = chance.choice(victims)
        self.name = fleet.name(self.at)
        self.held = look.held(self.name) if self.what != QUEUE else {}
        self.seen = set(look.held().items())
        self.began = time.monotonic()
        act: dict[str, Callable[[], None]] = {
            QUEUE: fleet.kill_queue,
            FROZEN: lambda: fleet.freeze_worker(self.at),
            STOPPED: lambda: fleet.stop_worker(self.at),
        }
        act.get(self.what, lambda: fleet.kill_worker(self.at))()
        return True

    def observe(self, fleet: Fleet, look: Look) -> bool:
        """Whether the work goes on as before: what was lost waits or is in other hands, and nobody is idle."""
        seconds = time.monotonic() - self.began
        if self.taken is None and self._is_taken(look):
            self.taken = seconds
            self.counted = self.what == STOPPED and any(row.attempt > self._fair(row) for row in look.chunks)
        # On SQLite it may be frozen in the midst of a write, and then nobody can take anything from it.
        if self.what == FROZEN and (self.taken is not None or seconds > 2 * fleet.settings.lease_seconds):
            fleet.thaw_worker(self.at)
        busy = [at for at in fleet.nodes if look.held(fleet.name(at) or "-").items() - self.seen]
        if self.taken is not None and (len(busy) == len(fleet.nodes) if self.what == QUEUE else self.at in busy):
            self.whole = seconds
        return self.whole is not None or (not look.parent.pending and self.taken is not None)

    def _can_hit(self, name: str, look: Look) -> bool:
        if not name:
            return False
        return look.gatherer == name if self.what == GATHERING else bool(look.held(name))

    def _fair(self, row: Any) -> float:
        """Most attempts that a chunk may have had when it was handed back without counting one."""
        return self.held.get(row.id, np.inf) - int(row.status == "queued")

    def _is_taken(self, look: Look) -> bool:
        if self.what == GATHERING:
            return look.parent.status in TERMINAL or look.gatherer not in (None, self.name)
        if self.what == QUEUE:
            return bool(set(look.held().items()) - self.seen)
        rows = {row.id: row for row in look.chunks}
        return all(chunk not in rows or node_of(rows[chunk].lease_owner) != self.name for chunk in self.held)


@dataclass
class Ledger:
    """What is true at every look, or is written down as broken."""

    broken: list[str] = field(default_factory=list)
    looks: int = 0
    chunks: int = 0
    whole: bool = False
    attempts: Counter[int] = field(default_factory=Counter)
    _done: set[str] = field(default_factory=set)

    def take(self, look: Look) -> None:
        waits = look.parent.status == "queued" and look.parent.pending
        self.require(not waits, "a job was queued that still waits for chunks")
        if look.share < 0:
            return
        self.looks += 1
        rows = sorted(look.chunks, key=lambda row: row.request["first"])
        done = {row.id for row in rows if row.status == "succeeded"}
        ends = [0, *(row.request["stop"] for row in rows)]
        units = sum(row.units for row in rows if row.id in done)
        self.require([row.request["first"] for row in rows] == ends[:-1], "chunks overlap or leave a gap")
        self.require(ends[-1] == look.parent.units, "chunks are not the whole search")
        self.require(all(row.units == row.request["stop"] - row.request["first"] for row in rows), "wrong units")
        self.require(units == look.parent.done, f"{units} units are done, {look.parent.done} are counted")
        self.require(len(rows) - len(done) == look.parent.pending, "pending is not the number of chunks left")
        self.require(self._done <= done, "a chunk that was done is not any more")
        self._done, self.chunks = done, len(rows)
        self.whole |= len(done) == len(rows)
        self.attempts = Counter(row.attempt for row in rows)

    def require(self, held: bool, sentence: str) -> None:
        if not held and sentence not in self.broken:
            self.broken.append(sentence)


class Ear(threading.Thread):
    """Hears a job over its WebSocket until it has ended."""

    def __init__(self, client: Client, job_id: str) -> None:
        super().__init__(daemon=True)
        self.types: list[str] = []
        self.progress: list[tuple[int, str, float]] = []
        self.rows = 0
        self.back: list[str] = []
        self._client, self._job_id = client, job_id
        self.start()

    def run(self) -> None:
        attempts = 0
        with self._client.listen(self._job_id) as listener:
            for event in listener.events(3600):
                if event.type == "job_progress":
                    self._hear((attempts, event.data["phase"], event.data["fraction"]))
                elif event.type == "trial_rows":
                    self.rows += 1
                else:
                    self.types.append(event.type)
                    attempts += event.type == "job_running"
                if event.ended:
                    return

    def _hear(self, told: tuple[int, str, float]) -> None:
        last = self.progress[-1] if self.progress else told
        if told[:2] == last[:2] and told[2] < last[2]:
            self.back.append(f"progress of {told[1]} went back from {last[2]} to {told[2]}")
        self.progress.append(told)
