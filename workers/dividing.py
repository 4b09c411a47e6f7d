"""Jobs that can be done in parts, by as many workers as there are.

A worker that is rung for such a job does it alone where that takes a moment. Else it measures how long a unit takes,
cuts what is left into chunks of some seconds each, and lays the job down (`Jobs.park`); chunks are done by whoever is
free, and whoever is rung after the last one gathers what they found. What a unit gives does not depend on its chunk, so
a result is the same for any number of workers. Where what is found says what to do next, the job goes on in rounds: who
is rung after the last chunk of one begins the next, and lays the job down again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import pyarrow as pa
import pyarrow.parquet
from celery.exceptions import SoftTimeLimitExceeded

from app.jobs import Claim
from app.store import Chunk, Rest
from app.store.families import PART
from app.wiring import Services
from engine.errors import QueuantError
from engine.figures import Report
from engine.overfit import Tally
from workers.packing import Made, parquet

# Work that is left after the measuring, and takes no longer, is done at once.
ALONE_SECONDS = 1.5
CHUNK_SECONDS = 2.0
# Where there is little to do, such as a round, which ends with its last chunk.
SHORT_CHUNK_SECONDS = 0.5
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
        """How many parts are known; they have no order."""

    @property
    def ahead(self) -> int:
        """How many more will follow from what these give."""
        return 0

    def points(self, first: int, stop: int) -> list[list[float]] | None:  # noqa: ARG002
        """What the units first <= at < stop are, where their numbers do not say it."""
        return None

    def knowing(self, chunk: Chunk) -> Self:  # noqa: ARG002
        """The work with the units of a chunk."""
        return self

    def after(self, done: list[Piece]) -> tuple[Self, list[Piece]]:
        """The work with the units that follow from all that is done, and what of that belongs to it."""
        return self, done

    def run(self, first: int, stop: int) -> pa.Table:
        """What the units first <= at < stop give, rows in their order."""

    def rows(self, found: pa.Table) -> dict[str, Any]:
        """What of a few units' rows is told while the job runs."""

    def tally(self, found: pa.Table) -> Tally | None:
        """What the trials of some units were worth; None where they count as no trials."""

    def gather(self, claim: Claim, found: pa.Table, report: Report) -> Made:
        """The result, from the rows of all units in their order."""


@dataclass(frozen=True)
class Piece:
    """A chunk that is done, and what it gave; `kept` where a row of the job has it."""

    chunk: Chunk
    table: pa.Table
    kept: bool = False


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
        return Chunk(first, stop, None, took * 1000, self.work.points(first, stop)), table

    def rest(self, left: list[tuple[int, int]], *, measured: bool) -> list[Chunk]:
        """The chunks that what is left is to be cut into; none where it takes a moment, or that is not known yet."""
        here = sum(stop - first for first, stop in left)
        takes, all_takes = here * self.seconds_each, (here + self.work.ahead) * self.seconds_each
        measured = measured or self.elapsed > MEASURED_SECONDS
        # What takes a moment and leads to more is done here, but not for long: what is found is to be kept.
        if all_takes <= ALONE_SECONDS or not ((measured and takes > ALONE_SECONDS) or self.elapsed > CHUNK_SECONDS):
            return []
        # The last chunks end as nearly together as they are short.
        seconds = min(CHUNK_SECONDS, max(SHORT_CHUNK_SECONDS, takes / 16))
        size = max(1, int(seconds / self.seconds_each), -(-here // MOST_CHUNKS))
        cut = [(at, min(stop, at + size)) for first, stop in left for at in range(first, stop, size)]
        return [Chunk(first, stop, points=self.work.points(first, stop)) for first, stop in cut]


def divide(work: Work, claim: Claim, services: Services, report: Report) -> Made | Rest:
    """The result of a job, or the chunks that it is to be left to."""
    # What the job's chunks have found, or what an earlier attempt at the same request has left, is not done again.
    before = claim.job_id if claim.parked else claim.retry_of
    chunks = services.store.families.parts(before) if before else []
    done = [Piece(chunk, _read(chunk), claim.parked) for chunk in chunks]
    pace = Pace(work, claim, services)
    if claim.parked:
        _require_whole(chunks, work.units)
        pace.seconds_each = sum(chunk.compute_ms for chunk in chunks) / 1000 / sum(chunk.units for chunk in chunks)
    while True:
        left = _missing([piece.chunk for piece in done], pace.work.units)
        report(
            pace.work.units - sum(stop - first for first, stop in left), pace.work.units + pace.work.ahead, claim.kind
        )
        if not left:
            known = pace.work.units
            pace.work, done = pace.work.after(done)
            if pace.work.units == known:
                break
            continue
        rest = pace.rest(left, measured=claim.parked)
        if rest:
            new = [piece for piece in done if not piece.kept]
            found = [replace(piece.chunk, found=parquet(piece.table)) for piece in new]
            made = pace.work.tally(pa.concat_tables([piece.table for piece in new])) if new else None
            return Rest(found + rest, pace.work.ahead, made)
        done.append(Piece(*pace.slice(*left[0])))
    done.sort(key=lambda piece: piece.chunk.first)
    found = pa.concat_tables([piece.table for piece in done])
    return pace.work.gather(claim, found, report)._replace(trials=pace.work.tally(found))


def run_part(work: Work, claim: Claim, services: Services, report: Report) -> Made:
    """The part of a job that a chunk is."""
    asked = Chunk(**claim.request)
    at, stop = asked.first, asked.stop
    pace, tables, total = Pace(work.knowing(asked), claim, services), [], stop - at
    while at < stop:
        report(total - (stop - at), total, claim.kind)
        chunk, table = pace.slice(at, stop)
        tables.append(table)
        at = chunk.stop
    found = pa.concat_tables(tables)
    return Made(None, {PART: parquet(found)}, trials=work.tally(found))


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


def _missing(done: Iterable[Chunk], units: int) -> list[tuple[int, int]]:
    """The stretches of units that no chunk has done."""
    at, left = 0, []
    for chunk in sorted(done, key=lambda chunk: chunk.first):
        if min(chunk.first, units) > at:
            left.append((at, min(chunk.first, units)))
        at = chunk.stop
    return [*left, (at, units)] if at < units else left


def _require_whole(chunks: Sequence[Chunk], units: int) -> None:
    """Raise RuntimeError where chunks of a job that was laid down leave a gap, or overlap: that is no result."""
    ends = [0, *(chunk.stop for chunk in chunks)]
    if [chunk.first for chunk in chunks] != ends[:-1] or ends[-1] < units:
        raise RuntimeError(f"The {len(chunks)} chunks that are done are not the {units} units of the job.")


def _read(chunk: Chunk) -> pa.Table:
    assert chunk.found is not None  # noqa: S101 - the store gives chunks that are done
    return pyarrow.parquet.read_table(pa.BufferReader(chunk.found))
