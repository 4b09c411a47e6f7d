"""Who is asking: an API key in a header, the dashboard's session cookie, or a one-use ticket for a socket.

A browser sends its cookie with every request that any page makes, so a cookie alone opens nothing that changes state:
the request must also carry a header that a foreign page cannot set, and come from an allowed origin. Sockets have no
such header; there the `Origin` decides, before the upgrade.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Request, g

from app.errors import Denied
from app.store import Caller
from app.wiring import Services

SESSION_COOKIE = "queuant_session"
REQUEST_HEADER = "X-Queuant-Request"
TICKET_SOCKET_SECONDS = 3600.0
HOW = (
    "Send your API key as `Authorization: Bearer <key>`: one of `queuant keys create`, "
    "or that of `queuant serve` in the file `api_key` of its home."
)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Visitor:
    """Who opened a socket or a stream, and how to find out later whether they still may listen.

    `recheck` returns None once the key or session is gone. `seconds` limits the socket's life: a ticket is used up
    when it opens a socket, so only its key is left to check, and after a while a fresh one must be asked for.
    """

    caller: Caller
    recheck: Callable[[], Caller | None]
    seconds: float | None = None


def authenticate(services: Services, request: Request) -> Caller:
    """The caller of an HTTP request, also kept as `flask.g.caller`. Raises Denied."""
    key = _bearer(request)
    if key is not None:
        caller = _known(services, key)
    else:
        caller = _holder(services, request)
        if request.method not in SAFE_METHODS:
            _refuse_forgery(services, request)
    g.caller = caller
    return caller


def check_scope(caller: Caller, scope: str) -> None:
    """Raise Denied when the caller's key does not carry the scope."""
    if not caller.may(scope):
        has = ", ".join(sorted(caller.scopes)) or "none"
        raise Denied(f"This needs a key with the scope '{scope}'; yours has: {has}.", authenticated=True)


def authenticate_listener(services: Services, request: Request, *, upgrade: bool) -> Visitor:
    """Who opens a socket (`upgrade`) or a stream of events, decided before anything is sent. Raises Denied."""
    access = services.store.access
    origin = request.headers.get("Origin")
    if origin is not None and not _allowed(services, request, origin):
        raise _strange("This origin may not listen; see QUEUANT_ALLOWED_ORIGINS.")
    key = _bearer(request)
    if key is not None:
        return Visitor(_known(services, key), lambda: access.caller(key))
    ticket = request.args.get("ticket")
    if ticket is not None:
        guest = access.redeem(ticket, "ws")
        if guest is None:
            raise Denied("The ticket is unknown, used or expired; ask for a new one at POST /api/v1/ws-tickets.")
        return Visitor(guest, lambda: guest if access.may_stay(guest) else None, TICKET_SOCKET_SECONDS)
    caller = _holder(services, request)
    if upgrade and origin is None:  # a stream is a reply like any other: browsers keep it from foreign pages
        raise _strange("A socket that is opened with a cookie must say its Origin.")
    secret = request.cookies[SESSION_COOKIE]
    return Visitor(caller, lambda: access.holder(secret, "session"))


def _strange(message: str) -> Denied:
    return Denied(message, authenticated=True, code="origin_refused")


def _bearer(request: Request) -> str | None:
    """The key of the Authorization header; None when the header is absent."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Denied(f"The Authorization header is not understood. {HOW}")
    return key.strip()


def _known(services: Services, key: str) -> Caller:
    access = services.store.access
    caller = access.caller(key)
    if caller is not None:
        return caller
    if access.has_expired(key):
        raise Denied("The API key has expired; ask whoever runs this server for a new one.", code="key_expired")
    raise Denied(f"The API key is unknown or revoked. {HOW}")


def _holder(services: Services, request: Request) -> Caller:
    secret = request.cookies.get(SESSION_COOKIE)
    if secret is None:
        raise Denied(f"This needs an API key. {HOW}")
    caller = services.store.access.holder(secret, "session")
    if caller is None:
        raise Denied(f"The session has expired; log in again. {HOW}")
    return caller


def _refuse_forgery(services: Services, request: Request) -> None:
    origin = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        ours = True
    else:
        ours = origin is not None and _allowed(services, request, origin)
    if not ours or request.headers.get(REQUEST_HEADER) != "1":
        raise Denied(
            f"A request that changes something by cookie needs the header `{REQUEST_HEADER}: 1` and an allowed origin.",
            authenticated=True,
        )


def _allowed(services: Services, request: Request, origin: str) -> bool:
    # The scheme is not compared: behind a proxy that ends TLS, ours is http while the browser says https.
    return origin in services.settings.origins or urlsplit(origin).netloc == request.host
