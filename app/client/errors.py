"""What can go wrong between a program and a server.

ClientError
├── Unreachable     nobody answers at the address
├── ApiError        the server refused; it says why, where, and what it would take
├── JobFailed       the job ended without a result
└── StillRunning    the time that `wait` was given is over; the job goes on
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """The root of everything that the client raises."""


class Unreachable(ClientError):
    """Nobody answers at the server's address."""


class ApiError(ClientError):
    """The server refused a request. The fields are those of its problem document (RFC 9457)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = dict(problem)
        self.code = str(problem.get("code", "unknown"))
        self.detail = str(problem.get("detail", ""))
        self.pointer: str | None = problem.get("pointer")
        self.given: Any = problem.get("given")
        self.allowed: Any = problem.get("allowed")
        self.errors: list[dict[str, Any]] = list(problem.get("errors") or [])
        self.nearest: str | None = problem.get("nearest")
        self.request_id: str | None = problem.get("request_id")
        super().__init__(self.detail or self.code)


class JobFailed(ClientError):
    """The job failed or was cancelled; `job` carries its state and error."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        self.job = dict(job)
        error = job.get("error") or {}
        self.status = str(job.get("status"))
        self.code = str(error.get("code", self.status))
        reason = error.get("message") or f"The job was {self.status}."
        super().__init__(f"Job {job.get('job_id')}: {reason}")


class StillRunning(ClientError):
    """The time given is over. The job goes on; wait again or cancel it."""
