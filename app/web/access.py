"""Who may call a route. Every view says which scope it needs; a view that says nothing is closed."""

from __future__ import annotations

from flask import Flask, current_app, g, request

from app.errors import Denied
from app.store import Caller
from app.web import auth
from app.wiring import Services

# What a view may say besides a scope of `app.store.access.SCOPES`:
PUBLIC = "public"  # everybody may call it
SELF = "self"  # it asks the caller itself


def init_app(app: Flask, services: Services) -> None:
    """Check the caller before any view runs."""

    @app.before_request
    def _guard() -> None:
        if request.endpoint is None or request.method == "OPTIONS":
            return  # an unknown address, or a question about methods
        scope = scope_of(request.endpoint)
        if scope in (PUBLIC, SELF):
            return
        caller = auth.authenticate(services, request)
        if scope is None:
            raise Denied("This route is closed: nobody has said who may use it.", authenticated=True)
        auth.check_scope(caller, scope)


def scope_of(endpoint: str) -> str | None:
    """What the view behind an endpoint needs; None when it does not say."""
    return getattr(current_app.view_functions[endpoint], "scope", None)


def owner() -> str:
    """Whose data this request may see."""
    caller = g.caller
    assert isinstance(caller, Caller)  # noqa: S101 - the guard has put it there
    return caller.owner
