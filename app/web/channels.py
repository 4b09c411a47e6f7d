"""Channels and the clients in them: how a frame finds its way to each, once and in order.

A durable event is numbered. A channel keeps its newest frames in a ring; every subscription keeps a cursor, the number
it has sent last, and only ever sends `cursor + 1`. That one rule gives each client every event once and in order,
whether the frame comes straight from the bus, from the ring, or from the event log, and whoever sends it:

- the listener, at once and without waiting, when the client has everything up to `seq - 1` and its line is free;
- else the client's own thread, which is woken and reads on from its cursor until it has the head.

The ring is thereby the outbox of all its clients together: a client that is live and whose next frame has left the
ring (256 frames or 1 MiB behind) is closed with 4408 and can resume. News of the moment has no number; of each kind and
job the latest one waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from itertools import islice

from app.store.events import EventLog
from app.web.wire import Wire, text_frame

RING_FRAMES = 256
RING_BYTES = 1_048_576
MAX_MOMENTS = 256
PAGE = 200
BATCH = 64
TOO_SLOW = (4408, "too slow; resume from your last seq")


class Channel:
    """A channel that has clients here: its newest frames, and who listens."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.head: int | None = None  # the number of the newest frame; None until the log was asked
        self.heard = 0  # the greatest number that any news told of
        self.listeners: tuple[Subscription, ...] = ()
        self._ring: deque[bytes] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def begin(self, head: int) -> None:
        """Start from this number unless the channel has started."""
        with self._lock:
            if self.head is None:
                self.head = head

    def skip_to(self, head: int) -> None:
        """Go on from this number although frames before it are missing."""
        with self._lock:
            if self.head is None or head > self.head:
                self._ring.clear()
                self._bytes = 0
                self.head = head

    def append(self, seq: int, frame: bytes) -> bool:
        """Take the next frame; False for any other, which is old or comes too early."""
        with self._lock:
            if self.head is None or seq != self.head + 1:
                return False
            self._ring.append(frame)
            self._bytes += len(frame)
            while len(self._ring) > RING_FRAMES or (self._bytes > RING_BYTES and len(self._ring) > 1):
                self._bytes -= len(self._ring.popleft())
            self.head = seq
            return True

    def after(self, cursor: int) -> list[bytes] | None:
        """Some frames that follow the cursor, none at the head; None when they have left the ring."""
        with self._lock:
            behind = (self.head or 0) - cursor
            if behind <= 0:
                return []
            start = len(self._ring) - behind
            return list(islice(self._ring, start, start + BATCH)) if start >= 0 else None

    def has_left_behind(self, cursor: int) -> bool:
        return (self.head or 0) - cursor > len(self._ring)


class Subscription:
    """One client's place in one channel.

    While `live` is false only the client's own thread moves the cursor; afterwards whoever holds the wire's lock.
    """

    def __init__(self, client: Client, channel: Channel) -> None:
        self.client = client
        self.channel = channel
        self.cursor = 0
        self.live = False


class Client:
    """One connected client.

    Args:
        wire: where frames go.
        wake: lets the client's own thread run `pump` soon.
    """

    def __init__(self, wire: Wire, wake: Callable[[], None]) -> None:
        self.wire = wire
        self.wake = wake
        self.subscriptions: dict[str, Subscription] = {}
        self.ending: tuple[int, str] | None = None
        self._moments: dict[tuple[str, ...], bytes] = {}
        self._moments_lock = threading.Lock()

    def end(self, code: int, reason: str) -> None:
        """Ask the client's thread to close the connection; the first reason stays."""
        if self.ending is None:
            self.ending = (code, reason)
        self.wake()

    def offer(self, subscription: Subscription, seq: int, frame: bytes) -> bool:
        """Send a durable frame at once if it is this client's next; False leaves it to the client's thread."""
        if self._sent_at_once(subscription, seq, frame):
            return True
        if subscription.live and subscription.channel.has_left_behind(subscription.cursor):
            self.end(*TOO_SLOW)
        self.wake()
        return False

    def offer_moment(self, subscription: Subscription, key: tuple[str, ...], frame: bytes) -> bool:
        """Send news of the moment at once, or keep the latest of its key."""
        if not subscription.live or self._sent_at_once(subscription, None, frame):
            return True
        with self._moments_lock:
            self._moments.pop(key, None)
            if len(self._moments) >= MAX_MOMENTS:
                del self._moments[next(iter(self._moments))]
            self._moments[key] = frame
        self.wake()
        return False

    def _sent_at_once(self, subscription: Subscription, seq: int | None, frame: bytes) -> bool:
        if self.ending or not self.wire.lock.acquire(blocking=False):
            return False
        try:
            before = subscription.channel.head if seq is None else seq - 1
            if not subscription.live or subscription.cursor != before or self._moments:
                return False
            if not self.wire.write_at_once(frame):
                return False
            if seq is not None:
                subscription.cursor = seq
            if self.wire.rest:
                self.wake()
            return True
        except OSError:
            self.end(1006, "the connection is gone")
            return False
        finally:
            self.wire.lock.release()

    def pump(self, events: EventLog) -> None:
        """Send what waits, from the client's own thread. Raises OSError when the client has gone or stalls."""
        with self.wire.lock:  # first the line, then what waits for it: until then the latest still wins
            with self._moments_lock:
                waiting, self._moments = self._moments, {}
            if waiting or self.wire.rest:
                self.wire.write(b"".join(waiting.values()))
        for subscription in list(self.subscriptions.values()):
            while self.ending is None and not self._caught_up(subscription, events):
                pass

    def _caught_up(self, subscription: Subscription, events: EventLog) -> bool:
        """Send the next few frames; True when there are none left."""
        channel = subscription.channel
        with self.wire.lock:
            frames = channel.after(subscription.cursor)
            if frames == []:
                subscription.live = True
                return True
            if frames:
                self.wire.write(b"".join(frames))
                subscription.cursor += len(frames)
                return False
        missed = [] if subscription.live else events.since(channel.name, subscription.cursor, limit=PAGE)
        if not missed or missed[0].seq != subscription.cursor + 1:
            self.end(*TOO_SLOW)
            return True
        with self.wire.lock:
            self.wire.write(b"".join(text_frame(event.frame()) for event in missed))
            subscription.cursor += len(missed)
        return False
