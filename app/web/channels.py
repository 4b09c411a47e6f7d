"""Channels and the clients in them: how a frame finds its way to each, once and in order.

A durable event is numbered. A channel keeps its newest frames in a ring; every subscription keeps a cursor, the number
it has sent last, and only ever sends `cursor + 1`. That one rule gives each client every event once and in order,
whether the frame comes straight from the bus, from the ring, or from the event log, and whoever sends it:

- the listener, at once and without waiting, when the client has everything up to `seq - 1` and its line is free;
- else the client's own thread, which is woken and reads on from its cursor until it has the head.

A subscription with a filter moves its cursor over what the filter holds back, so nothing of this changes; each frame
answers once for each distinct filter. What such a client was told of last falls behind its cursor, so it is told the
cursor from time to time: it resumes from there.

The ring is thereby the outbox of all its clients together: a client that is live and whose next frame has left the
ring (256 frames or 1 MiB behind) is closed with 4408 and can resume. News of the moment has no number; of each kind and
job the latest one waits.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from app.events import VERSION
from app.store.events import EventLog
from app.web.filters import Filter, facts_of
from app.web.wire import Wire, text_frame, text_of

RING_FRAMES = 256
RING_BYTES = 1_048_576
MAX_MOMENTS = 256
PAGE = 200
BATCH = 64
FAR_BEHIND = 1_000
TOO_SLOW = (4408, "too slow; resume from your last seq")


class Frame:
    """One event as clients get it: the frame of a WebSocket is built once, and each distinct filter asked once."""

    __slots__ = ("_verdicts", "seq", "socket")

    def __init__(self, seq: int | None, text: str) -> None:
        self.seq = seq
        self.socket = text_frame(text)
        self._verdicts: dict[Filter, bool] = {}

    @property
    def text(self) -> bytes:
        """The JSON alone."""
        return text_of(self.socket)

    def passes(self, wanted: Filter | None) -> bool:
        if wanted is None:
            return True
        verdict = self._verdicts.get(wanted)
        if verdict is None:
            verdict = self._verdicts[wanted] = wanted.passes(facts_of(json.loads(self.text)))
        return verdict


class Channel:
    """A channel that has clients here: its newest frames, and who listens."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.head: int | None = None  # the number of the newest frame; None until the log was asked
        self.heard = 0  # the greatest number that any news told of
        self.listeners: tuple[Subscription, ...] = ()
        self._ring: deque[Frame] = deque()
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

    def append(self, frame: Frame) -> bool:
        """Take the next frame; False for any other, which is old or comes too early."""
        with self._lock:
            if self.head is None or frame.seq != self.head + 1:
                return False
            self._ring.append(frame)
            self._bytes += len(frame.socket)
            while len(self._ring) > RING_FRAMES or (self._bytes > RING_BYTES and len(self._ring) > 1):
                self._bytes -= len(self._ring.popleft().socket)
            self.head = frame.seq
            return True

    def after(self, cursor: int) -> list[Frame] | None:
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

    def __init__(self, client: Client, channel: Channel, wanted: Filter | None = None) -> None:
        self.client = client
        self.channel = channel
        self.filter = wanted
        self.cursor = 0  # everything up to here was sent, or held back by the filter
        self.told = 0  # what the client knows of that
        self.live = False

    def begin(self, cursor: int) -> None:
        self.cursor = self.told = cursor


class Client:
    """One client that is connected by a WebSocket.

    Args:
        wire: where frames go.
        wake: lets the client's own thread run `pump` soon.
    """

    def __init__(self, wire: Wire, wake: Callable[[], None]) -> None:
        self.wire = wire
        self.wake = wake
        self.subscriptions: dict[str, Subscription] = {}
        self.ending: tuple[int, str] | None = None
        self._moments: dict[tuple[str, ...], tuple[Subscription, Frame]] = {}
        self._moments_lock = threading.Lock()

    def framed(self, frame: Frame, _: Subscription | None = None) -> bytes:
        """The event as it goes over this client's wire; news of the moment without its subscription."""
        return frame.socket

    def say(self, message: Mapping[str, object]) -> None:
        """Send a message of the relay's own. Raises OSError."""
        self.wire.send(_frame(message))

    def beat(self, *, epoch: str) -> None:
        """Tell the client how far it has got in channels of which its filters hold something back. Raises OSError."""
        for name, subscription in list(self.subscriptions.items()):
            with self.wire.lock:
                cursor = subscription.cursor
                if cursor > subscription.told:
                    self.wire.write(_frame({"type": "cursor", "channel": name, "epoch": epoch, "seq": cursor}))
                    subscription.told = cursor

    def is_far(self) -> bool:
        """Whether a client that lost its connection now would resume from long ago."""
        return any(item.cursor - item.told >= FAR_BEHIND for item in self.subscriptions.values())

    def end(self, code: int, reason: str) -> None:
        """Ask the client's thread to close the connection; the first reason stays."""
        if self.ending is None:
            self.ending = (code, reason)
        self.wake()

    def offer(self, subscription: Subscription, frame: Frame) -> bool:
        """Send a durable frame at once if it is this client's next; False leaves it to the client's thread."""
        if self._sent_at_once(subscription, frame):
            return True
        if subscription.live and subscription.channel.has_left_behind(subscription.cursor):
            self.end(*TOO_SLOW)
        self.wake()
        return False

    def offer_moment(self, subscription: Subscription, key: tuple[str, ...], frame: Frame) -> bool:
        """Send news of the moment at once, or keep the latest of its key."""
        if not subscription.live or not frame.passes(subscription.filter) or self._sent_at_once(subscription, frame):
            return True
        with self._moments_lock:
            self._moments.pop(key, None)
            if len(self._moments) >= MAX_MOMENTS:
                del self._moments[next(iter(self._moments))]
            self._moments[key] = subscription, frame
        self.wake()
        return False

    def _sent_at_once(self, subscription: Subscription, frame: Frame) -> bool:
        if self.ending or not self.wire.lock.acquire(blocking=False):
            return False
        try:
            seq = frame.seq
            before = subscription.channel.head if seq is None else seq - 1
            if not subscription.live or subscription.cursor != before:
                return False
            if seq is not None and not frame.passes(subscription.filter):
                subscription.cursor = seq
                if seq - subscription.told >= FAR_BEHIND:
                    self.wake()
                return True
            if self._moments or not self.wire.write_at_once(self.framed(frame, subscription)):
                return False
            if seq is not None:
                subscription.begin(seq)
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
                self.wire.write(b"".join(self.framed(frame) for place, frame in waiting.values() if place.live))
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
                self._write(subscription, frames)
                return False
        missed = [] if subscription.live else events.since(channel.name, subscription.cursor, limit=PAGE)
        if not missed or missed[-1].seq != subscription.cursor + len(missed):
            self.end(*TOO_SLOW)
            return True
        with self.wire.lock:
            self._write(subscription, [Frame(event.seq, event.frame()) for event in missed])
        return False

    def _write(self, subscription: Subscription, frames: Sequence[Frame]) -> None:
        passed = [frame for frame in frames if frame.passes(subscription.filter)]
        if passed:
            self.wire.write(b"".join(self.framed(frame, subscription) for frame in passed))
            subscription.told = passed[-1].seq or 0
        subscription.cursor += len(frames)


def _frame(message: Mapping[str, object]) -> bytes:
    return text_frame(json.dumps({"v": VERSION, **message}, allow_nan=False))
