"""API keys: who has one, a new one, and the end of one."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app.web import keys
from app.web.api import monitoring
from app.web.edge import Blueprint
from app.web.shapes import keys as shapes

blp: Blueprint = monitoring.blp


@blp.route("/keys", scope="admin")
@blp.response(200, shapes.ApiKeys)
def list_keys() -> Response:
    """List all keys with when they were last used, oldest first; their secrets are stored nowhere"""
    return jsonify({"keys": keys.every()})


@blp.route("/keys", methods=["POST"], scope="admin")
@blp.arguments(shapes.KeyRequest)
@blp.response(201, shapes.NewApiKey)
def create_key(body: dict[str, Any]) -> tuple[Response, int]:
    """Create a key

    The answer is the only place that ever shows it. Whoever has it sees the jobs of its owner.
    """
    return jsonify(keys.create(body)), 201


@blp.route("/keys/current", scope="read")
@blp.response(200, shapes.CurrentApiKey)
def current_key() -> Response:
    """Read whose key this is, what it may do, and how much of its limits is used"""
    return jsonify(keys.current())


@blp.route("/keys/<key_id>", methods=["DELETE"], scope="admin")
@blp.response(204)
def revoke_key(key_id: str) -> Response:
    """Close a key for ever

    Its requests and sessions are refused at once; sockets that it opened are closed within minutes.
    """
    keys.revoke(key_id)
    return Response(status=204)
