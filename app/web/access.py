"""Who may call a route, and how often. Every view says which scope it needs; a view that says nothing is closed."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response, current_app, g, request

from app.errors import Denied
from app.store import Caller
from app.web import auth, problems
from app.web.context import context
from app.web.errors import RateLimited
from app.web.limiting import Kind, Standing
from app.wiring import Services

# What a view may say besides a scope of `app.store.access.SCOPES`:
PUBLIC = "public"  # everybody may call it
SELF = "self"  # it asks the caller itself

UNCOUNTED = frozenset({"Health"})  # the tag of what a load balancer asks
COUNTED: Mapping[Kind, str] = {
    "reads": "reading requests",
    "writes": "requests that change something",
    "uploads": "uploads",
    "failures": "requests without a good key",
}


def init_app(app: Flask, services: Services) -> None:
    """Check the caller before any view runs."""

    @app.before_request
    def _guard() -> None:
        if request.endpoint is None or request.method == "OPTIONS":
            return  # an unknown address, or a question about methods
        scope = scope_of(request.endpoint)
        if scope == SELF:
            return
        if scope == PUBLIC:
            if request.blueprint not in UNCOUNTED:
                count(_kind(), _address())
            return
        found = auth.authenticate(services, request)
        count(_kind(), counted_as(found))
        if scope is None:
            raise Denied("This route is closed: nobody has said who may use it.", authenticated=True)
        auth.check_scope(found, scope)

    @app.errorhandler(Denied)
    def _denied(error: Denied) -> Response:
        """Who has no good key is told so only so often. A caller with a good one is never kept out by this."""
        try:
            if not error.authenticated:
                count_failure()
        except RateLimited as limited:
            return problems.of_error(limited)
        return problems.of_error(error)

    @app.after_request
    def _tell(response: Response) -> Response:
        standing: Standing | None = g.get("standing")
        if standing is not None:
            response.headers.update(standing.headers())
        return response


def count(kind: Kind, who: str) -> None:
    """Count this request against a limit. Raises RateLimited."""
    g.standing = standing = context().limiter.take(kind, who)
    if standing is not None and not standing.granted:
        seconds = standing.reset_seconds
        text = f"At most {standing.limit} {COUNTED[kind]} a minute are answered; come back in {seconds} s."
        raise RateLimited(text, retry_after=seconds)


def counted_as(who: Caller) -> str:
    """By what the requests of a caller are counted."""
    return f"key {who.key_id}" if who.key_id else f"owner {who.owner}"


def count_failure() -> None:
    """Count a request that came without a good key or ticket. Raises RateLimited."""
    count("failures", _address())


def _address() -> str:
    # What a proxy says of its clients can be made up: behind one, all of them are one address.
    return f"address {request.remote_addr or 'unknown'}"


def scope_of(endpoint: str) -> str | None:
    """What the view behind an endpoint needs; None when it does not say."""
    return getattr(current_app.view_functions[endpoint], "scope", None)


def _kind() -> Kind:
    if request.method in auth.SAFE_METHODS:
        return "reads"
    kind: Kind = getattr(current_app.view_functions[str(request.endpoint)], "counts_as", "writes")
    return kind


def caller() -> Caller:
    """Who asks."""
    found = g.caller
    assert isinstance(found, Caller)  # noqa: S101 - the guard has put it there
    return found


def owner() -> str:
    """Whose data this request may see."""
    return caller().owner
