"""The live channels: WebSocket routes, who may open one, and what a client may say.

Everything that can be refused is refused before the upgrade, as an ordinary HTTP reply. To add a channel, write how to
open it in `app.web.feeds` and add its route to ROUTES.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, g, request
from flask_sock import Sock
from simple_websocket import Server

from app.errors import StoreUnavailable
from app.events import VERSION
from app.web.access import SELF
from app.web.auth import Visitor, authenticate_socket, check_scope
from app.web.channels import Client
from app.web.errors import TooManySockets
from app.web.feeds import open_feed, read_channel, read_message, read_resume
from app.web.hub import Hub
from app.web.wire import Wire, text_frame
from app.wiring import Services
from engine.errors import InvalidInput, QueuantError, UnknownName

log = logging.getLogger(__name__)

EXTENSION = "queuant-relay"
PING_SECONDS = 25
MAX_MESSAGE_BYTES = 4096
MAX_SUBSCRIPTIONS = 50
MESSAGES_PER_SECOND = 10.0
MESSAGE_BURST = 20.0
RECHECK_SECONDS = 300.0
GOODBYE_SECONDS = 2.0
HTTP_THREADS_KEPT = 4


ROUTES = ("/ws/jobs", "/ws/jobs/<job_id>")


@dataclass(frozen=True)
class Admission:
    """A client that passed every check: who it is and what it asked for first."""

    visitor: Visitor
    channel: str
    resume: tuple[str, int] | None


class Relay:
    """The sockets of one process.

    Args:
        max_sockets: how many are served at once.
        recheck_seconds: how often a client's right to listen is looked up again.
    """

    def __init__(self, services: Services, *, max_sockets: int, recheck_seconds: float = RECHECK_SECONDS) -> None:
        self.services = services
        self.hub = Hub(services.store.events, services.bus)
        self.max_sockets = max_sockets
        self.recheck_seconds = recheck_seconds
        self._lock = threading.Lock()
        self._places = 0
        self._clients: set[Client] = set()
        self._closing = False

    def take_place(self) -> None:
        """Count one more socket. Raises TooManySockets."""
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

    def enter(self, client: Client) -> None:
        with self._lock:
            self._clients.add(client)
            closing = self._closing
        if closing:
            self._send_away(client)

    def leave(self, client: Client) -> None:
        with self._lock:
            self._clients.discard(client)
        for subscription in client.subscriptions.values():
            self.hub.leave(subscription)

    def stats(self) -> dict[str, int]:
        """Figures for the metrics page."""
        return {"sockets": len(self._clients), "channels": self.hub.channel_count()}

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


class Conversation:
    """One client from the upgrade to the close. Runs in the request's own thread, the only one that waits for it."""

    def __init__(self, relay: Relay, ws: Server, visitor: Visitor) -> None:
        self._relay = relay
        self._ws = ws
        self._visitor = visitor
        self._inbox: list[str | bytes] = ws.input_buffer
        self._wire: Wire = ws.sock
        self._wire.backlog = self._inbox
        self._wire.on_close = ws.event.set
        self._client = Client(self._wire, ws.event.set)
        self._tokens = MESSAGE_BURST
        self._counted_at = self._began_at = self._checked_at = time.monotonic()

    def run(self, channel: str, resume: tuple[str, int] | None) -> None:
        self._relay.enter(self._client)
        try:
            self._subscribe(channel, resume)
            while self._client.ending is None and not self._wire.closed and self._ws.thread.is_alive():
                self._client.pump(self._relay.hub.events)
                self._ws.event.wait(self._recheck())
                # Cleared before looking: what arrives while we look wakes us again.
                self._ws.event.clear()
                while self._inbox and self._client.ending is None:
                    self._hear(self._inbox.pop(0))
        except OSError as error:
            log.debug("a client is gone: %s", error)
        except StoreUnavailable:
            self._client.end(1013, "the event log does not answer; try again later")
        except Exception:  # an HTTP error must not be written into an open socket
            log.exception("a conversation failed")
            self._client.end(1011, "something went wrong on this side")
        finally:
            self._relay.leave(self._client)
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        code, reason = self._client.ending or (1000, "")
        try:
            self._wire.say_goodbye(code, reason)
        except OSError as error:
            log.debug("a client did not take its close frame: %s", error)
        else:
            # Closing while the client's last bytes are unread would reset the connection and eat the close frame.
            self._ws.thread.join(GOODBYE_SECONDS)
        self._wire.close()
        self._ws.thread.join(GOODBYE_SECONDS)

    def _recheck(self) -> float:
        """Close a client whose key is gone. Returns the seconds until the next look."""
        now = time.monotonic()
        limit = self._visitor.seconds
        if limit is not None and now - self._began_at >= limit:
            self._client.end(4401, "the ticket's time is up; ask for a new one")
        elif now - self._checked_at >= self._relay.recheck_seconds:
            self._checked_at = now
            try:
                caller = self._visitor.recheck()
            except StoreUnavailable:
                log.warning("whether a client may still listen is looked up next time")
                caller = self._visitor.caller
            if caller is None or not caller.may("read"):
                self._client.end(4401, "the key or session is no longer valid")
        return 0.0 if self._client.ending else self._relay.recheck_seconds

    # What a client may say

    def _hear(self, text: str | bytes) -> None:
        now = time.monotonic()
        self._tokens = min(MESSAGE_BURST, self._tokens + (now - self._counted_at) * MESSAGES_PER_SECOND) - 1
        self._counted_at = now
        if self._tokens < 0:
            self._client.end(1008, f"more than {MESSAGES_PER_SECOND:.0f} messages a second")
            return
        try:
            self._answer(read_message(text))
        except QueuantError as error:
            self._say({"type": "error", **error.detail()})

    def _answer(self, message: Mapping[str, Any]) -> None:
        kind = message.get("type")
        if kind == "ping":
            self._say({"type": "pong"})
        elif kind == "subscribe":
            self._subscribe(read_channel(message), read_resume(message.get("epoch"), message.get("seq")))
        elif kind == "unsubscribe":
            self._unsubscribe(read_channel(message))
        else:
            raise UnknownName.of("type", str(kind), ("ping", "subscribe", "unsubscribe"), pointer="/type")

    def _subscribe(self, name: str, resume: tuple[str, int] | None) -> None:
        subscriptions = self._client.subscriptions
        if name in subscriptions:
            raise InvalidInput("This socket is subscribed to that channel already.", code="already_subscribed")
        if len(subscriptions) >= MAX_SUBSCRIPTIONS:
            raise InvalidInput(f"A socket carries at most {MAX_SUBSCRIPTIONS} channels.", code="too_many_subscriptions")
        feed = open_feed(self._relay.services, self._visitor.caller, name)
        subscription, greeting = self._relay.hub.subscribe(self._client, feed.key, resume)
        subscriptions[name] = subscription
        self._say(
            {
                "type": "hello",
                "channel": name,
                "epoch": greeting.epoch,
                "head": greeting.head,
                "recovered": greeting.recovered,
                "resync": None if greeting.recovered else feed.resync,
            }
        )

    def _unsubscribe(self, name: str) -> None:
        subscription = self._client.subscriptions.pop(name, None)
        if subscription is None:
            raise InvalidInput("This socket is not subscribed to that channel.", code="not_subscribed")
        with self._wire.lock:
            subscription.live = False  # the listener may be about to send: nothing follows the confirmation
        self._relay.hub.leave(subscription)
        self._say({"type": "unsubscribed", "channel": name})

    def _say(self, message: Mapping[str, Any]) -> None:
        self._wire.send(text_frame(json.dumps({"v": VERSION, **message}, allow_nan=False)))


class DaemonThread(threading.Thread):
    """A thread that does not keep its process alive: simple-websocket's readers must not hold up a shutdown."""

    def __init__(self, **options: Any) -> None:
        super().__init__(daemon=True, **options)


def register(app: Flask, services: Services, *, role: str = "api") -> Relay:
    """Add the live channels to an application. In the API role the threads for HTTP are kept free of sockets."""
    settings = services.settings
    cap = settings.relay_sockets
    if role == "api":
        cap = max(1, min(settings.api_sockets, settings.api_threads - HTTP_THREADS_KEPT))
    relay = Relay(services, max_sockets=cap)
    app.config["SOCK_SERVER_OPTIONS"] = {
        "ping_interval": PING_SECONDS,
        "max_message_size": MAX_MESSAGE_BYTES,
        "thread_class": DaemonThread,
    }
    live = Blueprint("live", __name__)
    sock = Sock()
    for number, route in enumerate(ROUTES):

        def converse(ws: Server, **_: str) -> None:
            admission: Admission = g.admission
            Conversation(relay, ws, admission.visitor).run(admission.channel, admission.resume)

        converse.scope = SELF  # type: ignore[attr-defined]  # `admit` asks, before the upgrade
        sock.route(route, bp=live, endpoint=f"channel_{number}")(converse)

    @live.before_request
    def _admit() -> None:
        relay.take_place()
        g.has_place = True
        g.admission = admit(services)
        _prepare_socket(request.environ)

    @live.teardown_request
    def _leave(_: BaseException | None) -> None:
        if g.pop("has_place", False):
            relay.give_place()

    app.register_blueprint(live)
    app.extensions[EXTENSION] = relay
    return relay


def admit(services: Services) -> Admission:
    """Check a request for a socket. Raises the error that becomes the reply instead of the upgrade."""
    key = request.headers.get("Sec-WebSocket-Key", "")
    if request.headers.get("Sec-WebSocket-Version") != "13" or not _is_nonce(key):
        raise InvalidInput("This is not a WebSocket handshake of version 13 (RFC 6455).", code="bad_handshake")
    resume = read_resume(request.args.get("epoch"), request.args.get("seq"))
    visitor = authenticate_socket(services, request)
    check_scope(visitor.caller, "read")
    channel = request.path.removeprefix("/ws/")
    open_feed(services, visitor.caller, channel)
    return Admission(visitor, channel, resume)


def _is_nonce(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _prepare_socket(environ: dict[str, Any]) -> None:
    """Put the wire in the socket's place before simple-websocket sees it, and offer no compression: a frame is built
    once for all clients, and a compressor costs each connection 300 kB."""
    environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
    for name in ("gunicorn.socket", "werkzeug.socket"):
        if name in environ:
            environ[name] = Wire(environ[name])
