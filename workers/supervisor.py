"""The supervisor: takes jobs from workers that are gone, rings for jobs whose doorbell was lost, has signals made, lets
the paper book follow them, raises alerts and sends them, and writes the daily report.

Any number may run at once, because every step is a compare-and-set; none keeps anything in memory.
"""

from __future__ import annotations

import functools
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from app import paper, signals
from app.alerts import sending, watching
from app.errors import Overloaded, QueueUnavailable, StoreUnavailable
from app.jobs import Jobs
from app.logs import configure_logging
from app.presence import new_node, presence
from app.reports import daily
from app.schema import require_newest
from app.settings import Settings
from app.store import Node
from app.store.alerts import LONGEST_COOLDOWN
from app.wiring import Services, build

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
SEND_SECONDS = 1.0
REPORT_SECONDS = 30.0
FORGET_SECONDS = 60.0
DAY_SECONDS = 86_400.0


def run_supervisor(settings: Settings) -> None:
    """Supervise until SIGTERM or SIGINT. Raises StartRefused when the database has another schema."""
    itself = new_node("supervisor")
    configure_logging(settings, "supervisor", node=itself.name)
    services = build(settings)
    require_newest(services.store)
    stop = threading.Event()

    def leave(*_: Any) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    log.info("supervisor is ready")
    supervise(services, stop, itself)
    services.close()


def supervise(services: Services, stop: threading.Event, itself: Node | None = None) -> None:
    """One round after another until `stop` is set; now and then with a look at signals, book, alerts and report."""
    signals_seconds, alerts_seconds = services.settings.signals_seconds, services.settings.alerts_seconds
    steps = [Step(look, signals_seconds), Step(follow, signals_seconds), Step(watch, alerts_seconds)]
    steps += [Step(report, REPORT_SECONDS), Step(forget, FORGET_SECONDS)]
    rounds = 0
    with sender(services), presence(services.store, itself or new_node("supervisor"), lambda: rounds):
        while not stop.wait(TICK_SECONDS):
            tick(services.jobs)
            rounds += 1
            for step in steps:
                if step.take(services):  # whatever it waited for, lost workers are found before the next one
                    tick(services.jobs)
                    rounds += 1


class Step:
    """Something that is done from time to time; never with `every` 0."""

    def __init__(self, do: Callable[[Services], None], every: float) -> None:
        self._do = do
        self._every = every
        self._done = time.monotonic()  # a server that has just started has other things to do

    def take(self, services: Services) -> bool:
        """Do it where it is due; whether it was."""
        due = bool(self._every) and time.monotonic() - self._done >= self._every
        if due:
            self._do(services)
            self._done = time.monotonic()
        return due


def tick(jobs: Jobs) -> None:
    """One round. A service that is away is waited for: nothing is lost, the next round does it."""
    try:
        reaped, rung = jobs.make_round()
        if reaped:
            log.info("gave back %s jobs of lost workers", reaped)
        if rung:
            log.info("rang again for %s jobs", rung)
    except QueueUnavailable as error:
        log.warning("%s %s", error.message, error.__cause__)
    except StoreUnavailable as error:
        log.warning("%s", error.message)


def outlived(trouble: str) -> Callable[[Callable[[Services], None]], Callable[[Services], None]]:
    """What goes wrong in such a step is told, and ends no supervisor: what is away is waited for, and whatever a step
    meets in the strategies and data of users, lost workers must be found.
    """

    def guard(do: Callable[[Services], None]) -> Callable[[Services], None]:
        @functools.wraps(do)
        def guarded(services: Services) -> None:
            try:
                do(services)
            except (StoreUnavailable, Overloaded) as error:
                log.warning("%s", error.message)
            except Exception:
                log.exception("%s", trouble)

        return guarded

    return guard


@outlived("no signals can be made")
def look(services: Services) -> None:
    """Have the signals made that are due."""
    if due := signals.submit_due(services):
        log.info("had the signals of %s made", ", ".join(due))


@outlived("the paper book cannot go on")
def follow(services: Services) -> None:
    """Let the paper book go on where signals that are at rest say something new."""
    if job_id := paper.submit_due(services):
        log.info("the paper book goes on: job %s", job_id)


@outlived("no alerts can be raised")
def watch(services: Services) -> None:
    """Raise the alerts that rules find, and resolve those that are over."""
    if changed := watching.evaluate(services):
        log.info("raised or resolved %s alerts", changed)


@outlived("no report can be made")
def report(services: Services) -> None:
    """Make the report of the day that is over."""
    if day := daily.make_due(services):
        log.info("the report of %s is made", day)


@outlived("what is old cannot be deleted")
def forget(services: Services) -> None:
    """Delete what has been kept for as long as the settings say, or begin to: the rest is for the next rounds."""
    store, kept = services.store, services.settings
    # A cooldown counts from the last alert, so none is cut short.
    alerts_days = max(kept.alerts_days, LONGEST_COOLDOWN / DAY_SECONDS) if kept.alerts_days else 0.0
    for what, days, delete in (
        ("alerts", alerts_days, store.alerts.forget),
        ("jobs", kept.jobs_days, store.retention.jobs),
        ("events", kept.events_days, store.retention.events),
        ("reports", kept.reports_days, store.retention.reports),
    ):
        if days and (gone := sum(_some(delete, days * DAY_SECONDS))):
            log.info("deleted %s %s that are old", gone, what)


def _some(delete: Callable[[float], int], seconds: float) -> Iterator[int]:
    """Small transactions until nothing is left, for a second at most: lost workers must be found."""
    ends = time.monotonic() + 1.0
    while gone := delete(seconds):
        yield gone
        if time.monotonic() > ends:
            return


@outlived("an alert cannot be sent")
def send(services: Services) -> None:
    """Send the alerts that are due."""
    sending.send_due(services)


@contextmanager
def sender(services: Services) -> Iterator[None]:
    """A thread that sends alerts for the length of a `with` block: receivers may be slow, and workers must be found."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.wait(SEND_SECONDS):
            send(services)

    thread = threading.Thread(target=go_on, name="send-alerts", daemon=True)
    if services.settings.alerts_seconds:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if thread.is_alive():
            thread.join(sending.SECONDS)
