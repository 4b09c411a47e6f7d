"""Jobs: the only place that changes a job's status.

Every change is one compare-and-set in the store that also writes its event; what comes after the commit (publish,
ring) may be lost without harm: events are repaired by sequence number, doorbells by the supervisor.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from app.bus import Bus
from app.canonical import digest
from app.errors import Conflict, LeaseLost, NotReady, QueueUnavailable, Unknown
from app.events import Event, job_channel, owner_channel
from app.progress import parked
from app.store import TERMINAL, Change, Chunk, Idempotency, JobFilter, NewJob, Output, Store
from app.taskqueue import BATCH, INTERACTIVE, QUEUES, TaskQueue

log = logging.getLogger(__name__)

SILENT_SECONDS = 2.0
WORKER_LOST = {
    "code": "worker_lost",
    "message": "The worker process that ran this job was lost, and so were all attempts before.",
}
KILLED_AT_LIMIT = {
    "code": "timed_out",
    "message": "The job did not stop at its time limit and was killed.",
}


@dataclass(frozen=True)
class Claim:
    """A running job in the hands of one worker. `fence` proves the right to write."""

    job_id: str
    owner: str
    kind: str
    request: Mapping[str, Any]
    request_hash: str
    attempt: int
    fence: int
    parent_id: str | None = None
    retry_of: str | None = None
    parked: bool = False  # its chunks are done


class Jobs:
    """The life of jobs.

    Args:
        store: where rows, results and events live.
        bus: carries events to whoever listens now.
        queue: rings workers.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        queue: TaskQueue,
        *,
        lease_seconds: float = 15.0,
        max_attempts: int = 3,
        max_queued: int = 100_000,
    ) -> None:
        self.store = store
        self._bus = bus
        self._queue = queue
        self.lease_seconds = lease_seconds
        self._max_attempts = max_attempts
        self._max_queued = max_queued

    # What a client asks for

    def submit(
        self,
        owner: str,
        kind: str,
        request: Mapping[str, Any],
        *,
        idempotency: Idempotency | None = None,
        fresh: bool = False,
        tags: tuple[str, ...] = (),
        retry_of: str | None = None,
        queue: str = INTERACTIVE,
    ) -> tuple[Row[Any], bool]:
        """Queue a resolved request. The flag tells whether an earlier job answers it (`cached`).

        Raises Conflict (`idempotency_conflict`) and Overloaded (`queue_full`).
        """
        job = self._new(owner, kind, request, tags=tags, retry_of=retry_of, queue=queue)
        change, created = self.store.jobs.submit(
            job, idempotency=idempotency, reuse=not fresh, max_queued=self._max_queued
        )
        if created:
            self._announce(change)
            self._ring(change.job.id, change.job.queue)
        return change.job, not created and change.job.status == "succeeded"

    def submit_all(
        self,
        owner: str,
        kind: str,
        wanted: Sequence[tuple[Mapping[str, Any], tuple[str, ...]]],
        *,
        idempotency: Idempotency | None = None,
        fresh: bool = False,
    ) -> list[tuple[Row[Any], bool]]:
        """`submit` for several resolved requests with their tags: all are queued, or none where one is refused.

        The key stands for all of them: each has one that is made of it and of its place.
        """
        new = [self._new(owner, kind, request, tags=tags, queue=INTERACTIVE) for request, tags in wanted]
        keyed = [(job, _key_at(idempotency, place)) for place, job in enumerate(new)]
        found = self.store.jobs.submit_all(keyed, reuse=not fresh, max_queued=self._max_queued)
        created = [change for change, is_new in found if is_new]
        self._publish(*(event for change in created for event in change.events))
        for change in created:
            if not self._ring(change.job.id, change.job.queue):
                break  # the supervisor rings the rest when the queue server is back
        return [(change.job, not is_new and change.job.status == "succeeded") for change, is_new in found]

    def get(self, job_id: str, owner: str) -> Row[Any]:
        row = self.store.read.job(job_id, owner)
        if row is None:
            raise Unknown(f"There is no job '{job_id[:64]}'.", code="unknown_job", given=job_id[:64])
        return row

    def page(
        self, owner: str, wanted: JobFilter, *, limit: int, before: tuple[float, str] | None
    ) -> tuple[list[Row[Any]], bool]:
        """Jobs, newest first, and whether there are more."""
        rows = list(self.store.read.page(owner, wanted, limit=limit + 1, before=before))
        return rows[:limit], len(rows) > limit

    def cancel(self, job_id: str, owner: str) -> Row[Any]:
        """End a queued job now, or ask a running one to stop; asking twice is no error.

        Raises Unknown, and Conflict (`illegal_transition`) when the job has ended otherwise.
        """
        change = self.store.jobs.cancel(job_id, owner)
        if change:
            self._announce(change)
            if change.job.pending:
                self.store.families.call_off()
            return change.job
        row = self.get(job_id, owner)
        if row.status in ("succeeded", "failed"):
            raise Conflict(
                f"The job has already {row.status}; it cannot be cancelled.",
                code="illegal_transition",
                given=row.status,
                allowed=["queued", "running"],
            )
        return row

    def retry(self, job_id: str, owner: str, *, idempotency: Idempotency | None = None) -> Row[Any]:
        """Queue the same request again as a new job. Raises Conflict unless the old one failed or was cancelled."""
        if idempotency and (known := self.store.jobs.remembered(owner, idempotency)):
            return known
        row = self.get(job_id, owner)
        if row.status not in ("failed", "cancelled"):
            raise Conflict(
                f"The job is {row.status}; only a failed or cancelled job can be retried.",
                code="illegal_transition",
                given=row.status,
                allowed=["failed", "cancelled"],
            )
        again, _ = self.submit(
            owner,
            row.kind,
            row.request,
            idempotency=idempotency,
            fresh=True,
            tags=tuple(row.tags),
            retry_of=job_id,
        )
        return again

    def delete(self, job_id: str, owner: str) -> None:
        """Remove an ended job with its result and events. Raises Conflict while it still runs."""
        status = self.store.jobs.delete(job_id, owner)
        if status is None:
            self.get(job_id, owner)
        elif status not in TERMINAL:
            raise Conflict(
                f"The job is {status}; cancel it first, then delete it.",
                code="illegal_transition",
                given=status,
                allowed=list(TERMINAL),
            )

    def result(self, job_id: str, owner: str) -> Row[Any]:
        """The stored result. Raises NotReady with the job's state when there is none."""
        row = self.get(job_id, owner)
        stored = self.store.read.result(job_id) if row.status == "succeeded" else None
        if stored is None:
            raise not_ready(row)
        return stored

    # What a worker does

    def claim(self, job_id: str, *, lease_owner: str) -> Claim | None:
        """Take a queued job; None when the doorbell was stale."""
        change = self.store.jobs.claim(job_id, lease_owner=lease_owner, lease_seconds=self.lease_seconds)
        if change is None:
            return None
        self._announce(change)
        row = change.job
        return Claim(
            row.id,
            row.owner,
            row.kind,
            row.request,
            row.request_hash,
            row.attempt,
            row.fence,
            row.parent_id,
            row.retry_of,
            row.pending is not None,
        )

    def beat(self, claim: Claim, progress: Mapping[str, Any] | None = None) -> bool:
        """Extend the lease; True when the job should be cancelled. Raises LeaseLost."""
        cancelled = self.store.jobs.beat(claim.job_id, claim.fence, lease_seconds=self.lease_seconds, progress=progress)
        if cancelled is None:
            raise LeaseLost("Another worker holds this job now.")
        return cancelled

    def finish(self, claim: Claim, output: Output) -> str | None:
        """Store the result and end the job. None: the fence was old, and nothing was stored."""
        return self._end(claim, self.store.jobs.finish(claim.job_id, claim.fence, output))

    def park(self, claim: Claim, chunks: Sequence[Chunk]) -> str | None:
        """Leave a job to its chunks: any worker does them, and whoever is rung after the last one ends the job.

        None: the fence was old, and nothing was stored.
        """
        status = self._end(claim, self.store.families.park(claim.job_id, claim.fence, chunks, queue=BATCH))
        if status == "running":
            for chunk_id in self.store.families.waiting(claim.job_id):
                if not self._ring(chunk_id, BATCH):
                    break  # the supervisor rings the rest when the queue server is back
        return status

    def fail(self, claim: Claim, error: Mapping[str, Any]) -> str | None:
        """End the job with an error that another attempt would meet again."""
        return self._end(claim, self.store.jobs.fail(claim.job_id, claim.fence, error))

    def give_back(self, job_id: str, *, lease_owner: str | None = None) -> str | None:
        """Take a job from a worker that is gone: queued again while attempts are left."""
        return self._taken(self.store.jobs.give_back(job_id, lease_owner=lease_owner, error=WORKER_LOST))

    def hand_back(self, job_id: str, *, lease_owner: str) -> str | None:
        """Queue a job again that its worker, which is stopping, could not finish: no fault of the job's, no attempt."""
        change = self.store.jobs.give_back(job_id, lease_owner=lease_owner, error=WORKER_LOST, retry="free")
        return self._taken(change)

    def time_out(self, job_id: str, *, lease_owner: str) -> str | None:
        """End a job whose worker process was killed at the hard limit; another attempt would end the same way."""
        change = self.store.jobs.give_back(job_id, lease_owner=lease_owner, error=KILLED_AT_LIMIT, retry="never")
        return self._taken(change)

    def held_by(self, lease_owner: str) -> list[str]:
        """Ids of the running jobs that a worker holds."""
        return self.store.jobs.held_by(lease_owner)

    def tell_progress(self, claim: Claim, progress: Mapping[str, Any], at: float) -> None:
        """Publish news of the moment; nobody is harmed when it is lost."""
        if claim.parent_id is None:  # what a chunk does is told of its job
            self._tell_progress(claim.job_id, claim.owner, {"attempt": claim.attempt, **progress}, at)

    def tell_rows(self, claim: Claim, rows: Mapping[str, Any], at: float) -> None:
        """Publish some of the rows that a job, or the job of a chunk, has just found; the stored ones are complete."""
        job_id = claim.parent_id or claim.job_id
        data = {"job_id": job_id, **rows}
        self._publish(Event(job_channel(job_id), self.store.events.epoch, None, "trial_rows", at, data))

    # What the supervisor does

    def call_off(self) -> int:
        """End the chunks of jobs that have ended themselves."""
        return self.store.families.call_off()

    def reap(self) -> int:
        """Give back every job whose lease has run out. Any number of supervisors may do this at once."""
        return sum(self.give_back(job_id) is not None for job_id in self.store.jobs.expired())

    def ring_missing(self) -> int:
        """Ring again for jobs whose doorbell is lost, never more often than there are jobs without one.

        The deficit of a queue is its waiting jobs less the doorbells in it; the longest-silent jobs are rung.
        """
        rung = 0
        for name in QUEUES:
            deficit = self.store.jobs.waiting(name) - self._queue.length(name)
            if deficit > 0:
                for job_id in self.store.jobs.ring_again(name, count=deficit, silent_seconds=SILENT_SECONDS):
                    self._queue.ring(job_id, name)
                    rung += 1
        return rung

    def _new(self, owner: str, kind: str, request: Mapping[str, Any], **more: Any) -> NewJob:
        return NewJob(
            id=uuid.uuid4().hex,
            owner=owner,
            kind=kind,
            request=request,
            request_hash=request_hash(kind, request),
            max_attempts=self._max_attempts,
            strategy_id=request.get("strategy_id"),
            dataset_id=request.get("dataset_id"),
            **more,
        )

    def _taken(self, change: Change | None) -> str | None:
        if change is None:
            return None
        self._announce(change)
        if change.job.status == "queued":
            self._ring(change.job.id, change.job.queue)
        return str(change.job.status)

    def _end(self, claim: Claim, change: Change | None) -> str | None:
        if change is None:
            log.warning("job %s: attempt %s was fenced off, nothing stored", claim.job_id, claim.attempt)
            return None
        self._announce(change)
        return str(change.job.status)

    def _announce(self, change: Change) -> None:
        self._publish(*change.events)
        if change.parent is not None:
            self._follow(change.parent)

    def _follow(self, parent: Row[Any]) -> None:
        """What the end of a chunk means for its job: news, a worker that ends it, or chunks that nobody needs."""
        if parent.status == "failed":
            self.store.families.call_off()
            return
        now = time.time()
        self._tell_progress(parent.id, parent.owner, parked(parent, max(0.0, now - parent.started_at)), now)
        if parent.pending == 0:
            self._ring(parent.id, parent.queue)

    def _tell_progress(self, job_id: str, owner: str, progress: Mapping[str, Any], at: float) -> None:
        data = {"job_id": job_id, **progress}
        epoch = self.store.events.epoch
        channels = (job_channel(job_id), owner_channel(owner))
        self._publish(*(Event(channel, epoch, None, "job_progress", at, data) for channel in channels))

    def _publish(self, *events: Event) -> None:
        try:
            for event in events:
                self._bus.publish(event)
        except QueueUnavailable:  # the rest would wait for the same server: one wait is enough
            log.warning("%s was not published; clients read it from the log", events[0].type)

    def _ring(self, job_id: str, queue: str) -> bool:
        try:
            self._queue.ring(job_id, queue)
        except QueueUnavailable:
            log.warning("job %s was not rung; the supervisor rings it", job_id)
            return False
        return True


def _key_at(idempotency: Idempotency | None, place: int) -> Idempotency | None:
    """The key of a job among several; the first has the client's own, which then stands for nothing else."""
    if idempotency is None or not place:
        return idempotency
    return Idempotency(digest({"key": idempotency.key, "place": place}), idempotency.fingerprint)


def request_hash(kind: str, request: Mapping[str, Any]) -> str:
    """SHA-256 of everything that decides a result: the resolved request names code, data and engine versions."""
    return digest({"kind": kind, "request": request})


def not_ready(row: Row[Any]) -> NotReady:
    """Why a job has no result, in a sentence."""
    reason = {
        "failed": f"The job failed: {(row.error or {}).get('message', '')}",
        "cancelled": "The job was cancelled and has no result.",
    }.get(row.status, f"The job is {row.status}; its result is not ready yet.")
    code = "job_" + row.status if row.status in TERMINAL else "not_ready"
    return NotReady(reason, code=code, status=row.status, job_id=row.id)
