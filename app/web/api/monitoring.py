"""How the platform does: nodes, queues, health."""

from __future__ import annotations

from flask import Response, jsonify

from app import monitoring
from app.events import iso
from app.web.context import services
from app.web.edge import Blueprint
from app.web.shapes import monitoring as shapes

blp = Blueprint("Monitoring", __name__)


@blp.route("/monitoring/workers", scope="read")
@blp.response(200, shapes.WatchedNodes)
def workers() -> Response:
    """List workers, supervisors, APIs and relays

    Those that were heard of within the last hour and have not said that they end, with what they are doing. It tells
    progress and not processes: a node that is there and does nothing while jobs wait is `stuck`.
    """
    told = []
    for node in monitoring.nodes(services()):
        names = ("name", "role", "host", "version", "concurrency", "moves")
        plain = {name: getattr(node.row, name) for name in names}
        times = {name: iso(getattr(node.row, name)) for name in ("started_at", "seen_at", "moved_at")}
        told.append({**plain, **times, "busy": node.busy, "state": node.state})
    return jsonify({"nodes": told})


@blp.route("/monitoring/queues", scope="read")
@blp.response(200, shapes.WatchedQueues)
def queues() -> Response:
    """Read what waits in each queue, and how long"""
    return jsonify({"queues": monitoring.queues(services())})


@blp.route("/monitoring/health", scope="read")
@blp.response(200, shapes.HealthReport)
def health() -> Response:
    """Ask whether jobs run, and what stands in their way

    For people and alarms; `/readyz` is for load balancers.
    """
    checks = monitoring.health(services())
    return jsonify({"status": monitoring.worst(checks), "checks": [vars(check) for check in checks]})
