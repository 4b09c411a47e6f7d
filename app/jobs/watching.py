"""What the supervisor does. Any number of supervisors may do it at once."""

from __future__ import annotations

from collections.abc import Mapping

from app.jobs.working import Working

SILENT_SECONDS = 2.0


class Watching(Working):
    """Jobs whose worker, doorbell or reason was lost."""

    def call_off(self) -> int:
        """End the chunks of jobs that have ended themselves."""
        return self.store.families.call_off()

    def reap(self) -> int:
        """Give back every job whose lease has run out."""
        return sum(self.give_back(job_id) is not None for job_id in self.store.jobs.expired())

    def make_round(self) -> tuple[int, int]:
        """`reap`, `call_off` and `ring_missing`, where there is something to do for them: how many jobs were given
        back, and how many rung.
        """
        due = self.store.jobs.due()
        reaped = self.reap() if due.expired else 0
        if due.orphans:
            self.call_off()
        # What was given back waits too, and has been rung for.
        return reaped, self.ring_missing() if reaped else self._ring_missing(due.waiting)

    def ring_missing(self) -> int:
        """Ring again for jobs whose doorbell is lost, never more often than there are jobs without one.

        The deficit of a queue is its waiting jobs less the doorbells in it; the longest-silent jobs are rung.
        """
        return self._ring_missing(self.store.jobs.due().waiting)

    def _ring_missing(self, waiting: Mapping[str, int]) -> int:
        rung = 0
        for name, count in waiting.items():
            deficit = count - self._queue.length(name)
            if deficit > 0:
                for job_id in self.store.jobs.ring_again(name, count=deficit, silent_seconds=SILENT_SECONDS):
                    self._queue.ring(job_id, name)
                    rung += 1
        return rung
