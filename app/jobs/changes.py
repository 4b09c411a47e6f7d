"""What every change of a job has in common: a compare-and-set in the store, then news, then a doorbell."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from app.bus import Bus, publish
from app.errors import QueueUnavailable
from app.events import Event, job_channel, owner_channel
from app.progress import parked
from app.store import Change, Store
from app.taskqueue import TaskQueue

log = logging.getLogger(__name__)


class Changes:
    """Tells of changes that the store has committed. What it sends may be lost without harm.

    Args:
        store: where rows, results and events live.
        bus: carries events to whoever listens now.
        queue: rings workers.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        queue: TaskQueue,
        *,
        lease_seconds: float = 15.0,
        max_attempts: int = 3,
        max_queued: int = 100_000,
        max_daily: int = 0,
    ) -> None:
        self.store = store
        self._bus = bus
        self._queue = queue
        self.lease_seconds = lease_seconds
        self._max_attempts = max_attempts
        self._max_queued = max_queued
        self._max_daily = max_daily

    def _announce(self, change: Change) -> None:
        self._publish(*change.events)
        if change.parent is not None:
            self._follow(change.parent)

    def _follow(self, parent: Row[Any]) -> None:
        """What the end of a chunk means for its job: news, a worker that ends it, or chunks that nobody needs."""
        if parent.status == "failed":
            self.store.families.call_off()
            return
        now = time.time()
        self._tell_progress(parent.id, parent.owner, parked(parent, max(0.0, now - parent.started_at)), now)
        if parent.pending == 0:
            self._ring(parent.id, parent.queue)

    def _tell_progress(self, job_id: str, owner: str, progress: Mapping[str, Any], at: float) -> None:
        data = {"job_id": job_id, **progress}
        epoch = self.store.events.epoch
        channels = (job_channel(job_id), owner_channel(owner))
        self._publish(*(Event(channel, epoch, None, "job_progress", at, data) for channel in channels))

    def _publish(self, *events: Event) -> None:
        publish(self._bus, *events)

    def _ring(self, job_id: str, queue: str) -> bool:
        try:
            self._queue.ring(job_id, queue)
        except QueueUnavailable:
            log.warning("job %s was not rung; the supervisor rings it", job_id)
            return False
        return True
