"""Jobs that can be done in parts, by as many workers as there are.

A worker that is rung for such a job does it alone where that takes a moment. Else it measures how long a unit takes,
cuts what is left into chunks of some seconds each, and lays the job down (`Jobs.park`); chunks are done by whoever is
free, and whoever is rung after the last one gathers what they found. What a unit gives does not depend on its chunk, so
a result is the same for any number of workers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet
from celery.exceptions import SoftTimeLimitExceeded

from app.jobs import Claim
from app.store import Chunk
from app.store.families import PART
from app.wiring import Services
from engine.errors import QueuantError
from engine.figures import Report
from workers.packing import Made, parquet

# Work that is left after the measuring, and takes no longer, is done at once.
ALONE_SECONDS = 1.5
CHUNK_SECONDS = 2.0
# Between two calls of `report`; rows that were found are told as often.
SLICE_SECONDS = 0.25
# So much work tells how long a unit takes.
MEASURED_SECONDS = 0.3
_GROWTH = 8
MOST_CHUNKS = 5_000


class Work(Protocol):
    """A job that can be divided."""

    @property
    def units(self) -> int:
        """How many parts there are; they have no order."""

    def run(self, first: int, stop: int) -> pa.Table:
        """What the units first <= at < stop give, rows in their order."""

    def rows(self, found: pa.Table) -> dict[str, Any]:
        """What of a few units' rows is told while the job runs."""

    def gather(self, claim: Claim, found: pa.Table, report: Report) -> Made:
        """The result, from the rows of all units in their order."""


@dataclass
class Pace:
    """Does units in slices that take about as long as one another, beginning with a single unit."""

    work: Work
    claim: Claim
    services: Services
    size: int = 1
    seconds_each: float = 0.0
    elapsed: float = 0.0

    def slice(self, first: int, stop: int) -> tuple[Chunk, pa.Table]:
        """The next slice of a stretch, and what it gave."""
        stop = min(stop, first + self.size)
        started = time.perf_counter()
        table = self.work.run(first, stop)
        took = time.perf_counter() - started
        self.elapsed += took
        self.seconds_each = took / (stop - first)
        self.size = max(1, min(int(SLICE_SECONDS / max(self.seconds_each, 1e-9)), _GROWTH * self.size))
        self.services.jobs.tell_rows(self.claim, self.work.rows(table), time.time())
        return Chunk(first, stop, None, took * 1000), table


def divide(work: Work, claim: Claim, services: Services, report: Report) -> Made | list[Chunk]:
    """The result of a job, or the chunks that it is to be left to."""
    families = services.store.families
    if claim.parked:
        return work.gather(claim, _joined(families.parts(claim.job_id), work.units), report)
    # What an earlier attempt at the same request has left is not done again.
    done = [(chunk, _read(chunk)) for chunk in (families.parts(claim.retry_of) if claim.retry_of else [])]
    left = list(_missing([chunk for chunk, _ in done], work.units))
    pace = Pace(work, claim, services)
    while left:
        ahead = sum(stop - first for first, stop in left)
        if pace.elapsed > MEASURED_SECONDS and ahead * pace.seconds_each > ALONE_SECONDS:
            size = max(1, int(CHUNK_SECONDS / pace.seconds_each), -(-ahead // MOST_CHUNKS))
            found = [replace(chunk, found=parquet(table)) for chunk, table in done]
            return [*found, *(chunk for first, stop in left for chunk in _cut(first, stop, size))]
        report(work.units - ahead, work.units, claim.kind)
        (first, stop), *rest = left
        done.append(pace.slice(first, stop))
        at = done[-1][0].stop
        left = [(at, stop), *rest] if at < stop else rest
    done.sort(key=lambda piece: piece[0].first)
    return work.gather(claim, pa.concat_tables([table for _, table in done]), report)


def run_part(work: Work, claim: Claim, services: Services, report: Report) -> dict[str, bytes]:
    """The part of a job that a chunk is."""
    at, stop = claim.request["first"], claim.request["stop"]
    pace, tables, total = Pace(work, claim, services), [], stop - at
    while at < stop:
        report(total - (stop - at), total, claim.kind)
        chunk, table = pace.slice(at, stop)
        tables.append(table)
        at = chunk.stop
    return {PART: parquet(pa.concat_tables(tables))}


def by_halves(work: Work, first: int, stop: int, error: QueuantError, alone: Callable[[], pa.Table]) -> pa.Table:
    """The rows of a stretch that failed as a whole: who it was is found by halves. A single unit has those of `alone`.

    Raises the error anew where it is the end of the job's time, whatever a strategy has made of it.
    """
    if isinstance(error.__cause__, SoftTimeLimitExceeded):
        raise error
    if stop - first == 1:
        return alone()
    half = (first + stop) // 2
    return pa.concat_tables([work.run(first, half), work.run(half, stop)])


def _missing(done: Iterable[Chunk], units: int) -> Iterator[tuple[int, int]]:
    """The stretches of units that no chunk has done."""
    at = 0
    for chunk in sorted(done, key=lambda chunk: chunk.first):
        if chunk.first > at:
            yield at, chunk.first
        at = chunk.stop
    if at < units:
        yield at, units


def _cut(first: int, stop: int, size: int) -> Iterator[Chunk]:
    for at in range(first, stop, size):
        yield Chunk(at, min(stop, at + size))


def _joined(chunks: Sequence[Chunk], units: int) -> pa.Table:
    """The rows of all units. Raises RuntimeError where some are missing or double: that is no result."""
    ends = [0, *(chunk.stop for chunk in chunks)]
    if [*(chunk.first for chunk in chunks), units] != ends:
        raise RuntimeError(f"The {len(chunks)} chunks that are done are not the {units} units of the job.")
    return pa.concat_tables([_read(chunk) for chunk in chunks])


def _read(chunk: Chunk) -> pa.Table:
    assert chunk.found is not None  # noqa: S101 - the store gives chunks that are done
    return pyarrow.parquet.read_table(pa.BufferReader(chunk.found))
