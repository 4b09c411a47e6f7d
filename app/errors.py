"""The application's branches of the error tree that `engine.errors` begins.

QueuantError
├── Unknown             there is no such job, result or route
├── NotReady            it exists, but its result does not yet
├── Conflict            the request contradicts what has already happened
├── Denied              no key, a wrong key, or a key without the scope
├── Overloaded          come back later
├── StoreUnavailable    the database did not answer; nothing was accepted
│   └── DatasetsUnavailable  nor did the store of datasets
├── QueueUnavailable    the doorbell could not be rung; the row is safe and rings later
├── SourceFailed        the outside world did not give the data that was asked for
├── StartRefused        a process cannot start as it was asked to
└── Abandoned           control flow inside a worker: stop this run
    ├── JobCancelled    its owner wants it to end
    └── LeaseLost       somebody else owns the job now; write nothing
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import QueuantError


class Unknown(QueuantError):
    """There is nothing with that name or id, or it belongs to somebody else."""

    code = "not_found"


class NotReady(QueuantError):
    """The job exists and has no result: it has not finished, or it did not succeed."""

    code = "not_ready"

    def __init__(self, message: str, *, status: str, job_id: str, **fields: object) -> None:
        super().__init__(message, **fields)  # type: ignore[arg-type]
        self.status = status
        self.job_id = job_id

    def detail(self) -> dict[str, object]:
        return super().detail() | {"job_status": self.status, "job_id": self.job_id}


class Conflict(QueuantError):
    """The request contradicts what has already happened."""

    code = "conflict"


class Denied(QueuantError):
    """There is no good key with the request. `authenticated`: there is one, without the right to do this."""

    code = "unauthorized"

    def __init__(self, message: str, *, authenticated: bool = False, code: str | None = None) -> None:
        super().__init__(message, code=code or ("forbidden" if authenticated else "unauthorized"))
        self.authenticated = authenticated


class Overloaded(QueuantError):
    """Come back after `retry_after` seconds."""

    code = "queue_full"

    def __init__(
        self,
        message: str,
        *,
        retry_after: int,
        code: str | None = None,
        given: Mapping[str, int] | None = None,
        allowed: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(message, code=code, given=given, allowed=allowed)
        self.retry_after = retry_after


class StoreUnavailable(QueuantError):
    """The database did not answer. Nothing was accepted; the caller may repeat the request."""

    code = "store_unavailable"


class DatasetsUnavailable(StoreUnavailable):
    """The object store of datasets did not answer, or refused. The caller may repeat the request; a job waits."""

    code = "datasets_unavailable"


class QueueUnavailable(QueuantError):
    """The queue did not answer. What was to be rung is in the store and rings later."""

    code = "queue_unavailable"


class SourceFailed(QueuantError):
    """A data source did not give what was asked for. Its code is one of

    `source_unavailable` (it did not answer, or brokenly, however often it was asked), `source_refused` (it does not
    have this, or does not want to), `source_changed` (it answers, but not as it is documented), `rate_limited` (it
    wants to be left alone for longer than a job waits) and `missing_extra` (the package that asks it is not installed).
    """

    code = "source_unavailable"

    def __init__(self, message: str, *, source: str, item: str | None = None, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.source = source
        self.item = item

    def detail(self) -> dict[str, object]:
        return super().detail() | {"source": self.source} | ({"item": self.item} if self.item else {})


class StartRefused(QueuantError):
    """A process cannot start as it was asked to; the message says what to do."""

    code = "start_refused"


class Abandoned(QueuantError):
    """Stop this run. The worker raises it through the engine's `report` callback."""

    code = "abandoned"


class JobCancelled(Abandoned):
    """The owner of the job wants it to end."""

    code = "cancelled"


class LeaseLost(Abandoned):
    """The lease ran out or another worker holds the job: whatever this run made must not be stored."""

    code = "lease_lost"
