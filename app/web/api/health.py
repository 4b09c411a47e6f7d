"""Is the process alive, and can a job be taken?"""

from __future__ import annotations

from flask import Response, jsonify

from app import schema
from app.errors import QueueUnavailable
from app.web import shapes
from app.web.access import PUBLIC
from app.web.context import services
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


def queue_state() -> str:
    try:
        services().bus.ping()
    except QueueUnavailable:
        return "unavailable"
    return "ok"
