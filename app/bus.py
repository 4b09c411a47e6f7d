"""The bus: news travels over Redis pub/sub. It may be lost; the event log repairs that."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.errors import QueueUnavailable
from app.events import Event

log = logging.getLogger(__name__)

TOPIC = "bt:events"


@dataclass(frozen=True)
class News:
    """One event as it travels: where to, its number, and the frame that clients get."""

    channel: str
    seq: int | None
    frame: str

    @classmethod
    def of(cls, event: Event) -> News:
        return cls(event.channel, event.seq, event.frame())

    def encode(self) -> str:
        return f"{self.channel}\n{'' if self.seq is None else self.seq}\n{self.frame}"

    @classmethod
    def decode(cls, text: str) -> News:
        channel, seq, frame = text.split("\n", 2)
        return cls(channel, int(seq) if seq else None, frame)


class Subscription(Protocol):
    """An open ear."""

    def next(self, timeout: float) -> News | None:
        """The next piece of news; None after `timeout` seconds without any. Raises QueueUnavailable."""


class Bus(Protocol):
    """Publish to whoever listens now."""

    def publish(self, event: Event) -> None:
        """Send. Raises QueueUnavailable when the server does not answer within about two seconds."""

    def subscribe(self) -> AbstractContextManager[Subscription]:
        """Listen to everything for the length of a `with` block."""

    def ping(self) -> None:
        """Raise QueueUnavailable unless the server answers."""


class RedisBus:
    """The bus of every real process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=2,
            socket_connect_timeout=2,
            # Once more on a new connection when the server was restarted; a server that is silent stays so.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            decode_responses=True,
        )

    def publish(self, event: Event) -> None:
        with _translated():
            self._redis.publish(TOPIC, News.of(event).encode())

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        client = redis.Redis.from_url(
            self._url,
            socket_timeout=5,
            socket_connect_timeout=2,
            socket_keepalive=True,
            health_check_interval=10,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        with _translated(), client, client.pubsub() as ear:
            ear.subscribe(TOPIC)
            if ear.get_message(timeout=2) is None:  # nothing is missed from here on, because the server has agreed
                raise redis.TimeoutError("no answer to SUBSCRIBE")
            yield _RedisSubscription(ear)

    def ping(self) -> None:
        with _translated():
            self._redis.ping()


def publish(bus: Bus, *events: Event) -> None:
    """Publish what was committed. What is lost is repaired from the log, so a server that is away is no error."""
    try:
        for event in events:
            bus.publish(event)
    except QueueUnavailable:  # the rest would wait for the same server: one wait is enough
        log.warning("%s was not published; clients read it from the log", events[0].type)


class _RedisSubscription:
    def __init__(self, ear: redis.client.PubSub) -> None:
        self._ear = ear

    def next(self, timeout: float) -> News | None:
        deadline = time.monotonic() + timeout
        while True:
            with _translated():
                message = self._ear.get_message(timeout=max(0.0, deadline - time.monotonic()))
            if message and message["type"] == "message":
                return News.decode(message["data"])
            if time.monotonic() >= deadline:
                return None


class MemoryBus:
    """The same within one process, for unit tests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ears: set[_MemorySubscription] = set()

    def publish(self, event: Event) -> None:
        with self._lock:
            ears = list(self._ears)
        for ear in ears:
            ear.hear(News.of(event))

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        ear = _MemorySubscription()
        with self._lock:
            self._ears.add(ear)
        try:
            yield ear
        finally:
            with self._lock:
                self._ears.discard(ear)

    def ping(self) -> None:
        return None


class _MemorySubscription:
    def __init__(self) -> None:
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()

    def hear(self, news: News) -> None:
        self._news.put(news)

    def next(self, timeout: float) -> News | None:
        try:
            return self._news.get(timeout=timeout)
        except queue.Empty:
            return None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise QueueUnavailable("The queue server does not answer.") from error
