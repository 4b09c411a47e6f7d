"""A worker process within the test's own."""

from __future__ import annotations

from workers.tasks import Executor


class Hand(Executor):
    """Does the very job that it is told to do, whoever's turn it is."""

    def do(self, job_id: str) -> str | None:
        """The job's new status; None when it did not wait, or nothing was stored."""
        claim = self._jobs.claim(job_id, lease_owner=self._node)
        return None if claim is None else self.execute(claim)
