"""What a worker process does when a doorbell rings: claim, run, finish. One of the three borders that catch all."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded

from app.errors import Conflict, DatasetsUnavailable, JobCancelled, LeaseLost, StoreUnavailable
from app.jobs import Claim
from app.logs import about
from app.presence import SILENT_SECONDS
from app.store import Output, Rest
from app.usercode import place_of
from app.wiring import Services
from engine import ENGINE_VERSION
from engine.errors import QueuantError
from workers.lease import Lease
from workers.pipeline import run

log = logging.getLogger(__name__)

# How long a job waits for a store of datasets that is away, and how often it asks again.
PATIENCE_SECONDS, AGAIN_SECONDS = 300.0, 2.0
# What goes wrong with a job of another version than the worker's.
_OF_VERSION = ("version_changed", "unknown_strategy")
_ASIDE_SECONDS, _PASSED_SECONDS = 2.0, 300.0


class Executor:
    """Runs jobs in one worker process."""

    def __init__(self, services: Services, node: str) -> None:
        self._jobs = services.jobs
        self._services = services
        self._job_seconds = services.settings.job_seconds
        self._node = node
        self._left: dict[str, float] = {}  # to workers of another version: ids, and until when they are passed over

    def answer(self, bell: str, task_id: str) -> str | None:
        """A doorbell rang: run the job whose turn it is. Gives its new status; None when there was nothing to do or to
        store.
        """
        try:
            claim = self._jobs.claim_next(bell, lease_owner=f"{self._node}/{task_id}", passed=self._passed())
        except StoreUnavailable:
            log.warning("job %s: the store did not answer; the supervisor rings again", bell)
            return None
        if claim is None:
            log.debug("job %s: stale doorbell", bell)
            return None
        status = self.execute(claim)
        if status == "queued":
            time.sleep(_ASIDE_SECONDS)  # or it would be the first to take the job again
        return status

    def execute(self, claim: Claim) -> str | None:
        """Run a job that was claimed. Gives its new status; None when nothing was stored."""
        with about(job_id=claim.job_id), Lease(self._jobs, claim) as lease:
            return self._run(claim, lease)

    def _run(self, claim: Claim, lease: Lease) -> str | None:
        ends = time.monotonic() + self._job_seconds

        def report(done: int, total: int, phase: str) -> None:
            if time.monotonic() > ends:  # the signal of it may have ended where errors of a strategy end
                raise SoftTimeLimitExceeded
            lease.report(done, total, phase)

        try:
            output = self._run_patiently(claim, report)
        except LeaseLost:
            log.warning("job %s: attempt %s lost its lease, nothing stored", claim.job_id, claim.attempt)
            return None
        except JobCancelled as error:
            failure = error.detail()  # the store ends a job that is wanted cancelled as `cancelled`
        except QueuantError as error:  # time may be over inside of a strategy, where every error becomes its own
            over = isinstance(error.__cause__, SoftTimeLimitExceeded)
            failure = self._timed_out() if over else _told(error)
        except SoftTimeLimitExceeded:
            failure = self._timed_out()
        except MemoryError:
            failure = {"code": "out_of_memory", "message": "The job needed more memory than its worker has."}
        except Exception:
            log.exception("job %s: attempt %s failed unexpectedly", claim.job_id, claim.attempt)
            failure = {
                "code": "internal_error",
                "message": "The run failed for a reason that is not yours; the worker's log has it under the job's id.",
            }
        else:
            if isinstance(output, Rest):
                status = self._settle(lease, lambda: self._jobs.park(claim, output))
                log.info("job %s: left to %d chunks", claim.job_id, len(output.chunks))
                return status
            status = self._settle(lease, lambda: self._finish(claim, output))
            log.info("job %s: %s in %.0f ms", claim.job_id, status, output.compute_ms)
            return status
        return self._settle(lease, lambda: self._fail(claim, failure))

    def _run_patiently(self, claim: Claim, report: Callable[[int, int, str], None]) -> Output | Rest:
        """Run it, from the beginning where the store of datasets was away: nothing of it is stored by then."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return run(claim, self._services, report)
            except DatasetsUnavailable as error:
                if time.monotonic() > ends:
                    raise
                log.warning("job %s waits: %s", claim.job_id, error.message)
            report(0, 1, "datasets")
            time.sleep(AGAIN_SECONDS)

    def _timed_out(self) -> dict[str, object]:
        return {"code": "timed_out", "message": f"The job ran longer than {self._job_seconds} seconds."}

    def _finish(self, claim: Claim, output: Output) -> str | None:
        try:
            return self._jobs.finish(claim, output)
        except Conflict as error:  # what it follows is no more: nothing was stored
            return self._fail(claim, error.detail())

    def _fail(self, claim: Claim, failure: Mapping[str, Any]) -> str | None:
        if failure["code"] in _OF_VERSION and self._is_elsewhere(failure):
            log.info("job %s: left to a worker of another version (%s)", claim.job_id, failure["code"])
            self._left[claim.job_id] = time.monotonic() + _PASSED_SECONDS
            return self._jobs.leave(claim)
        status = self._jobs.fail(claim, failure)
        log.info("job %s: %s (%s)", claim.job_id, status, failure["code"])
        return status

    def _passed(self) -> list[str]:
        """Jobs that were left to others a while ago: those behind them must not wait until the others have time."""
        now = time.monotonic()
        self._left = {job_id: until for job_id, until in self._left.items() if until > now}
        return list(self._left)

    def _is_elsewhere(self, failure: Mapping[str, Any]) -> bool:
        """Whether another worker may have the version that this one has not: while it is replaced, old and new run."""
        asked = str(failure.get("given"))
        nodes = self._services.store.nodes
        return nodes.is_behind(self._node, ENGINE_VERSION, asked, silent_seconds=SILENT_SECONDS)

    def _settle(self, lease: Lease, write: Callable[[], str | None]) -> str | None:
        """Write the end of the run, patiently while the lease lasts: a finished computation is not thrown away."""
        while True:
            try:
                return write()
            except StoreUnavailable:
                if lease.expired:
                    log.warning("the store was out of reach until the lease ended; another attempt will be made")
                    return None
                time.sleep(0.5)


def _told(error: QueuantError) -> dict[str, object]:
    """What went wrong, with the line of the strategy's file that raised it."""
    place = place_of(error.__cause__) if error.__cause__ else None
    return error.detail() | ({"message": f"{error.message} ({place})"} if place else {})
