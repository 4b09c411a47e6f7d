"""The shelf of strategies and their parameters."""

from __future__ import annotations

from flask import Response, jsonify

from app.web import presenters, shapes
from app.web.context import services
from app.web.edge import Blueprint
from app.web.errors import in_the_path

blp = Blueprint("Strategies", __name__)


@blp.route("/strategies", scope="read")
@blp.response(200, shapes.Strategies)
def list_strategies() -> Response:
    """List the strategies with the JSON Schema of their parameters"""
    return jsonify({"strategies": [presenters.strategy_item(item) for item in services().shelf.all()]})


@blp.route("/strategies/<strategy_id>", scope="read")
@blp.response(200, shapes.StrategyDetail)
def read_strategy(strategy_id: str) -> Response:
    """Read everything about a strategy"""
    with in_the_path():
        return jsonify(presenters.strategy(services().shelf.get(strategy_id)))
