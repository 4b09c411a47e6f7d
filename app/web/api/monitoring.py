"""Metrics of the platform."""

from __future__ import annotations

import ipaddress

from flask import Request, Response, request
from prometheus_client import CONTENT_TYPE_LATEST

from app.web import auth
from app.web.access import SELF
from app.web.context import context
from app.web.edge import Blueprint

blp = Blueprint("Monitoring", __name__)


@blp.route("/metrics", scope=SELF)
@blp.response(200, {"type": "string"}, content_type="text/plain")
def metrics() -> Response:
    """Read the metrics in Prometheus' format

    From the same machine without a key, from elsewhere with one.
    """
    if not from_this_machine(request):
        auth.check_scope(auth.authenticate(context().services, request), "read")
    return Response(context().telemetry.text(), content_type=CONTENT_TYPE_LATEST)


def from_this_machine(asked: Request) -> bool:
    """True for a direct loopback connection; a proxy on this machine speaks for somebody else."""
    if asked.headers.get("X-Forwarded-For") or asked.headers.get("Forwarded"):
        return False
    try:
        return ipaddress.ip_address(asked.remote_addr or "").is_loopback
    except ValueError:
        return False
