"""Where a client stands in its channels: what is new, what was missed, and from where to go on. Opens no connection."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from app.client.errors import ApiError, Unreachable
from app.client.transport import is_loopback

if TYPE_CHECKING:
    from websockets.exceptions import InvalidStatus

ENDED = frozenset({"job_succeeded", "job_failed", "job_cancelled"})
RESYNC = "resync"
PATIENCE_SECONDS = 60.0
HELLO_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_REFUSED = (400, 401, 403, 404, 422)
_POSITION = re.compile(r"[^:]+:[^=,]+=\d+(,[^=,]+=\d+)*")
# The relay hears out twenty messages at once, and then ten a second.
_AT_ONCE, _APART_SECONDS = 15, 0.11

Filter = Mapping[str, str | Sequence[str]]
Channels = str | Sequence[str] | Mapping[str, Filter | None]


@dataclass(frozen=True)
class LiveEvent:
    """One message of a channel. `seq` is None for news of the moment (progress, rows of a search).

    `position` says where all channels of the listener stood with this event; `since` takes it. Of the type `resync` is
    what no server sent: events between were lost for good, and `data["resync"]` is the address of the present state.
    """

    type: str
    at: str
    data: Mapping[str, Any]
    channel: str
    epoch: str
    seq: int | None
    position: str = ""

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> LiveEvent:
        return cls(
            type=str(message["type"]),
            at=str(message.get("at", "")),
            data=message.get("data") or {},
            channel=str(message.get("channel", "")),
            epoch=str(message.get("epoch", "")),
            seq=message.get("seq"),
        )

    @property
    def job_id(self) -> str | None:
        return self.data.get("job_id")

    @property
    def ended(self) -> bool:
        """Whether this is the last event of its job."""
        return self.type in ENDED


@dataclass(frozen=True)
class Gap:
    """Events after a number that only the log can still give."""

    after: int


class Place:
    """One listener's channels and how far it has heard each.

    Args:
        channels: the channels, each with its filter.
        since: the `position` of an event; empty: from now on.
        has_log: whether gaps can be read from a log; else a gap is told as an event.
    """

    def __init__(self, channels: Mapping[str, Filter | None], *, since: str = "", has_log: bool = False) -> None:
        if not channels:
            raise ValueError("name at least one channel")
        self._filters = channels
        self._has_log = has_log
        self._hellos = 0
        self._seen: dict[str, tuple[str, int]] = {}
        if since:
            if not _POSITION.fullmatch(since):
                raise ValueError(f"{since!r} is no position of an event")
            epoch, _, stands = since.partition(":")
            pairs = (part.split("=") for part in stands.split(","))
            self._seen = {name: (epoch, int(seq)) for name, seq in pairs}

    def address(self, url: str) -> str:
        """Where the first channel is opened."""
        self._hellos = 0
        name = next(iter(self._filters))
        wanted = {key: value if isinstance(value, str) else ",".join(value) for key, value in self._filter(name)}
        query = urlencode(self._resume(name) | wanted)
        return f"{url}/ws/{name}" + (f"?{query}" if query else "")

    def requests(self) -> Iterator[tuple[float, str]]:
        """The messages that open the other channels, each after a pause."""
        for number, name in enumerate(list(self._filters)[1:]):
            wanted = {key: value if isinstance(value, str) else list(value) for key, value in self._filter(name)}
            message = {"type": "subscribe", "channel": name, **self._resume(name)}
            yield _APART_SECONDS * (number >= _AT_ONCE), json.dumps(message | ({"filter": wanted} if wanted else {}))

    @property
    def is_greeted(self) -> bool:
        """Whether the relay listens to every channel for us: what is caused from then on will be heard."""
        return self._hellos >= len(self._filters)

    def take(self, text: str | bytes) -> list[LiveEvent | Gap]:
        """What a message brings. Raises ApiError when the relay refuses a channel."""
        message = json.loads(text)
        if not isinstance(message, dict) or "type" not in message:
            return []
        if message["type"] == "error":
            raise ApiError(422, {"detail": message.get("message"), **message})
        if message["type"] == "hello":
            return self._greeted(message)
        if message["type"] == "cursor":
            self._seen[message["channel"]] = (message["epoch"], message["seq"])
            return []
        return self.new([LiveEvent.of(message)]) if "data" in message else []

    def new(self, events: Iterable[LiveEvent]) -> list[LiveEvent | Gap]:
        """Those that were not heard before, each with its position."""
        found: list[LiveEvent | Gap] = []
        for event in events:
            if event.seq is not None:
                epoch, seq = self._seen.get(event.channel, ("", 0))
                if epoch == event.epoch and event.seq <= seq:
                    continue
                self._seen[event.channel] = (event.epoch, event.seq)
            found.append(replace(event, position=self._position(event.epoch)))
        return found

    def _greeted(self, message: Mapping[str, Any]) -> list[LiveEvent | Gap]:
        """After a hello: whether there is a gap, and who can fill it."""
        self._hellos += 1
        name, epoch, head = str(message["channel"]), str(message["epoch"]), int(message.get("head") or 0)
        before = self._seen.get(name)
        known = before[1] if before and before[0] == epoch else None
        if message.get("recovered") is True:
            return []
        if self._has_log and head > (known or 0):
            self._seen[name] = (epoch, known or 0)
            return [Gap(known or 0)]
        self._seen[name] = (epoch, head)
        if before is None or self._has_log:
            return []
        data = {"resync": message.get("resync"), "head": head, "last": before[1]}
        return [LiveEvent(RESYNC, "", data, name, epoch, None, self._position(epoch))]

    def _filter(self, name: str) -> Iterable[tuple[str, str | Sequence[str]]]:
        return (self._filters[name] or {}).items()

    def _resume(self, name: str) -> dict[str, Any]:
        seen = self._seen.get(name)
        return {"epoch": seen[0], "seq": seen[1]} if seen else {}

    def _position(self, epoch: str) -> str:
        stands = [f"{name}={seq}" for name, (of, seq) in self._seen.items() if of == epoch]
        return f"{epoch}:{','.join(stands)}" if stands else ""


class Patience:
    """How long to wait before the next attempt: longer each time, and never at the same moment as everybody else.

    Args:
        url: whom it is about.
        seconds: how long a lost connection is tried again.
    """

    def __init__(self, url: str, seconds: float = PATIENCE_SECONDS) -> None:
        self._url = url
        self._seconds = seconds
        self.heard()

    def heard(self) -> None:
        """All is well again."""
        self._failures = 0
        self.opened()

    def opened(self) -> None:
        """A connection stands, and is no longer lost, however silent it stays. Pauses go on to grow until it speaks."""
        self._lost_at = 0.0

    def pause_after(self, error: Exception) -> float:
        """Seconds to wait after one more failure. Raises Unreachable when it has been too long."""
        now = time.monotonic()
        self._lost_at = self._lost_at or now
        if now - self._lost_at > self._seconds:
            raise Unreachable(f"The connection to {self._url} was lost and does not come back.") from error
        pause: float = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**self._failures)
        self._failures += 1
        return pause * random.uniform(0.5, 1.0)


def channels_of(channels: Channels, filter: Filter | None = None) -> dict[str, Filter | None]:
    """Each channel with its filter: one for all of them, and in a mapping each one's own, which has the last word."""
    if isinstance(channels, Mapping):
        return {name: {**(filter or {}), **(own or {})} for name, own in channels.items()}
    return dict.fromkeys([channels] if isinstance(channels, str) else channels, filter)


def handshake(url: str, key: str) -> dict[str, Any]:
    """How a connection is opened, for both kinds of it."""
    return {
        "additional_headers": {"Authorization": f"Bearer {key}"},
        "open_timeout": 5,
        "close_timeout": 1,
        "max_size": None,  # who refused a large event would be sent it again for ever
        "proxy": None if is_loopback(url) else True,
    }


def refusal(error: InvalidStatus, url: str) -> ApiError | Unreachable:
    """What a reply means that came instead of a socket."""
    if error.response.status_code not in _REFUSED:
        return Unreachable(f"The relay at {url} refuses sockets: {error}")
    try:
        problem = json.loads(error.response.body or b"")
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"code": "socket_refused", "detail": f"{url} refused the connection."}
    return ApiError(error.response.status_code, problem)
