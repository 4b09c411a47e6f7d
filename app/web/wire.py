"""One client's socket: whole frames, one sender at a time, and never waiting for ever.

simple-websocket 1.1 writes with a bare `send` from two threads: a full socket buffer cuts a frame in half (under
gevent) and a ping may land inside another frame. `Wire` stands in for the socket before the upgrade, so everything
that leaves, the handshake and control frames included, goes through one lock and leaves whole.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable, Sized
from typing import Any

STALL_SECONDS = 10.0
SEND_BUFFER_BYTES = 131_072
MAX_BACKLOG = 64
_TEXT = 0x81
_CLOSE = 0x88


def text_frame(text: str) -> bytes:
    """The WebSocket frame of a text message (RFC 6455, unmasked, uncompressed): the same bytes for every client."""
    body = text.encode()
    size = len(body)
    if size < 126:
        return bytes((_TEXT, size)) + body
    if size < 65_536:
        return bytes((_TEXT, 126)) + size.to_bytes(2, "big") + body
    return bytes((_TEXT, 127)) + size.to_bytes(8, "big") + body


def text_of(frame: bytes) -> bytes:
    """The message inside of a frame that `text_frame` made."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


def close_frame(code: int, reason: str) -> bytes:
    body = code.to_bytes(2, "big") + reason.encode()[:123]
    return bytes((_CLOSE, len(body))) + body


class Wire:
    """A socket as simple-websocket uses one, and the hub beside it.

    Args:
        sock: a connected socket, plain or gevent's.
        stall_seconds: a client that takes nothing for so long is gone.
    """

    def __init__(self, sock: socket.socket, *, stall_seconds: float = STALL_SECONDS) -> None:
        self._sock = sock
        # gevent wraps the plain socket; only that one can be asked to send without waiting.
        self._plain: Any = getattr(sock, "_sock", sock)
        self._plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if sock.family != socket.AF_UNIX:
            self._plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stall_seconds = stall_seconds
        self.lock = threading.Lock()
        self.rest = b""  # the unsent end of a frame that has begun
        self.closed = False  # a close frame was sent, or the connection is gone: nothing may follow
        self.on_close: Callable[[], None] = lambda: None
        self.backlog: Sized = ()

    # What simple-websocket calls

    def send(self, data: bytes) -> int:
        """Send all of it. Raises OSError when the client has gone or stalls."""
        with self.lock:
            self.write(data)
            self.closed = self.closed or _closes(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        # A client that talks while it does not listen must not fill our memory.
        while len(self.backlog) > MAX_BACKLOG and not self.closed:
            time.sleep(0.05)
        return self._sock.recv(size)

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        """End the connection; the server that accepted the socket closes it."""
        self.closed = True
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:  # it is gone already
            return
        finally:
            self.on_close()

    # What the hub calls, holding `lock`

    def write(self, data: bytes) -> None:
        """Send all of it, waiting while the client takes some. Raises OSError."""
        if self.closed:
            return
        left = memoryview(self.rest + data)
        patience = time.monotonic() + self.stall_seconds
        try:
            while left:
                sent = self._send_now(left)
                if sent:
                    left = left[sent:]
                    patience = time.monotonic() + self.stall_seconds
                elif time.monotonic() > patience:
                    raise TimeoutError("the client takes nothing")
                else:
                    self._wait_writable(min(0.5, self.stall_seconds))
            self.rest = b""
        except OSError:
            self.closed = True  # half a frame may be out: nothing that follows could be understood
            raise

    def write_at_once(self, data: bytes) -> bool:
        """Begin to send without waiting; what does not fit stays in `rest`. False when nothing was taken."""
        if self.rest or self.closed:
            return False
        sent = self._send_now(data)
        if sent and sent < len(data):
            self.rest = data[sent:]
        return sent > 0

    def is_gone(self) -> bool:
        """Whether the other side has closed; of a client that never talks nothing else tells it."""
        try:
            return self.closed or not self._plain.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def say_goodbye(self, code: int, reason: str) -> None:
        """Send the close frame, the last one. Raises OSError. Takes the lock itself."""
        self.send(close_frame(code, reason))

    def _send_now(self, data: bytes | memoryview) -> int:
        try:
            return int(self._plain.send(data, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return 0

    def _wait_writable(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_WRITE)
            selector.select(seconds)


def _closes(data: bytes) -> bool:
    """Whether a run of unmasked control frames holds a close frame."""
    while len(data) >= 2 and data[0] & 0x88 == 0x88:
        if data[0] == _CLOSE:
            return True
        data = data[2 + data[1] :]
    return False
