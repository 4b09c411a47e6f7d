"""Strategies that are posted as data."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app.errors import Unknown
from app.web import presenters
from app.web.access import owner
from app.web.api.strategies import blp
from app.web.context import services
from app.web.shapes.expressions import ExpressionFunctions, ExpressionSchema, PostedStrategy, ValidStrategy
from engine.expression import identifier
from engine.expression.functions import FUNCTIONS
from engine.expression.writer import call_of


@blp.route("/strategies/expressions", methods=["POST"], scope="run")
@blp.arguments(ExpressionSchema)
@blp.response(201, PostedStrategy, description="A new strategy, or a new version of one of yours")
@blp.alt_response(200, schema=PostedStrategy, description="It is there already, just so", success=True)
def post_expression(body: dict[str, Any]) -> tuple[Response, int]:
    """Post a strategy as data

    It is on the shelf at once and runs like any other. Another document of the same name is its next version.
    """
    found = services().shelf.read(body, owner())
    new = services().store.expressions.put(found.id, found.version, owner=owner(), spec=found.spec or {})
    verdict = services().store.verdicts.worst(found.id, found.version)
    return jsonify(presenters.expression(found, verdict)), 201 if new else 200


@blp.route("/strategies/expressions/validate", methods=["POST"], scope="run")
@blp.arguments(ExpressionSchema)
@blp.response(200, ValidStrategy)
def validate_expression(body: dict[str, Any]) -> Response:
    """Check a strategy without posting it"""
    return jsonify({"valid": True, **presenters.expression(services().shelf.read(body, owner()))})


@blp.route("/strategies/expressions/functions", scope="read")
@blp.response(200, ExpressionFunctions)
def list_functions() -> Response:
    """List what an expression may call"""
    told = [
        {"name": item.name, "call": call_of(item), "gives": item.gives, "fields": list(item.fields)}
        for item in FUNCTIONS.values()
    ]
    return jsonify({"functions": told})


@blp.route("/strategies/expressions/<strategy_id>", methods=["DELETE"], scope="run")
@blp.response(204)
def withdraw_expression(strategy_id: str) -> tuple[str, int]:
    """Take a strategy of yours off the shelf; jobs that name it still run and keep their results"""
    made = strategy_id == identifier(strategy_id)
    if not made or not services().store.expressions.withdraw(strategy_id, owner()):
        raise Unknown(f"You have no expression strategy '{strategy_id[:80]}'.", code="unknown_strategy")
    return "", 204
