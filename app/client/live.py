"""Listening over the WebSocket: an iterator that reconnects and goes on where it stopped."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from app.client.channels import (
    HELLO_SECONDS,
    Channels,
    Gap,
    LiveEvent,
    Patience,
    Place,
    channels_of,
    handshake,
    refusal,
)
from app.client.errors import ApiError, StillRunning, Unreachable


class Listener:
    """A subscription to one or several channels.

    Args:
        url: where sockets are opened (ws:// or wss://).
        key: the API key.
        channels: `jobs`, `jobs/<job_id>`, `signals`, …; several, or each with its filter.
        since: the position to go on from.
        missed: reads from the log what the relay could no longer replay; given the last seq.
    """

    def __init__(
        self,
        url: str,
        key: str,
        channels: Channels,
        *,
        since: str = "",
        missed: Callable[[int], list[LiveEvent]] | None = None,
    ) -> None:
        self._url = url
        self._key = key
        self._place = Place(channels_of(channels), since=since, has_log=missed is not None)
        self._missed = missed
        self._patience = Patience(url)
        self._waiting: deque[LiveEvent | Gap] = deque()
        self._socket: ClientConnection | None = None
        self._held = ExitStack()

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
        address = self._place.address(self._url)
        try:
            socket = self._held.enter_context(connect(address, **handshake(self._url, self._key)))
        except InvalidStatus as error:
            raise refusal(error, self._url) from error
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise Unreachable(f"No relay answers at {self._url}: {error}") from error
        # Only after its hello has the relay begun to listen for us: what is caused from here on will be heard.
        try:
            for pause, request in self._place.requests():
                time.sleep(pause)
                socket.send(request)
            while not self._place.is_greeted:
                self._waiting += self._place.take(socket.recv(timeout=HELLO_SECONDS))
        except (ConnectionClosed, TimeoutError) as error:
            self.close()
            raise Unreachable(f"The relay at {self._url} does not greet: {error}") from error
        except ApiError:
            self.close()
            raise
        self._socket = socket

    def events(self, timeout: float | None = None) -> Iterator[LiveEvent]:
        """Every event from now on, across lost connections. Raises StillRunning after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            while self._waiting:
                yield from self._told(self._waiting.popleft())
            self._waiting += self._next(deadline)

    def _told(self, item: LiveEvent | Gap) -> Iterable[LiveEvent]:
        if isinstance(item, LiveEvent):
            return [item]
        missed = self._missed(item.after) if self._missed else []
        return [event for event in self._place.new(missed) if isinstance(event, LiveEvent)]

    def _next(self, deadline: float | None) -> list[LiveEvent | Gap]:
        """What the next message brings; nothing after a lost connection was opened again."""
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise StillRunning("Nothing more was heard in the time given; the job goes on.")
        try:
            if self._socket is None:
                self.connect()
                self._patience.opened()
                return []
            text = self._socket.recv(timeout=left)
        except (ConnectionClosed, Unreachable) as error:
            self.close()
            time.sleep(self._patience.pause_after(error))
            return []
        except TimeoutError:
            return []
        self._patience.heard()
        return self._place.take(text)
