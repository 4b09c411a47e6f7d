"""Security headers on every reply, and who may call from a browser."""

from __future__ import annotations

from flask import Flask, Response, request

from app.settings import Settings

JSON_POLICY = "default-src 'none'; frame-ancestors 'none'"


def init_app(app: Flask, settings: Settings) -> None:
    """Add what a browser should know. A view that set a header of its own keeps it."""
    origins = frozenset(settings.allowed_origins)

    @app.after_request
    def _headers(response: Response) -> Response:
        defaults = {
            "Content-Security-Policy": JSON_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }
        for name, value in defaults.items():
            response.headers.setdefault(name, value)
        if origins:
            _allow_origin(response, origins)
        return response


def _allow_origin(response: Response, origins: frozenset[str]) -> None:
    """CORS for the origins that the settings name; never with cookies."""
    response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    if origin not in origins:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = (
        "ETag, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id"
    )
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET")
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Idempotency-Key, Prefer"
        response.headers["Access-Control-Max-Age"] = "600"
