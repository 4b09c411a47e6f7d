"""The shelf of strategies and their parameters."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app.web import named, presenters, shapes, submitting
from app.web.context import services
from app.web.edge import Blueprint
from app.web.schemas import RunHeaders, VerifyQuery, VerifySchema
from app.web.shapes.strategies import Strategies, StrategyDetail

blp = Blueprint("Strategies", __name__)


@blp.route("/strategies", scope="read")
@blp.response(200, Strategies)
def list_strategies() -> Response:
    """List the strategies with the JSON Schema of their parameters"""
    shelf, verdicts = services().shelf, services().store.verdicts.standing()
    items = [presenters.strategy_item(item, verdicts.get((item.id, item.version))) for item in shelf.all()]
    return jsonify({"strategies": items, "broken": [item._asdict() for item in shelf.broken()]})


@blp.route("/strategies/<strategy_id>", scope="read")
@blp.response(200, StrategyDetail)
def read_strategy(strategy_id: str) -> Response:
    """Read everything about a strategy"""
    found = named.strategy(strategy_id)
    return jsonify(presenters.strategy(found, services().store.verdicts.worst(found.id, found.version)))


@blp.route("/strategies/<strategy_id>/verify", methods=["POST"], scope="run")
@blp.arguments(VerifySchema)
@blp.arguments(VerifyQuery, location="query")
@blp.arguments(RunHeaders, location="headers")
@blp.response(202, shapes.Submitted, description="Queued, or answered by an earlier check of the same")
@blp.alt_response(200, schema=shapes.Job, description="The job, when it ended while the client waited", success=True)
def verify_strategy(body: dict[str, Any], query: dict[str, Any], headers: dict[str, Any], strategy_id: str) -> Response:
    """Check as a job whether a strategy looks ahead

    Its decisions on the data are compared with those that it makes when later bars and publications are taken away.
    """
    return submitting.verify(strategy_id, body, query, headers)
