"""What a worker does, and what is done for one that is gone."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import LeaseLost
from app.events import FENCED, Event, job_channel
from app.jobs.changes import Changes
from app.store import Change, Output, Rest
from app.taskqueue import BATCH

log = logging.getLogger(__name__)

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


class Working(Changes):
    """Jobs in the hands of workers. Every write of a worker names its fence: an old one changes nothing."""

    def claim(self, job_id: str, *, lease_owner: str) -> Claim | None:
        """Take a job, whoever's turn it is; None when it does not wait."""
        return self._claimed(self.store.jobs.claim(job_id, lease_owner=lease_owner, lease_seconds=self.lease_seconds))

    def claim_next(self, bell: str, *, lease_owner: str, passed: Collection[str] = ()) -> Claim | None:
        """Take the job whose turn it is, of the queue in which a doorbell rang, but none that is `passed`; None when
        the doorbell was stale.
        """
        taken = self.store.jobs.claim_next(
            bell, lease_owner=lease_owner, lease_seconds=self.lease_seconds, passed=passed
        )
        return self._claimed(taken)

    def _claimed(self, change: Change | None) -> Claim | None:
        if change is None:
            return None
        self._announce(change)
        row = change.job
        return Claim(
            job_id=row.id,
            owner=row.owner,
            kind=row.kind,
            request=row.request,
            request_hash=row.request_hash,
            attempt=row.attempt,
            fence=row.fence,
            parent_id=row.parent_id,
            retry_of=row.retry_of,
            parked=row.pending is not None,
        )

    def beat(self, claim: Claim, progress: Mapping[str, Any] | None = None) -> bool:
        """Extend the lease; True when the job should be cancelled. Raises LeaseLost."""
        cancelled = self.store.jobs.beat(claim.job_id, claim.fence, lease_seconds=self.lease_seconds, progress=progress)
        if cancelled is None:
            self._fenced(claim)
            raise LeaseLost("Another worker holds this job now.")
        return cancelled

    def finish(self, claim: Claim, output: Output) -> str | None:
        """Store the result and end the job. None: the fence was old, and nothing was stored."""
        return self._end(claim, self.store.jobs.finish(claim.job_id, claim.fence, output))

    def park(self, claim: Claim, rest: Rest) -> str | None:
        """Leave a job to its chunks: any worker does them, and whoever is rung after the last one ends the job.

        None: the fence was old, and nothing was stored.
        """
        status = self._end(claim, self.store.families.park(claim.job_id, claim.fence, rest, queue=BATCH))
        if status == "running":
            for chunk_id in self.store.families.waiting(claim.job_id):
                if not self._ring(chunk_id, BATCH):
                    break  # the supervisor rings the rest when the queue server is back
        return status

    def fail(self, claim: Claim, error: Mapping[str, Any]) -> str | None:
        """End the job with an error that another attempt would meet again."""
        return self._end(claim, self.store.jobs.fail(claim.job_id, claim.fence, error))

    def leave(self, claim: Claim) -> str | None:
        """Queue the job again, which another worker can do and this one cannot: no attempt. None: the fence was old."""
        change = self.store.jobs.give_back(claim.job_id, fence=claim.fence, error=WORKER_LOST, retry="free")
        return self._taken(change)

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
        """Ids of the running jobs that a node holds, or one of its tasks."""
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

    def _end(self, claim: Claim, change: Change | None) -> str | None:
        if change is None:
            log.warning("job %s: attempt %s was fenced off, nothing stored", claim.job_id, claim.attempt)
            self._fenced(claim)
            return None
        self._announce(change)
        return str(change.job.status)

    def _fenced(self, claim: Claim) -> None:
        told = {"job_id": claim.job_id, "kind": claim.kind, "attempt": claim.attempt, "fence": claim.fence}
        self.store.events.add(FENCED, "attempt_fenced", told)

    def _taken(self, change: Change | None) -> str | None:
        if change is None:
            return None
        self._announce(change)
        if change.job.status == "queued":
            self._ring(change.job.id, change.job.queue)
        return str(change.job.status)
