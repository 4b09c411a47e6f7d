"""What a client asks for."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from app.canonical import digest
from app.errors import Conflict, NotReady, Unknown
from app.jobs.changes import Changes
from app.logs import about
from app.store import TERMINAL, Idempotency, JobFilter, NewJob
from app.taskqueue import INTERACTIVE

log = logging.getLogger(__name__)


class Asking(Changes):
    """Jobs as their owner sees them."""

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

        Raises Conflict (`idempotency_conflict`) and Overloaded (`queue_full`, `quota_exceeded`).
        """
        job = self._new(owner, kind, request, tags=tags, retry_of=retry_of, queue=queue)
        change, created = self.store.jobs.submit(
            job,
            idempotency=idempotency,
            reuse=not fresh,
            max_queued=self._max_queued,
            max_daily=self._max_daily if queue == INTERACTIVE else 0,  # what nobody asked for is on nobody's account
        )
        if created:
            _say_queued(change.job.id)
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
        found = self.store.jobs.submit_all(
            keyed, reuse=not fresh, max_queued=self._max_queued, max_daily=self._max_daily
        )
        created = [change for change, is_new in found if is_new]
        self._publish(*(event for change in created for event in change.events))
        for change in created:
            _say_queued(change.job.id)
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


def _key_at(idempotency: Idempotency | None, place: int) -> Idempotency | None:
    """The key of a job among several; the first has the client's own, which then stands for nothing else."""
    if idempotency is None or not place:
        return idempotency
    return Idempotency(digest({"key": idempotency.key, "place": place}), idempotency.fingerprint)


def _say_queued(job_id: str) -> None:
    """The one line that tells which request made a job, whose other lines a worker writes."""
    with about(job_id=job_id):
        log.info("queued job %s", job_id)


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
