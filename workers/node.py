"""One worker node: a Celery parent that listens, and its pool of processes that run jobs.

The parent compiles (or loads) the kernels once before the pool forks, so that no job pays for it. Each child builds
its own services after the fork, because connections do not survive one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import billiard
import numpy as np
import pyarrow as pa
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import Celery, Task, signals
from celery.worker import state

import engine
from app import store
from app.errors import StoreUnavailable
from app.leftovers import sweep_caches
from app.logs import configure_logging
from app.presence import new_node, presence
from app.process import die_with_parent
from app.schema import require_newest
from app.settings import Settings
from app.taskqueue import QUEUES, TASK, make_celery
from app.wiring import Services, build
from engine import jit
from workers.tasks import Executor

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.1


def run_worker(settings: Settings, *, concurrency: int) -> None:
    """Serve jobs until SIGTERM. Raises StartRefused when the database has another schema."""
    itself = new_node("worker", concurrency=concurrency)
    configure_logging(settings, "worker", node=itself.name)
    node = Node(settings, itself)
    require_newest(node.services.store)
    if settings.cache_dir:
        jit.set_cache_dir(Path(settings.cache_dir).expanduser())
    engine.warm()
    node.services.catalog.preload()
    pa.array(np.empty(1))  # pyarrow imports pandas for its first array: once here, not in every child's first job
    celery = make_celery(settings)
    sys.__stdout__ = None  # type: ignore[misc]  # past every logger Celery tells a terminal there what Ctrl-C does
    node.attach(celery)
    arguments = [
        "--quiet",  # no banner between the lines of the log
        "worker",
        "--pool=prefork",
        f"--concurrency={concurrency}",
        f"--hostname={node.name}",
        f"--queues={','.join(QUEUES)}",
        f"--loglevel={settings.log_level}",
        "-Ofair",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]
    try:
        # Celery calls a stop within the grace period a failure; to whoever sent SIGTERM it is the answer asked for.
        with contextlib.suppress(SystemExit):
            celery.worker_main(arguments)
        log.info("worker %s has stopped", node.name)
    finally:
        node.leave()


class Node:
    """What parent and children of one worker share: settings and a name that no other node has."""

    def __init__(self, settings: Settings, itself: store.Node) -> None:
        self.settings = settings
        self._itself = itself
        self.name = itself.name
        self.services: Services = build(settings)
        self._executor: Executor | None = None
        self._stopping = False
        self._there = contextlib.ExitStack()
        self._idle = threading.Event()

    def attach(self, celery: Celery) -> None:
        """Register the one task, and what happens around the pool."""

        def execute(task: Task, bell: str) -> None:
            self.answer(bell, task.request.id)

        celery.task(name=TASK, bind=True)(execute)
        signals.worker_process_init.connect(self._start_child, weak=False)
        signals.worker_ready.connect(self._say_ready, weak=False)
        signals.task_failure.connect(self._child_lost, weak=False)

    def answer(self, bell: str, task_id: str) -> None:
        """In a pool process: a doorbell rang."""
        assert self._executor is not None, "the pool process was not initialised"  # noqa: S101
        self._executor.answer(bell, task_id)

    def _start_child(self, **_: Any) -> None:
        die_with_parent(signal.SIGKILL)  # Celery lets pool processes ignore SIGTERM
        self.services.store.after_fork()
        self.services = build(self.settings, catalog=self.services.catalog)
        self._executor = Executor(self.services, self.name)
        # Pool processes are replaced after some time: no clock is needed for what lies on this machine.
        sweep_caches(self.settings)

    def _hear_stops(self) -> None:
        """Learn of a signal before Celery's own handler, which returns only when the pool has ended."""
        parent = os.getpid()  # pool processes that are forked later have these handlers too

        def hear(number: int, then: Any) -> None:
            def handler(*received: Any) -> None:
                if not self._stopping and os.getpid() == parent:
                    self._stopping = True
                    threading.Thread(target=self._end_children, name="end-children", daemon=True).start()
                    # Nothing is begun meanwhile: this is the thread that would pass it on.
                    self._idle.wait(self.settings.grace_seconds)
                then(*received)

            signal.signal(number, handler)

        for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
            if callable(then := signal.getsignal(number)):
                hear(number, then)

    def _end_children(self) -> None:
        """When the grace period is over hand back what still runs, and kill who runs it; not where nothing does.

        Celery would wait for a pool process that is inside of a strategy until it comes out, however long that takes,
        and otherwise for the whole period, however soon its jobs end.
        """
        ends = time.monotonic() + self.settings.grace_seconds
        while time.monotonic() < ends:
            time.sleep(_LOOK_SECONDS)
            if not self._is_busy():
                self._idle.set()
                return
        self._take_back(self.services.jobs.hand_back)
        for child in billiard.active_children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)

    def _is_busy(self) -> bool:
        try:
            return bool(self.services.jobs.held_by(self.name))
        except StoreUnavailable:  # what runs waits for it too
            return True

    def _child_lost(self, exception: BaseException, task_id: str, **_: Any) -> None:
        """In the parent: a child was killed or ran into the hard limit. Act at once instead of at lease expiry."""
        jobs = self.services.jobs
        if isinstance(exception, TimeLimitExceeded):
            self._take_back(jobs.time_out, task_id)
        elif isinstance(exception, WorkerLostError):
            self._take_back(jobs.hand_back if self._stopping else jobs.give_back, task_id)

    def _take_back(self, take: Callable[..., str | None], task_id: str | None = None) -> None:
        """Take what this node holds, or one task of it, out of its hands."""
        holder = self.name if task_id is None else f"{self.name}/{task_id}"
        try:
            for job_id in self.services.jobs.held_by(holder):
                take(job_id, lease_owner=holder)
        except StoreUnavailable:
            log.warning("the store does not answer; the supervisor takes over at lease expiry")

    @property
    def _ready_file(self) -> Path:
        return self.settings.home / "run" / f"{self.name}.ready"

    def _say_ready(self, **_: Any) -> None:
        self._ready_file.parent.mkdir(parents=True, exist_ok=True)
        self._ready_file.touch()
        self._hear_stops()
        self._there.enter_context(presence(self.services.store, self._itself, lambda: state.all_total_count[0]))
        log.info("worker %s is ready", self.name)

    def leave(self) -> None:
        """Hand back what the grace period did not let finish."""
        self._ready_file.unlink(missing_ok=True)
        self._there.close()
        self._take_back(self.services.jobs.hand_back)
