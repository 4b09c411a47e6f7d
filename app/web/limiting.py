"""How often somebody may ask: windows of a minute, counted on the queue server by all processes together.

A server that is away or silent keeps nobody waiting: for a while each process counts by itself.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import redis
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.settings import Settings
from app.taskqueue import PREFIX

log = logging.getLogger(__name__)

Kind = Literal["reads", "writes", "uploads", "failures"]
SILENT_SECONDS = 0.5  # how long a request waits for the server
AWAY_SECONDS = 10.0  # how long nobody waits for a server that did not answer


@dataclass(frozen=True)
class Standing:
    """What somebody has left: `remaining` of `limit` requests, and when there is room again."""

    granted: bool
    limit: int
    remaining: int
    reset_seconds: int

    def headers(self) -> dict[str, str]:
        """As clients know it from other services."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }


Question: TypeAlias = Callable[[SlidingWindowCounterRateLimiter, RateLimitItem, str], Standing]


class Limiter:
    """Counts requests by kind and by whoever makes them. The window slides: it is never twice the limit."""

    def __init__(self, settings: Settings) -> None:
        self._most: Mapping[Kind, int] = {
            "reads": settings.rate_reads,
            "writes": settings.rate_writes,
            "uploads": settings.rate_uploads,
            "failures": settings.rate_failures,
        }
        self._shared = _on_server(settings.redis_url) if settings.redis_url else None
        self._lock = threading.Lock()
        self._ask_at = 0.0  # when the server is asked again; 0: it answers

    def take(self, kind: Kind, who: str) -> Standing | None:
        """Count one request, unless it is one too many. None: there is no limit."""
        return self._ask(_count, kind, who)

    def look(self, kind: Kind, who: str) -> Standing | None:
        """How many were counted, without another one. None: there is no limit."""
        return self._ask(_standing, kind, who)

    def _ask(self, question: Question, kind: Kind, who: str) -> Standing | None:
        if not self._most[kind]:
            return None
        item = RateLimitItemPerMinute(self._most[kind], namespace=kind)
        if self._shared is None or not self._may_ask():
            return question(self._own, item, who)
        try:
            standing = question(self._shared, item, who)
        except redis.RedisError as error:
            self._ask_at = time.monotonic() + AWAY_SECONDS
            log.warning("requests are counted in this process alone for %.0f s: %s", AWAY_SECONDS, type(error).__name__)
            return _count(self._own, item, who)
        self._ask_at = 0.0
        return standing

    def _may_ask(self) -> bool:
        """Whether to ask the server. Of those who could find out that it is back one does."""
        if not self._ask_at:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._ask_at:
                return False
            self._ask_at = now + AWAY_SECONDS
            return True

    @cached_property
    def _own(self) -> SlidingWindowCounterRateLimiter:
        return SlidingWindowCounterRateLimiter(MemoryStorage())  # which starts a thread: only where it is needed


def _on_server(url: str) -> SlidingWindowCounterRateLimiter:
    storage = RedisStorage(
        url,
        key_prefix=f"{PREFIX}rate",
        socket_timeout=SILENT_SECONDS,
        socket_connect_timeout=SILENT_SECONDS,
        # Once more on a new connection when the server was restarted; a server that is silent stays so.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),  # type: ignore[arg-type]
    )
    return SlidingWindowCounterRateLimiter(storage)


def _count(counter: SlidingWindowCounterRateLimiter, item: RateLimitItem, who: str) -> Standing:
    return _standing(counter, item, who, granted=counter.hit(item, who))


def _standing(
    counter: SlidingWindowCounterRateLimiter, item: RateLimitItem, who: str, *, granted: bool = True
) -> Standing:
    stats = counter.get_window_stats(item, who)
    seconds = max(1, math.ceil(stats.reset_time - time.time()))
    return Standing(granted, item.amount, stats.remaining, seconds)
