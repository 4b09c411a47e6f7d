"""Who listens to this process, and what every listener's life has in common, whatever it speaks."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence

from app.errors import Overloaded, StoreUnavailable
from app.store import Caller
from app.web.auth import Visitor
from app.web.channels import Client
from app.web.errors import TooManySockets
from app.web.feeds import Wanted, open_feed
from app.web.hub import Hub
from app.wiring import Services
from engine.errors import InvalidInput

log = logging.getLogger(__name__)

MAX_SUBSCRIPTIONS = 50
RECHECK_SECONDS = 300.0
BEAT_SECONDS = 15.0


class Relay:
    """The sockets and streams of one process.

    Args:
        max_sockets: how many are served at once.
        recheck_seconds: how often a client's right to listen is looked up again.
        beat_seconds: how often a stream is kept alive, and a client with a filter told how far it has got.
    """

    def __init__(
        self,
        services: Services,
        *,
        max_sockets: int,
        recheck_seconds: float = RECHECK_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self.services = services
        self.hub = Hub(services.store.events, services.bus)
        self.max_sockets = max_sockets
        self.recheck_seconds = recheck_seconds
        self.beat_seconds = beat_seconds
        self._lock = threading.Lock()
        self._places = 0
        self._owners: Counter[str] = Counter()
        self._ended: Counter[int] = Counter()
        self._clients: set[Client] = set()
        self._closing = False

    def take_place(self) -> None:
        """Count one more client, before it is known who it is. Raises TooManySockets."""
        with self._lock:
            if self._closing:
                raise TooManySockets("This process is going away.")
            if self._places >= self.max_sockets:
                raise TooManySockets(
                    f"This process serves at most {self.max_sockets} sockets, and they are all in use."
                )
            self._places += 1

    def give_place(self) -> None:
        with self._lock:
            self._places -= 1

    def take_share(self, owner: str) -> None:
        """Count one more client of an owner. Raises Overloaded."""
        most = self.services.settings.owner_sockets
        with self._lock:
            if self._owners[owner] >= most:
                text = f"You listen {most} times to this process already; close one, or use one for several channels."
                raise Overloaded(text, retry_after=5, code="too_many_connections")
            self._owners[owner] += 1

    def give_share(self, owner: str) -> None:
        with self._lock:
            self._owners[owner] -= 1
            if not self._owners[owner]:
                del self._owners[owner]

    def enter(self, client: Client) -> None:
        with self._lock:
            self._clients.add(client)
            closing = self._closing
        if closing:
            self._send_away(client)

    def leave(self, client: Client) -> None:
        with self._lock:
            self._clients.discard(client)
            self._ended[client.ending[0] if client.ending else 1000] += 1
        for subscription in client.subscriptions.values():
            self.hub.leave(subscription)

    def stats(self) -> dict[str, int]:
        """How many clients and channels there are."""
        return {"sockets": len(self._clients), "channels": self.hub.channel_count()}

    def ended(self) -> dict[int, int]:
        """How many clients have ended, by close code: 4408 was too slow, 1000 left by itself."""
        with self._lock:
            return dict(self._ended)

    def shut_down(self) -> None:
        """Say goodbye (1001) to every client and take no more."""
        with self._lock:
            self._closing = True
            clients = list(self._clients)
        for client in clients:
            self._send_away(client)
        self.hub.stop()

    def _send_away(self, client: Client) -> None:
        client.wire.stall_seconds = 1.0
        client.end(1001, "the server is going away")


class Session(ABC):
    """One client from its first word to its last. Runs in the request's own thread, the only one that waits for it.

    Args:
        bell: what the client's `wake` rings.
        beats: whether the client is told something at every beat; else only one with a filter is.
    """

    def __init__(
        self, relay: Relay, visitor: Visitor, client: Client, *, bell: threading.Event, beats: bool = False
    ) -> None:
        self.relay = relay
        self.visitor = visitor
        self.client = client
        self._bell = bell
        self._beats = beats
        self._began_at = self._checked_at = self._beat_at = time.monotonic()

    def run(self, wanted: Sequence[Wanted]) -> None:
        self.relay.enter(self.client)
        try:
            self.begin(wanted)
            while self.client.ending is None and self.is_open():
                self.client.pump(self.relay.hub.events)
                self._bell.wait(self._look_around())
                # Cleared before looking: what arrives while we look wakes us again.
                self._bell.clear()
                self.hear()
        except OSError as error:
            log.debug("a client is gone: %s", error)
        except StoreUnavailable:
            self.client.end(1013, "the event log does not answer; try again later")
        except Exception:  # an HTTP error must not be written into an open socket
            log.exception("a conversation failed")
            self.client.end(1011, "something went wrong on this side")
        finally:
            self.relay.leave(self.client)
            self.say_goodbye(*(self.client.ending or (1000, "")))

    def begin(self, wanted: Sequence[Wanted]) -> None:
        """Subscribe to the first channels, all of them before the first word: it tells where each stands."""
        for hello in [self.subscribe(item) for item in wanted]:
            self.client.say(hello)

    def is_open(self) -> bool:
        """Whether the other side is still there."""
        return not self.client.wire.closed

    def hear(self) -> None:  # noqa: B027 - one that only listens says nothing
        """Answer what the client has said."""

    @abstractmethod
    def say_goodbye(self, code: int, reason: str) -> None:
        """Say why it is over, and end the connection."""

    def subscribe(self, wanted: Wanted) -> dict[str, object]:
        """Add a channel, for whoever may hear it now, and return the hello that is to be said first."""
        name, subscriptions = wanted.channel, self.client.subscriptions
        if name in subscriptions:
            raise InvalidInput("This socket is subscribed to that channel already.", code="already_subscribed")
        if len(subscriptions) >= MAX_SUBSCRIPTIONS:
            raise InvalidInput(f"A socket carries at most {MAX_SUBSCRIPTIONS} channels.", code="too_many_subscriptions")
        feed = open_feed(self.relay.services, self.visitor.caller, name)
        subscription, greeting = self.relay.hub.subscribe(self.client, feed.key, wanted.resume, wanted.filter)
        subscriptions[name] = subscription
        return {
            "type": "hello",
            "channel": name,
            "epoch": greeting.epoch,
            "head": greeting.head,
            "recovered": greeting.recovered,
            "resync": None if greeting.recovered else feed.resync,
        }

    def may_listen(self) -> bool:
        """Whether the client's key or session is still good; one that is not is told so. Raises StoreUnavailable."""
        caller: Caller | None = self.visitor.recheck()
        if caller is None or not caller.may("read"):
            self.client.end(4401, "the key or session is no longer valid")
            return False
        return True

    def _look_around(self) -> float:
        """Do what time brings: check the key, beat. Returns the seconds until the next look."""
        now = time.monotonic()
        limit = self.visitor.seconds
        if limit is not None and now - self._began_at >= limit:
            self.client.end(4401, "the ticket's time is up; ask for a new one")
        elif now - self._checked_at >= self.relay.recheck_seconds:
            self._checked_at = now
            try:
                self.may_listen()
            except StoreUnavailable:
                log.warning("whether a client may still listen is looked up next time")
        beats = self._beats or any(item.filter for item in list(self.client.subscriptions.values()))
        if beats and (now - self._beat_at >= self.relay.beat_seconds or self.client.is_far()):
            self._beat_at = now
            self.client.beat(epoch=self.relay.hub.events.epoch)
        if self.client.ending:
            return 0.0
        return min(self.relay.recheck_seconds, self.relay.beat_seconds) if beats else self.relay.recheck_seconds
