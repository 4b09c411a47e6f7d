"""Listening over the WebSocket: an iterator that reconnects and goes on where it stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from app.client.errors import ApiError, StillRunning, Unreachable
from app.client.transport import is_loopback

ENDED = frozenset({"job_succeeded", "job_failed", "job_cancelled"})
_PAUSES = (0.1, 0.3, 1.0, 2.0, 5.0)
_REFUSED = (401, 403, 404)
_HELLO_SECONDS = 5.0


@dataclass(frozen=True)
class LiveEvent:
    """One message of a channel. `seq` is None for news of the moment (progress, rows of a search)."""

    type: str
    at: str
    data: Mapping[str, Any]
    channel: str
    epoch: str
    seq: int | None

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


class Listener:
    """A subscription to one channel.

    Args:
        url: where sockets are opened (ws:// or wss://).
        key: the API key.
        channel: `jobs`, or `jobs/<job_id>`.
        missed: reads from the log what the relay could no longer replay; given the last seq.
    """

    def __init__(
        self,
        url: str,
        key: str,
        channel: str,
        *,
        missed: Callable[[int], list[LiveEvent]] | None = None,
    ) -> None:
        self._url = f"{url}/ws/{channel}"
        self._key = key
        self._epoch: str | None = None
        self._seq: int | None = None
        self._missed = missed
        self._socket: ClientConnection | None = None
        self._held = ExitStack()
        self._hello: dict[str, Any] | None = None
        self._failures = 0

    def __enter__(self) -> Listener:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket = None
        self._held.close()

    def connect(self) -> None:
        """Open the socket and resume where this listener stopped. Raises ApiError and Unreachable."""
        resume = {"epoch": self._epoch, "seq": self._seq} if self._epoch and self._seq is not None else {}
        address = self._url + (f"?{urlencode(resume)}" if resume else "")
        try:
            self._socket = self._held.enter_context(
                connect(
                    address,
                    additional_headers={"Authorization": f"Bearer {self._key}"},
                    open_timeout=5,
                    close_timeout=1,
                    proxy=None if is_loopback(self._url) else True,
                )
            )
        except InvalidStatus as error:
            if error.response.status_code in _REFUSED:
                raise _refusal(error, self._url) from error
            raise Unreachable(f"The relay at {self._url} refuses sockets: {error}") from error
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise Unreachable(f"No relay answers at {self._url}: {error}") from error
        # Only after its hello has the relay begun to listen for us: what is caused from here on will be heard.
        try:
            self._hello = _read(self._socket.recv(timeout=_HELLO_SECONDS))
        except (ConnectionClosed, TimeoutError) as error:
            self.close()
            raise Unreachable(f"The relay at {self._url} does not greet: {error}") from error

    def events(self, timeout: float | None = None) -> Iterator[LiveEvent]:
        """Every event from now on, across lost connections. Raises StillRunning after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._hello is not None:
                hello, self._hello = self._hello, None
                yield from self._greeted(hello)
            message = self._next(deadline)
            if message is None:
                continue
            if "data" in message:  # the relay's own answers have none
                event = LiveEvent.of(message)
                if self._is_new(event):
                    yield event

    def _next(self, deadline: float | None) -> dict[str, Any] | None:
        """One message; None after a lost connection was opened again."""
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise StillRunning("Nothing more was heard in the time given; the job goes on.")
        try:
            if self._socket is None:
                self.connect()
                return None
            text = self._socket.recv(timeout=left)
        except (ConnectionClosed, Unreachable) as error:
            self._pause_after(error)
            return None
        except TimeoutError:
            return None
        self._failures = 0
        return _read(text)

    def _pause_after(self, error: Exception) -> None:
        self.close()
        self._failures += 1
        if self._failures > len(_PAUSES):
            raise Unreachable(f"The connection to {self._url} was lost and does not come back.") from error
        time.sleep(_PAUSES[self._failures - 1])

    def _greeted(self, message: Mapping[str, Any]) -> Iterator[LiveEvent]:
        """After a hello: where the channel stands, and whether a gap has to be read from the log."""
        head = int(message.get("head") or 0)
        known = self._seq if self._epoch == message.get("epoch") else None
        self._epoch = str(message.get("epoch"))
        if self._missed is not None and message.get("recovered") is not True and head > (known or 0):
            for event in self._missed(known or 0):
                if self._is_new(event):
                    yield event
        elif known is None:
            self._seq = head

    def _is_new(self, event: LiveEvent) -> bool:
        if event.seq is None:
            return True
        if self._seq is not None and event.epoch == self._epoch and event.seq <= self._seq:
            return False
        self._seq = event.seq
        return True


def _read(text: str | bytes) -> dict[str, Any] | None:
    message = json.loads(text)
    return message if isinstance(message, dict) and "type" in message else None


def _refusal(error: InvalidStatus, url: str) -> ApiError:
    try:
        problem = json.loads(error.response.body or b"")
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"code": "socket_refused", "detail": f"{url} refused the connection."}
    return ApiError(error.response.status_code, problem)
