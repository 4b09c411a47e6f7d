"""The queue: Celery over Redis carries doorbells. A message is a job's id and worth nothing: it may be lost, doubled
or late, because the row is the job (`app.jobs`) and the supervisor rings again."""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import redis
from celery import Celery
from kombu.entity import Queue
from kombu.exceptions import OperationalError
from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.transport import redis as kombu_redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.errors import QueueUnavailable
from app.settings import Settings

TASK = "queuant.execute"
QUEUES = INTERACTIVE, BATCH = "interactive", "batch"
PREFIX = "bt:"
HARD_LIMIT_MARGIN = 30
_PUBLISH_POLICY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.3}


class _QoS(kombu_redis.QoS):
    """Lets go of a message whose end the server did not hear. kombu keeps it, and a worker whose places are all taken
    by such messages neither listens again nor notices that the connection is gone: it would be deaf for ever."""

    def ack(self, delivery_tag: str) -> None:
        try:
            self._remove_from_indices(delivery_tag).execute()  # type: ignore[no-untyped-call]
        finally:
            virtual.QoS.ack(self, delivery_tag)


class _Channel(kombu_redis.Channel):
    QoS = _QoS


class Transport(kombu_redis.Transport):
    """kombu's transport for Redis, without that fault."""

    Channel = _Channel


def make_celery(settings: Settings) -> Celery:
    """The Celery application that API, supervisor and workers share. Each setting answers a measured fault."""
    # Not `broker_transport`, which would forget that `rediss://` means TLS.
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), f"{__name__}:Transport"))
    app = Celery("queuant", broker=settings.redis_url, set_as_current=False)
    hard_limit = settings.job_seconds + HARD_LIMIT_MARGIN
    app.conf.update(
        # JSON only: a pickle from whoever reaches the queue server would be code execution.
        task_serializer="json",
        accept_content=["json"],
        # Of kombu's own accord `rediss://` would take any certificate; what the URL says of `ssl_…` comes before this.
        broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED} if settings.redis_url.startswith("rediss:") else None,
        # The store holds results and states; Celery's own would be a second truth.
        result_backend=None,
        task_ignore_result=True,
        # A message leaves the queue when its job has ended. A poison job must not come back for ever, so a lost
        # child does not requeue it: the row counts attempts.
        task_acks_late=True,
        task_acks_on_failure_or_timeout=True,
        task_reject_on_worker_lost=False,
        worker_lost_wait=0.5,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_pool_limit=10,
        worker_soft_shutdown_timeout=0,  # it is a sleep of that length, whatever ends; `workers.node` waits instead
        task_soft_time_limit=settings.job_seconds,
        task_time_limit=hard_limit,
        worker_max_tasks_per_child=1000,
        worker_max_memory_per_child=settings.child_memory_mib * 1024,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        task_queues=[Queue(name) for name in QUEUES],
        task_default_queue=QUEUES[0],
        task_create_missing_queues=False,
        broker_transport_options={
            "visibility_timeout": hard_limit + 600,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "global_keyprefix": PREFIX,
            "socket_timeout": 10,
            "socket_connect_timeout": 3,
            "socket_keepalive": True,
            "health_check_interval": 10,
            **_PUBLISH_POLICY,
        },
        task_publish_retry_policy=_PUBLISH_POLICY,
    )
    return app


class TaskQueue(Protocol):
    """Rings doorbells."""

    def ring(self, job_id: str, queue: str) -> None:
        """Tell some worker that the job waits. Raises QueueUnavailable within three seconds."""

    def length(self, queue: str) -> int:
        """How many doorbells wait to be heard. Raises QueueUnavailable."""


class CeleryQueue:
    """The queue of every real process."""

    def __init__(self, settings: Settings) -> None:
        self._celery = make_celery(settings)
        # A worker may wait ten seconds for its next message; a client's request may not wait for a silent server.
        conf = self._celery.conf
        impatient = {"socket_timeout": 1, "socket_connect_timeout": 1, "max_retries": 1}
        conf.broker_transport_options = conf.broker_transport_options | impatient
        conf.task_publish_retry_policy = conf.task_publish_retry_policy | {"max_retries": 1}
        self._redis = redis.Redis.from_url(
            settings.redis_url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 1)
        )

    def ring(self, job_id: str, queue: str) -> None:
        with _translated():
            self._celery.send_task(TASK, args=[job_id], queue=queue, ignore_result=True)

    def warm(self) -> None:
        """Open the connection that the first `ring` would otherwise pay for."""
        with _translated(), self._celery.producer_pool.acquire(block=True, timeout=5) as producer:
            producer.connection.ensure_connection(max_retries=1, interval_start=0)

    def length(self, queue: str) -> int:
        with _translated():
            return int(self._redis.llen(PREFIX + queue))


class MemoryQueue:
    """The same within one process, for unit tests."""

    def __init__(self) -> None:
        self.rung: dict[str, deque[str]] = {name: deque() for name in QUEUES}

    def ring(self, job_id: str, queue: str) -> None:
        self.rung[queue].append(job_id)

    def length(self, queue: str) -> int:
        return len(self.rung[queue])

    def take(self, queue: str = QUEUES[0]) -> str | None:
        """What a worker would hear next."""
        bells = self.rung[queue]
        return bells.popleft() if bells else None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, redis.RedisError, OSError) as error:
        raise QueueUnavailable("The queue server does not answer.") from error
