"""Jobs: the only place that changes a job's status.

Every change is one compare-and-set in the store that also writes its event; what comes after the commit (publish,
ring) may be lost without harm: events are repaired by sequence number, doorbells by the supervisor.
"""

from __future__ import annotations

from app.jobs.asking import Asking, request_hash
from app.jobs.watching import SILENT_SECONDS, Watching
from app.jobs.working import Claim

__all__ = ["SILENT_SECONDS", "Claim", "Jobs", "request_hash"]


class Jobs(Asking, Watching):
    """The life of jobs: clients ask for them, workers do them, supervisors watch over both."""
