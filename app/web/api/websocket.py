"""Tickets for the live channels."""

from __future__ import annotations

import re

from flask import Response, g, jsonify, request

from app.web import shapes
from app.web.context import services
from app.web.edge import Blueprint

TICKET_SECONDS = 30
blp = Blueprint("WebSocket", __name__)


@blp.route("/ws-tickets", methods=["POST"], scope="read")
@blp.response(201, shapes.Ticket)
def create_ticket() -> tuple[Response, int]:
    """Get a ticket that opens one socket or stream within 30 seconds

    A browser cannot send an Authorization header with either, so it sends a ticket.
    """
    secret = services().store.access.issue_ticket(g.caller, "ws", seconds=TICKET_SECONDS)
    here = re.sub("^http", "ws", request.host_url).rstrip("/")
    url = services().settings.relay_url or here
    return jsonify({"ticket": secret, "expires_in_seconds": TICKET_SECONDS, "url": url}), 201
