"""The same channels as Server-Sent Events (the WHATWG's `text/event-stream`), for whoever has no WebSocket.

Every message is the JSON that a socket carries, in a `data` line. Its `id` tells where each channel stands,
`<epoch>:jobs=12,signals=3`, so a client that sends the last one back as `Last-Event-ID` resumes all of them.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask import Response, request

from app.events import VERSION
from app.web.auth import Visitor
from app.web.channels import Client, Frame, Subscription
from app.web.feeds import Wanted
from app.web.session import MAX_SUBSCRIPTIONS, Relay, Session
from app.web.wire import Wire
from engine.errors import InvalidInput

RETRY_MS = 2_000
SOCKETS = ("gunicorn.socket", "werkzeug.socket")
_POSITION = re.compile(
    r"([0-9A-Za-z_-]{1,64}):((?:[0-9A-Za-z_/-]{1,100}=[0-9]{1,16})(?:,[0-9A-Za-z_/-]{1,100}=[0-9]{1,16})*)"
)


class StreamClient(Client):
    """A client that reads a stream of events."""

    def __init__(self, wire: Wire, wake: Callable[[], None], *, epoch: str) -> None:
        super().__init__(wire, wake)
        self._epoch = epoch

    def framed(self, frame: Frame, subscription: Subscription | None = None) -> bytes:
        if subscription is None or frame.seq is None:
            return b"data: %b\n\n" % frame.text
        return b"%b\ndata: %b\n\n" % (self._position(subscription, frame.seq), frame.text)

    def say(self, message: Any) -> None:
        text = json.dumps({"v": VERSION, **message}, allow_nan=False).encode()
        with self.wire.lock:
            self.wire.write(b"%b\ndata: %b\n\n" % (self._position(), text))

    def beat(self, *, epoch: str) -> None:  # noqa: ARG002 - a stream has one for all its life
        """An id without data: no message, but the client keeps it, and the connection is used."""
        with self.wire.lock:
            self.wire.write(b":\n%b\n\n" % self._position())
            for subscription in self.subscriptions.values():
                subscription.told = subscription.cursor

    def _position(self, ahead: Subscription | None = None, seq: int = 0) -> bytes:
        """Where every channel stands, one of them at `seq`, which is sent just now."""
        stands = (
            f"{name}={seq if subscription is ahead else subscription.cursor}"
            for name, subscription in self.subscriptions.items()
        )
        return f"id: {self._epoch}:{','.join(stands)}".encode()


class Stream(Session):
    """One client at a stream."""

    def __init__(self, relay: Relay, wire: Wire, visitor: Visitor) -> None:
        bell = threading.Event()
        client = StreamClient(wire, bell.set, epoch=relay.hub.events.epoch)
        super().__init__(relay, visitor, client, bell=bell, beats=True)

    def begin(self, wanted: Sequence[Wanted]) -> None:
        with self.client.wire.lock:
            self.client.wire.write(b"retry: %d\n\n" % RETRY_MS)
        super().begin(wanted)

    def is_open(self) -> bool:
        return not self.client.wire.is_gone()

    def say_goodbye(self, code: int, reason: str) -> None:
        wire = self.client.wire
        wire.stall_seconds = min(wire.stall_seconds, 1.0)
        try:
            if not wire.closed:
                self.client.say({"type": "closed", "code": code, "reason": reason})
        except OSError:
            pass  # it does not listen any more, which may be why it is sent away
        wire.close()


class EventStream(Response):
    """A reply that keeps its connection: the head as ordinary replies have it, then events to the end.

    The wire writes to the socket beside the server, as it does for WebSockets: a server's own way of sending a body
    waits for slow clients.
    """

    def __init__(self, relay: Relay, visitor: Visitor, wanted: Sequence[Wanted]) -> None:
        super().__init__(content_type="text/event-stream; charset=utf-8")
        self.headers["X-Accel-Buffering"] = "no"  # a proxy that collects would keep events back
        self.automatically_set_content_length = False
        self._relay = relay
        self._visitor = visitor
        self._wanted = wanted

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        name = _socket_in(environ)
        if environ["REQUEST_METHOD"] == "HEAD" or name is None:
            return super().__call__(environ, start_response)
        wire = Wire(environ[name])
        lines = [f"{key}: {value}" for key, value in self.get_wsgi_headers(environ)]
        head = "\r\n".join([f"HTTP/1.1 {self.status}", *lines, "Connection: close", "", ""])
        try:
            wire.send(head.encode("latin-1"))
        except OSError:
            wire.close()
        else:
            Stream(self._relay, wire, self._visitor).run(self._wanted)
        if name == SOCKETS[0]:
            raise StopIteration  # gunicorn's sign for a connection that is dealt with
        return super().__call__(environ, start_response)


def check_stream() -> None:
    """Raises InvalidInput where the server gives no socket to write to."""
    if _socket_in(request.environ) is None:
        raise InvalidInput("This server cannot stream.", code="no_stream")


def _socket_in(environ: Any) -> str | None:
    return next((name for name in SOCKETS if name in environ), None)


def read_channels(text: str) -> list[str]:
    """The channels of a query. Raises InvalidInput."""
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not 0 < len(names) <= MAX_SUBSCRIPTIONS or max(map(len, names)) > 100:
        raise InvalidInput(
            f"Say 1 to {MAX_SUBSCRIPTIONS} channels, such as ?channels=jobs,signals.", pointer="/channels"
        )
    return names


def read_position(text: str) -> dict[str, tuple[str, int]]:
    """Epoch and seq by channel, as an `id` line told them. Raises InvalidInput."""
    if not text:
        return {}
    found = _POSITION.fullmatch(text) if len(text) <= 8_192 else None
    if found is None:
        raise InvalidInput("Last-Event-ID is none that this server gave.", code="bad_position", given=text[:100])
    pairs = (part.split("=") for part in found[2].split(","))
    return {name: (found[1], int(seq)) for name, seq in pairs}
