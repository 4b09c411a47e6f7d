"""Errors become replies here, and nowhere else: one table from error class to HTTP status, one shape (RFC 9457)."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.errors import (
    Conflict,
    Denied,
    NotReady,
    Overloaded,
    QueueUnavailable,
    SourceFailed,
    StartRefused,
    StoreUnavailable,
    Unknown,
)
from app.web.errors import TooManySockets, UnsupportedMedia
from app.web.strict_json import MalformedJson, harmless
from app.web.telemetry import request_id
from engine.errors import BadData, InvalidInput, QueuantError, nearest

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

# The most specific class of an error decides.
STATUS: Mapping[type[QueuantError], int] = {
    MalformedJson: 400,
    UnsupportedMedia: 415,
    InvalidInput: 422,
    BadData: 422,
    Denied: 401,
    Unknown: 404,
    NotReady: 409,
    Conflict: 409,
    Overloaded: 429,
    TooManySockets: 503,
    StoreUnavailable: 503,
    QueueUnavailable: 503,
    SourceFailed: 502,
    StartRefused: 503,
}
FORBIDDEN = 403
INTERNAL = 500
RETRY_AFTER = {429: 5, 503: 5}

# What Flask and Werkzeug refuse by themselves: status -> code and sentence. Their own texts are never shown.
REFUSED: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "The request could not be read."),
    404: ("unknown_route", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    413: ("body_too_large", "The body is larger than this server reads."),
    414: ("address_too_long", "The address is too long."),
    415: ("unsupported_media_type", "Send the body as application/json."),
    416: ("range_not_satisfiable", "The file has no such range."),
    431: ("headers_too_large", "The headers are too large."),
}


def init_app(app: Flask) -> None:
    """Let every error of the application leave as a problem."""
    app.register_error_handler(QueuantError, of_error)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, of_accident)


def of_error(error: QueuantError) -> Response:
    """The reply for an error that was raised on purpose."""
    status = status_of(error)
    if status == INTERNAL:
        return of_accident(error)
    headers = {}
    if status == STATUS[Denied]:
        headers["WWW-Authenticate"] = "Bearer"
    if status in RETRY_AFTER:
        headers["Retry-After"] = str(getattr(error, "retry_after", RETRY_AFTER[status]))
    return reply(status, error.detail(), headers)


def of_http(error: HTTPException) -> Response:
    """The reply for what Flask refused: routes, methods, sizes."""
    status = error.code or INTERNAL
    if status < 400:
        return Response(response=error.get_response().get_data(), status=status, headers=error.get_headers())
    if status not in REFUSED:
        return (
            of_accident(error) if status >= INTERNAL else reply(status, {"code": "bad_request", "message": error.name})
        )
    code, message = REFUSED[status]
    detail: dict[str, Any] = {"code": code, "message": message}
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        detail |= {"given": request.method, "allowed": sorted(error.valid_methods)}
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
    if status == 404:
        detail |= _nearest_route()
    if status == 413:
        detail["allowed"] = {"maximum_bytes": request.max_content_length}
    return reply(status, detail, headers)


def of_accident(error: Exception) -> Response:
    """The reply for what nobody foresaw. The trace goes to the log under the request's id, never to the client."""
    log.error("request %s failed unexpectedly", request_id(), exc_info=error)
    message = "Something went wrong on this side; the log has it under the request's id."
    return reply(INTERNAL, {"code": "internal_error", "message": message})


def reply(status: int, detail: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """A problem document."""
    fields = dict(detail)
    code = str(fields.pop("code"))
    document = {
        "type": f"urn:queuant:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": fields.pop("message"),
        "instance": request.path,
        **fields,
        "request_id": request_id(),
    }
    return Response(json.dumps(harmless(document), allow_nan=False), status, headers, content_type=MEDIA_TYPE)


def status_of(error: QueuantError) -> int:
    """The HTTP status of an error: 500 for one that no client should ever see."""
    if isinstance(error, Denied) and error.authenticated:
        return FORBIDDEN
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), INTERNAL)


def _nearest_route() -> dict[str, Any]:
    rules = {str(rule).replace("<", "{").replace(">", "}") for rule in current_app.url_map.iter_rules()}
    near = nearest(request.path, sorted(rules))
    return {"nearest": near} if near else {}
