"""The supervisor: takes jobs from workers that are gone and rings for jobs whose doorbell was lost.

Any number may run at once, because every step is a compare-and-set; none keeps anything in memory.
"""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

from app.errors import QueueUnavailable, StoreUnavailable
from app.jobs import Jobs
from app.logs import configure_logging
from app.schema import require_newest
from app.settings import Settings
from app.wiring import build

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5


def run_supervisor(settings: Settings) -> None:
    """Supervise until SIGTERM or SIGINT. Raises StartRefused when the database has another schema."""
    configure_logging(settings, "supervisor")
    services = build(settings)
    require_newest(services.store)
    stop = threading.Event()

    def leave(*_: Any) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    log.info("supervisor is ready")
    while not stop.wait(TICK_SECONDS):
        tick(services.jobs)
    services.close()


def tick(jobs: Jobs) -> None:
    """One round. A service that is away is waited for: nothing is lost, the next round does it."""
    try:
        if reaped := jobs.reap():
            log.info("gave back %s jobs of lost workers", reaped)
        if rung := jobs.ring_missing():
            log.info("rang again for %s jobs", rung)
    except (StoreUnavailable, QueueUnavailable) as error:
        log.warning("%s", error.message)
