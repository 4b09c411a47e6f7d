"""What people open in a browser: the page, the documentation, signing in and out.

No build step and nothing from the network: our own files lie in `static/`, Plotly and Swagger UI are served out of
their installed wheels. No page may run inline scripts.
"""

from __future__ import annotations

import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from apispec import APISpec
from flask import Blueprint, Flask, Response, abort, redirect, request, send_from_directory

from app.errors import Denied
from app.store import Caller
from app.web import auth
from app.web.access import PUBLIC, count_failure
from app.wiring import Services

STATIC = Path(__file__).resolve().parent / "static"
SESSION_SECONDS = 12 * 3600
DAY = 86_400
# Plotly adds two style elements: an empty one that it fills by script (the first is the hash of nothing), and one for
# maps, which we do not draw; should a new version of Plotly change it, browsers report it and nothing else happens.
PLOTLY_STYLES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='",
)
VENDORED = {
    "plotly": ("package_data", frozenset({"plotly.min.js"})),
    "flask_swagger_ui": ("dist", frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})),
}


def init_app(app: Flask, services: Services, spec: APISpec) -> None:
    """Add the pages."""
    pages = Blueprint("pages", __name__)
    _add_files(pages, spec, page_policy(services.settings.relay_url))
    _add_sessions(pages, services)
    app.register_blueprint(pages)
    view: Any
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith("pages."):
            view.scope = PUBLIC  # none of them shows data: their scripts ask the API for it


def page_policy(relay_url: str) -> str:
    """The Content-Security-Policy of our pages: no inline script, no inline style, nothing from elsewhere."""
    relay = urlsplit(relay_url)
    sockets = f" {relay.scheme}://{relay.netloc}" if relay.netloc else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' {' '.join(PLOTLY_STYLES)}; img-src 'self' data:; "
        f"connect-src 'self'{sockets}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _add_files(pages: Blueprint, spec: APISpec, policy: str) -> None:
    def page(name: str, status: int = 200) -> Response:
        response = send_from_directory(STATIC, name, max_age=0, conditional=False)
        response.status_code = status
        response.headers["Content-Security-Policy"] = policy
        return response

    @cache  # complete once the first request comes: every route is registered by then
    def specification_text() -> str:
        return json.dumps(spec.to_dict(), allow_nan=False)

    @pages.get("/")
    def home() -> Response:
        return page("index.html")

    @pages.get("/sign-in")
    def sign_in() -> Response:
        return page("sign-in.html")

    @pages.get("/docs")
    def docs() -> Response:
        return page("docs.html")

    @pages.get("/openapi.json")
    def specification() -> Response:
        return Response(specification_text(), content_type="application/json")

    @pages.get("/static/<path:name>")
    def static(name: str) -> Response:
        return send_from_directory(STATIC, name, max_age=0)

    @pages.get("/vendor/<package>/<name>")
    def vendor(package: str, name: str) -> Response:
        folder, files = VENDORED.get(package, ("", frozenset()))
        if name not in files:
            abort(404)
        return send_from_directory(package_folder(package) / folder, name, max_age=DAY)


def _add_sessions(pages: Blueprint, services: Services) -> None:
    access = services.store.access

    @pages.get("/login")
    def login_by_link() -> Response:
        """The link that `queuant serve` prints: its ticket works once."""
        if request.method == "HEAD":  # who only looks must not use the ticket up
            return redirect_to("/")
        caller = access.redeem(request.args.get("ticket", ""), "login")
        if caller is None:
            count_failure()
            return redirect_to("/sign-in?used=1")
        return start_session(services, caller)

    @pages.post("/login")
    def login_by_key() -> Response:
        """The form of the sign-in page."""
        caller = access.caller(request.form.get("key", "").strip())
        if caller is None:
            count_failure()
        if caller is None or request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return redirect_to("/sign-in?wrong=1")
        return start_session(services, caller)

    @pages.post("/logout")
    def logout() -> Response:
        """End the session of this browser, whoever it is."""
        if not re.fullmatch("same-origin|none", request.headers.get("Sec-Fetch-Site", "same-origin")):
            raise Denied("Only our own page may sign you out.", authenticated=True, code="origin_refused")
        access.redeem(request.cookies.get(auth.SESSION_COOKIE, ""), "session")
        response = redirect_to("/sign-in")
        response.delete_cookie(auth.SESSION_COOKIE, path="/", httponly=True, samesite="Strict")
        return response


def start_session(services: Services, caller: Caller) -> Response:
    """Give the browser a cookie that only our own pages send, and that no script can read."""
    secret = services.store.access.issue_ticket(caller, "session", seconds=SESSION_SECONDS)
    response = redirect_to("/")
    response.set_cookie(
        auth.SESSION_COOKIE,
        secret,
        max_age=SESSION_SECONDS,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=request.is_secure,
    )
    return response


def redirect_to(path: str) -> Response:
    response = redirect(path, code=303, Response=Response)
    assert isinstance(response, Response)  # noqa: S101 - of the class that was asked for
    return response


@cache
def package_folder(package: str) -> Path:
    """Where an installed package lies, without running it."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"The package '{package}' is not installed.")
    return Path(found.submodule_search_locations[0])
