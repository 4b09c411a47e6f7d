"""The live channels: the routes of sockets and streams, and who may open one.

Everything that can be refused is refused before the upgrade, as an ordinary HTTP reply. To add a channel, write it down
in `app.web.feeds`.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

from flask import Blueprint, Flask, g, request
from flask_sock import Sock
from simple_websocket import Server

from app.web.access import SELF
from app.web.auth import Visitor, authenticate_listener, check_scope
from app.web.feeds import CHANNELS, Wanted, filter_of, filters_of, open_feed, read_resume
from app.web.filters import FIELDS
from app.web.session import Relay
from app.web.sockets import Conversation
from app.web.sse import SOCKETS, EventStream, check_stream, read_channels, read_position
from app.web.wire import Wire
from app.wiring import Services
from engine.errors import InvalidInput, UnknownName

EXTENSION = "queuant-relay"
PING_SECONDS = 25
MAX_MESSAGE_BYTES = 4096
HTTP_THREADS_KEPT = 4
ROUTES = (*(f"/ws/{name}" for name in CHANNELS), "/ws/jobs/<job_id>")
STREAM = "/events"


class Admission(NamedTuple):
    """A client that passed every check: who it is and what it asked for first."""

    visitor: Visitor
    wanted: list[Wanted]


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
    _add_routes(live, relay)

    @live.before_request
    def _admit() -> None:
        relay.take_place()
        g.has_place = True
        streams = request.path == STREAM
        admission = admit_stream(services) if streams else admit_socket(services)
        relay.take_share(admission.visitor.caller.owner)
        g.admission = admission
        if not streams:
            _prepare_socket(request.environ)

    @live.teardown_request
    def _leave(_: BaseException | None) -> None:
        admission = g.pop("admission", None)
        if admission is not None:
            relay.give_share(admission.visitor.caller.owner)
        if g.pop("has_place", False):
            relay.give_place()

    app.register_blueprint(live)
    app.extensions[EXTENSION] = relay
    return relay


def _add_routes(live: Blueprint, relay: Relay) -> None:
    """Their scope is SELF: who may listen is asked before the upgrade, and by ticket too."""
    sock = Sock()
    for number, route in enumerate(ROUTES):

        def converse(ws: Server, **_: str) -> None:
            Conversation(relay, ws, g.admission.visitor).run(g.admission.wanted)

        converse.scope = SELF  # type: ignore[attr-defined]
        sock.route(route, bp=live, endpoint=f"channel_{number}")(converse)

    def stream() -> EventStream:
        return EventStream(relay, *g.admission)

    stream.scope = SELF  # type: ignore[attr-defined]
    live.add_url_rule(STREAM, "stream", stream)


def admit_socket(services: Services) -> Admission:
    """Check a request for a socket. Raises the error that becomes the reply instead of the upgrade."""
    key = request.headers.get("Sec-WebSocket-Key", "")
    if request.headers.get("Sec-WebSocket-Version") != "13" or not _is_nonce(key):
        raise InvalidInput("This is not a WebSocket handshake of version 13 (RFC 6455).", code="bad_handshake")
    channel = request.path.removeprefix("/ws/")
    resume = read_resume(request.args.get("epoch"), request.args.get("seq"))
    visitor = authenticate_listener(services, request, upgrade=True)
    check_scope(visitor.caller, "read")
    open_feed(services, visitor.caller, channel)
    wanted = filter_of(services, channel, _filters(("epoch", "seq", "ticket")))
    return Admission(visitor, [Wanted(channel, resume, wanted)])


def admit_stream(services: Services) -> Admission:
    """Check a request for a stream of events."""
    visitor = authenticate_listener(services, request, upgrade=False)
    check_scope(visitor.caller, "read")
    names = read_channels(request.args.get("channels", ""))
    # A browser sends the header by itself, but only on a connection that it opens again; a program may say it at once.
    position = read_position(request.headers.get("Last-Event-ID") or request.args.get("last_event_id", ""))
    for name in names:
        open_feed(services, visitor.caller, name)
    filters = filters_of(services, names, _filters(("channels", "ticket", "last_event_id")))
    check_stream()
    return Admission(visitor, [Wanted(name, position.get(name), filters[name]) for name in names])


def _filters(others: Iterable[str]) -> dict[str, str]:
    """The filters of the query. Raises UnknownName for a word that is none and no other either."""
    allowed = (*others, *FIELDS)
    for name in request.args:
        if name not in allowed:
            raise UnknownName.of("filter", name, allowed, pointer=f"/{name}"[:100])
    return {name: ",".join(request.args.getlist(name)) for name in FIELDS if name in request.args}


def _is_nonce(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _prepare_socket(environ: dict[str, Any]) -> None:
    """Put the wire in the socket's place before simple-websocket sees it, and offer no compression: a frame is built
    once for all clients, and a compressor costs each connection 300 kB."""
    environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
    for name in SOCKETS:
        if name in environ:
            environ[name] = Wire(environ[name])
