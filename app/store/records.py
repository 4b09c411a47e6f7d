"""What goes into the statements on jobs and comes out of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from app.events import Event
from app.store.paper import Step
from app.store.signals import Spoken
from engine.overfit.tally import Tally


@dataclass(frozen=True)
class NewJob:
    """What `submit` needs to know of a job."""

    id: str
    owner: str
    kind: str
    queue: str
    request: Mapping[str, Any]
    request_hash: str
    max_attempts: int
    strategy_id: str | None = None
    dataset_id: str | None = None
    tags: tuple[str, ...] = ()
    retry_of: str | None = None


@dataclass(frozen=True)
class Idempotency:
    """A client's key and the fingerprint of the request that it stands for."""

    key: str
    fingerprint: str


@dataclass(frozen=True)
class Chunk:
    """A part of a job's work: its units first <= at < stop, with what they gave where that is known.

    `points` says what the units are where their numbers do not.
    """

    first: int
    stop: int
    found: bytes | None = None
    compute_ms: float = 0.0
    points: list[list[float]] | None = None

    @property
    def units(self) -> int:
        """How many it has."""
        return self.stop - self.first


@dataclass(frozen=True)
class Rest:
    """What a job is left to: chunks of its work, and how many units will follow from what they give; and the trials
    of those chunks that are done already.
    """

    chunks: list[Chunk]
    ahead: int = 0
    trials: Tally | None = None


@dataclass(frozen=True)
class Change:
    """A job's row after a statement, and the events that it wrote; of a child, its parent's row if that changed too."""

    job: Row[Any]
    events: list[Event] = field(default_factory=list)
    parent: Row[Any] | None = None


@dataclass(frozen=True)
class Due:
    """What a supervisor finds: whether leases have run out, whether chunks outlive their jobs, and the number of jobs
    that wait in each queue in which any do.
    """

    expired: bool
    orphans: bool
    waiting: Mapping[str, int]


@dataclass(frozen=True)
class Output:
    """What a successful run leaves: a JSON document with its hash (a chunk has none), large parts by name, signals,
    the trials that were made to find it, and a step of the paper book.
    """

    result: Mapping[str, Any] | None
    result_hash: str
    artifacts: Mapping[str, bytes]
    compute_ms: float
    signals: Spoken | None = None
    trials: Tally | None = None
    book: Step | None = None
