"""The lease on a running job: a thread that beats, and the `report` callback that the engine calls."""

from __future__ import annotations

import contextvars
import functools
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from app.errors import Abandoned, JobCancelled, LeaseLost, StoreUnavailable
from app.jobs import Claim, Jobs
from app.progress import progress

NEWS_SECONDS = 0.2
BEAT_SECONDS = 1.0


class Lease:
    """Hold a claim for the length of a `with` block.

    The thread extends the lease, saves progress and learns of a cancel; `report` raises what it learnt in the thread
    that computes. Without a successful beat for as long as the lease lasts, by a clock that no time server moves, the
    lease is given up for lost: another worker may hold the job by then.
    """

    def __init__(self, jobs: Jobs, claim: Claim) -> None:
        self._jobs = jobs
        self._claim = claim
        self._stop = threading.Event()
        self._verdict: Abandoned | None = None
        self._progress: Mapping[str, Any] | None = None
        self._saved: Mapping[str, Any] | None = None
        self._last_beat = time.monotonic()
        self._started = time.monotonic()
        self._last_news = 0.0
        self._phase = ""
        work = functools.partial(contextvars.copy_context().run, self._run)  # its lines in the log name the job too
        self._thread = threading.Thread(target=work, name=f"lease-{claim.job_id[:8]}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def expired(self) -> bool:
        return time.monotonic() - self._last_beat > self._jobs.lease_seconds

    def report(self, done: int, total: int, phase: str) -> None:
        """Tell how far the run is. Raises JobCancelled or LeaseLost when it should stop."""
        if self._verdict is not None:
            raise self._verdict
        now = time.monotonic()
        self._progress = view = progress(self._claim.kind, done, total, phase, now - self._started)
        if phase != self._phase or now - self._last_news >= NEWS_SECONDS:
            self._phase, self._last_news = phase, now
            self._jobs.tell_progress(self._claim, view, time.time())

    def _run(self) -> None:
        interval = min(self._jobs.lease_seconds / 3, BEAT_SECONDS)
        while not self._stop.wait(interval):
            view = self._progress
            try:
                cancelled = self._jobs.beat(self._claim, None if view is self._saved else view)
            except LeaseLost as lost:
                self._verdict = lost
                return
            except StoreUnavailable:
                if self.expired:
                    self._verdict = LeaseLost("The store was out of reach for longer than the lease.")
                    return
                continue
            self._saved = view
            self._last_beat = time.monotonic()
            if cancelled:
                self._verdict = JobCancelled("The job was cancelled.")
