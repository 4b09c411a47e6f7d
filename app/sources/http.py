"""Asking the outside world with manners: bounded in time, size, attempts and frequency, and remembered for a while.

Addresses come from code and settings, never from a request. A key is added to a request below everything that writes
logs, and is in no cache file's name.
"""

from __future__ import annotations

import hashlib
import logging
import os
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlencode

from app.errors import SourceFailed
from app.leftovers import sweep
from app.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 4
LONGEST_WAIT = 60.0  # seconds that a source may ask a job to wait
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 20.0
_BREATH = 0.5  # seconds between two looks whether to stop


class Again(Exception):
    """An attempt failed in a way that another one may not. `wait`: seconds that the source asks for."""

    def __init__(self, why: str, *, code: str = "source_unavailable", wait: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.code = code
        self.wait = wait


class Refused(Exception):
    """An attempt failed, and every other one would."""

    def __init__(self, why: str, *, code: str = "source_refused") -> None:
        super().__init__(why)
        self.why = why
        self.code = code


class Absent(Refused):
    """There is nothing at this address."""


@dataclass(frozen=True)
class Origin:
    """A place that is asked: its address, what it answers with, and how it wants to be treated.

    Args:
        source: id of the source.
        name: by which `QUEUANT_SOURCE_URLS` overrides the address.
        url: address that all paths begin with.
        answers: "json" or "csv".
        pause: seconds between two requests.
        most_bytes: longest answer that is read.
        key_as: the query's field for the API key, where there is one.
    """

    source: str
    name: str
    url: str
    answers: str = "json"
    pause: float = 0.5
    most_bytes: int = 32 << 20
    key_as: str | None = None


@dataclass(frozen=True)
class Access:
    """How this machine reaches sources."""

    cache_dir: Path | None = None
    cache_seconds: float = 3600.0
    urls: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Access:
        keys = {"fred": settings.fred_api_key} if settings.fred_api_key else {}
        return cls(settings.sources_dir, settings.source_cache_seconds, settings.source_addresses, keys)


class Http:
    """Requests of one job.

    Args:
        access: addresses, keys, and where answers are kept.
        alive: called before every attempt, while waiting and while reading; raises when the job should stop.
        sleep, clock, chance: time and luck, for tests to replace.
    """

    def __init__(
        self,
        access: Access,
        *,
        alive: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._access = access
        self._alive = alive
        self._sleep = sleep
        self._clock = clock
        self._chance = chance
        self._next: dict[str, float] = {}
        self.asked: list[str] = []  # addresses that answered, without keys

    def has_key(self, source: str) -> bool:
        return source in self._access.keys

    def get(
        self,
        origin: Origin,
        path: str,
        query: Mapping[str, str | int],
        read: Callable[[bytes], T],
        *,
        item: str,
        absent: T | None = None,
    ) -> T:
        """What `read` makes of the answer; from the cache while it is fresh. Only what can be read is kept.

        `read` raises Again or Refused for an answer that it cannot read. `absent` stands for 404 where that says that
        there is nothing. Raises SourceFailed, naming source and item.
        """
        url = self._access.urls.get(origin.name, origin.url).rstrip("/") + path
        url += "?" + urlencode(query, quote_via=quote, safe="$,'/") if query else ""
        kept = self._kept(url)
        if kept is not None:
            with suppress(Again, Refused):  # an earlier version of the source could read it
                found = read(kept)
                self.asked.append(url)
                return found

        def once() -> T:
            try:
                body = self._answer(origin, url)
            except Absent:
                if absent is None:
                    raise
                return absent
            found = read(body)
            self._keep(url, body)
            return found

        found = self.patiently(origin, item, once)
        self.asked.append(url)
        return found

    def patiently(self, origin: Origin, item: str, once: Callable[[], T]) -> T:
        """`once`, again after a pause as long as it raises Again, at most ATTEMPTS times."""
        for attempt in range(1, ATTEMPTS + 1):
            self._take_turn(origin)
            try:
                return once()
            except Refused as error:
                raise _failed(origin, item, error.why, error.code) from error
            except Again as error:
                pause = self._pause(attempt) if error.wait is None else error.wait
                if attempt == ATTEMPTS or pause > LONGEST_WAIT:
                    why = error.why if attempt == 1 else f"{error.why}, after {attempt} attempts"
                    raise _failed(origin, item, why, error.code) from error
                log.info("%s, %s: %s; attempt %d of %d", origin.source, item, error.why, attempt, ATTEMPTS)
                self._wait(pause)
        raise AssertionError("the last attempt returns or raises")

    def judged(self, origin: Origin, item: str, make: Callable[[], T]) -> T:
        """What `make` makes of answers; where it refuses them, the error names source and item."""
        try:
            return make()
        except Refused as error:
            raise _failed(origin, item, error.why, error.code) from error

    def _pause(self, attempt: int) -> float:
        """Twice as long after each attempt, and never the same for two who failed together."""
        return min(_FIRST_PAUSE * 2.0 ** (attempt - 1), _LONGEST_PAUSE) * (0.5 + self._chance() / 2)

    def _take_turn(self, origin: Origin) -> None:
        self._alive()
        now = self._clock()
        due = max(self._next.get(origin.name, now), now)
        self._next[origin.name] = due + origin.pause
        self._wait(due - now)

    def _wait(self, seconds: float) -> None:
        while seconds > 0:
            self._alive()
            self._sleep(min(seconds, _BREATH))
            seconds -= _BREATH
        self._alive()

    def _answer(self, origin: Origin, url: str) -> bytes:
        from app.sources import wire  # httpx takes 0.2 s, and the API only describes sources

        key = self._access.keys.get(origin.source) if origin.key_as else None
        secret = {origin.key_as: key} if origin.key_as and key else {}
        return wire.read(url, secret, origin.answers, most_bytes=origin.most_bytes, alive=self._alive)

    def _kept(self, url: str) -> bytes | None:
        path = self._path(url)
        with suppress(OSError):
            if path and time.time() - path.stat().st_mtime < self._access.cache_seconds:
                return path.read_bytes()
        return None

    def _keep(self, url: str, body: bytes) -> None:
        """Whole or not at all; a folder that takes nothing costs a request more, no job."""
        path = self._path(url)
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            sweep(path.parent, self._access.cache_seconds)
            handle, draft = tempfile.mkstemp(prefix="draft-", dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            Path(draft).replace(path)
        except OSError as error:
            log.warning("an answer cannot be kept below %s: %s", path.parent, error)

    def _path(self, url: str) -> Path | None:
        if self._access.cache_dir is None:
            return None
        return self._access.cache_dir / hashlib.sha256(url.encode()).hexdigest()


def _failed(origin: Origin, item: str, why: str, code: str) -> SourceFailed:
    return SourceFailed(f"{item}: the source '{origin.source}' {why}.", source=origin.source, item=item, code=code)
