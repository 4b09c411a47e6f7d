"""What a running API tells about itself: one log line and two metrics for each request, and figures of the platform."""

from __future__ import annotations

import logging
import re
import time
import uuid

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from app.logs import say_about
from app.web.metrics import Platform
from app.wiring import Services

log = logging.getLogger("queuant.access")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def request_id() -> str:
    """The id of the current request: the client's own when it is harmless, else a new one."""
    if "request_id" not in g:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    return str(g.request_id)


class Telemetry:
    """The metrics of one process, in a registry of its own."""

    def __init__(self, services: Services) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "queuant_http_requests",
            "Requests by route and status",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "queuant_http_request_seconds", "Time to answer", ["route"], buckets=_BUCKETS, registry=self.registry
        )
        Platform(services, self.registry)

    def text(self) -> bytes:
        return generate_latest(self.registry)


def init_app(app: Flask, telemetry: Telemetry) -> None:
    """Measure and log every request. No query strings, no headers, no bodies: they may hold secrets."""

    @app.before_request
    def _start() -> None:
        g.started = time.perf_counter()
        say_about(request_id=request_id())

    @app.after_request
    def _end(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        route = str(request.url_rule) if request.url_rule else "unmatched"
        telemetry.requests.labels(request.method, route, response.status_code).inc()
        if not route.startswith("/ws/"):  # a socket's life is no time to answer
            telemetry.seconds.labels(route).observe(seconds)
        response.headers["X-Request-Id"] = request_id()
        log.info("%s %s %s %.1fms id=%s", request.method, route, response.status_code, seconds * 1000, request_id())
        return response

    @app.teardown_request
    def _forget(_: BaseException | None) -> None:
        say_about()
