"""The supervisor: takes jobs from workers that are gone, rings for jobs whose doorbell was lost, and has signals made.

Any number may run at once, because every step is a compare-and-set; none keeps anything in memory.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from typing import Any

from app import signals
from app.errors import Overloaded, QueueUnavailable, StoreUnavailable
from app.jobs import Jobs
from app.logs import configure_logging
from app.schema import require_newest
from app.settings import Settings
from app.wiring import Services, build

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
    supervise(services, stop)
    services.close()


def supervise(services: Services, stop: threading.Event) -> None:
    """One round after another until `stop` is set; now and then with a look at the signals."""
    every = services.settings.signals_seconds
    looked = time.monotonic()  # a server that has just started has other things to do
    while not stop.wait(TICK_SECONDS):
        tick(services.jobs)
        if every and time.monotonic() - looked >= every:
            look(services)
            looked = time.monotonic()


def tick(jobs: Jobs) -> None:
    """One round. A service that is away is waited for: nothing is lost, the next round does it."""
    try:
        if reaped := jobs.reap():
            log.info("gave back %s jobs of lost workers", reaped)
        jobs.call_off()
        if rung := jobs.ring_missing():
            log.info("rang again for %s jobs", rung)
    except (StoreUnavailable, QueueUnavailable) as error:
        log.warning("%s", error.message)


def look(services: Services) -> None:
    """Have the signals made that are due."""
    try:
        if due := signals.submit_due(services):
            log.info("had the signals of %s made", ", ".join(due))
    except (StoreUnavailable, Overloaded) as error:
        log.warning("%s", error.message)
    except Exception:
        # The checks of a strategy are its author's code. Whatever they raise, lost workers must be found.
        log.exception("no signals can be made")
