"""The hub: one listener per process hears the bus and passes each event on to the clients of its channel.

Pub/sub only wakes; the event log is the truth. A number that is not the next one, a new connection to the bus, and a
poll every two seconds each lead to the log, so nothing stays lost when news was.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass

from app.bus import Bus, News
from app.errors import QueueUnavailable, StoreUnavailable
from app.store.events import EventLog
from app.web.channels import PAGE, Channel, Client, Frame, Subscription
from app.web.filters import Filter

log = logging.getLogger(__name__)

# So many events a client may have missed and be told all of them: page by page from the log, as fast as it reads.
MAX_REPLAY = 100_000
POLL_SECONDS = 2.0
BREATH_SECONDS = 0.005


@dataclass(frozen=True)
class Greeting:
    """What a client hears first about a channel; `recovered` is None when it did not ask to resume."""

    epoch: str
    head: int
    recovered: bool | None


class Hub:
    """All channels of this process. Its threads start with the first subscription.

    Args:
        events: the event log, which knows what pub/sub lost.
        bus: brings news.
        poll_seconds: how often the log is asked whether something was missed.
    """

    def __init__(self, events: EventLog, bus: Bus, *, poll_seconds: float = POLL_SECONDS) -> None:
        self.events = events
        self._bus = bus
        self._poll_seconds = poll_seconds
        self._channels: dict[str, Channel] = {}
        self._lock = threading.Lock()
        self._nudge = threading.Event()
        self._stopping = threading.Event()
        self._threads: tuple[threading.Thread, ...] = ()
        self._breathed_at = 0.0

    def subscribe(
        self, client: Client, name: str, resume: tuple[str, int] | None = None, wanted: Filter | None = None
    ) -> tuple[Subscription, Greeting]:
        """Place a client in a channel, after the (epoch, seq) that it was told of last if that is possible.

        Nothing is sent until the caller adds the subscription to the client. Raises StoreUnavailable.
        """
        self._start()
        subscription = self._enter(client, name, wanted)
        channel = subscription.channel
        try:
            # In this order: whoever commits after the head was read is heard, because we listen already.
            head = self.events.head(name)
            channel.begin(head)
            if max(head, channel.heard) > (channel.head or 0):
                self._catch_up(channel)
            recovered = None if resume is None else self._can_resume(name, resume, head)
        except StoreUnavailable:
            self.leave(subscription)
            raise
        subscription.begin(resume[1] if resume and recovered else head)
        return subscription, Greeting(self.events.epoch, head, recovered)

    def leave(self, subscription: Subscription) -> None:
        """Take a client out of a channel; the last one out ends it."""
        channel = subscription.channel
        with self._lock:
            channel.listeners = tuple(other for other in channel.listeners if other is not subscription)
            if not channel.listeners and self._channels.get(channel.name) is channel:
                del self._channels[channel.name]

    def stop(self, *, patience: float = 0.0) -> None:
        """End the hub's threads, and wait up to `patience` seconds for each of them."""
        self._stopping.set()
        self._nudge.set()
        for thread in self._threads:
            thread.join(patience)

    def channel_count(self) -> int:
        return len(self._channels)

    def _enter(self, client: Client, name: str, wanted: Filter | None) -> Subscription:
        with self._lock:
            channel = self._channels.setdefault(name, Channel(name))
            subscription = Subscription(client, channel, wanted)
            channel.listeners = (*channel.listeners, subscription)
            return subscription

    def _can_resume(self, name: str, resume: tuple[str, int], head: int) -> bool:
        epoch, seq = resume
        if epoch != self.events.epoch or not 0 <= head - seq <= MAX_REPLAY:
            return False
        if seq == head:
            return True
        first = self.events.since(name, seq, limit=1)
        return bool(first) and first[0].seq == seq + 1

    # The listener and the watcher

    def _start(self) -> None:
        with self._lock:
            if self._threads:
                return
            self._threads = tuple(
                threading.Thread(target=target, name=f"hub{target.__name__}", daemon=True)
                for target in (self._listen, self._watch)
            )
            for thread in self._threads:
                thread.start()

    def _listen(self) -> None:
        """Hear the bus for as long as the process lives, over any number of connections."""
        pause = 0.1
        while not self._stopping.is_set():
            try:
                with self._bus.subscribe() as ear:
                    news = ear.next(0.2)
                    self._nudge.set()  # whatever was said while nobody listened is in the log
                    while not self._stopping.is_set():
                        if news:
                            self.hear(news)
                            self._breathe()
                            pause = 0.1
                        news = ear.next(0.25)
            except QueueUnavailable as error:
                text = "the bus does not answer; events come from the log every %s s: %s"
                log.warning(text, self._poll_seconds, error.__cause__)
            except Exception:  # the relay's loop: it must outlive whatever one event does to it
                log.exception("the relay's listener failed and starts again")
            self._stopping.wait(pause)
            pause = min(pause * 2, 2.0)

    def _watch(self) -> None:
        """Ask the log from time to time: pub/sub may lose news without a word."""
        while not self._stopping.is_set():
            self._nudge.wait(self._poll_seconds)
            self._nudge.clear()
            try:
                self.poll()
            except StoreUnavailable:
                log.warning("the event log does not answer; it is asked again in %s s", self._poll_seconds)
            except Exception:
                log.exception("the relay's watcher failed and goes on")

    def hear(self, news: News) -> None:
        """Pass one piece of news on."""
        channel = self._channels.get(news.channel)
        if channel is None:
            return
        if news.seq is None:
            self._pass_moment(channel, news.frame)
            return
        channel.heard = max(channel.heard, news.seq)
        if channel.head is None or news.seq <= channel.head:
            return
        if not self._deliver(channel, Frame(news.seq, news.frame)):
            try:
                self._catch_up(channel)
            except StoreUnavailable:
                log.warning("a gap in %s waits for the event log", channel.name)

    def poll(self) -> None:
        """Fetch what the log has and this process has not heard."""
        names = list(self._channels)
        for start in range(0, len(names), 500):
            for name, head in self.events.heads(names[start : start + 500]).items():
                channel = self._channels.get(name)
                if channel is not None and channel.head is not None and head > channel.head:
                    self._catch_up(channel)

    def _deliver(self, channel: Channel, frame: Frame) -> bool:
        if not channel.append(frame):
            return False
        at_once = [listener.client.offer(listener, frame) for listener in channel.listeners]
        self._breathe(urgent=not all(at_once))
        return True

    def _pass_moment(self, channel: Channel, text: str) -> None:
        message = json.loads(text)
        key = (channel.name, message["type"], str(message["data"].get("job_id")))
        frame = Frame(None, text)
        for listener in channel.listeners:
            listener.client.offer_moment(listener, key, frame)

    def _breathe(self, *, urgent: bool = False) -> None:
        """Give everybody else a turn: under gevent, a listener with work and clients with room would never let go."""
        if urgent or time.monotonic() - self._breathed_at > BREATH_SECONDS:
            time.sleep(0)
            self._breathed_at = time.monotonic()

    def _catch_up(self, channel: Channel) -> None:
        """Read the channel's log up to its end. Several threads may do so at once: a frame is only taken in order."""
        while missed := self.events.since(channel.name, channel.head or 0, limit=PAGE):
            for event in missed:
                seq = event.seq or 0
                if seq > (channel.head or 0) + 1:  # the events between were deleted
                    channel.skip_to(seq - 1)
                self._deliver(channel, Frame(seq, event.frame()))
