"""Is the process alive, can a job be taken, and what does it measure?"""

from __future__ import annotations

import ipaddress

from flask import Request, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST

from app import schema
from app.errors import QueueUnavailable
from app.web import auth, shapes
from app.web.access import PUBLIC, SELF
from app.web.context import context, services
from app.web.edge import Blueprint
from engine import ENGINE_VERSION

blp = Blueprint("Health", __name__)


@blp.route("/healthz", scope=PUBLIC)
@blp.response(200, shapes.Alive)
def alive() -> Response:
    """Ask whether the process lives"""
    return jsonify({"status": "alive", "version": ENGINE_VERSION})


@blp.route("/readyz", scope=PUBLIC)
@blp.response(200, shapes.Ready)
def ready() -> Response:
    """Ask whether a job can be taken

    The queue is only reported: a job that is taken while it is down is safe in the store and runs later.
    """
    services().store.ping()
    schema.require_newest(services().store)
    return jsonify({"status": "ready", "checks": {"store": "ok", "schema": "ok", "queue": queue_state()}})


@blp.route("/metrics", scope=SELF)
@blp.response(200, {"type": "string"}, content_type="text/plain")
def metrics() -> Response:
    """Read the metrics in Prometheus' format

    From the same machine without a key, from elsewhere with one.
    """
    if not from_this_machine(request):
        auth.check_scope(auth.authenticate(context().services, request), "read")
    return Response(context().telemetry.text(), content_type=CONTENT_TYPE_LATEST)


def queue_state() -> str:
    try:
        services().bus.ping()
    except QueueUnavailable:
        return "unavailable"
    return "ok"


def from_this_machine(asked: Request) -> bool:
    """True for a direct loopback connection; a proxy on this machine speaks for somebody else."""
    if asked.headers.get("X-Forwarded-For") or asked.headers.get("Forwarded"):
        return False
    try:
        return ipaddress.ip_address(asked.remote_addr or "").is_loopback
    except ValueError:
        return False
