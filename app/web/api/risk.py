"""What the paper book may lose."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app.web import risk
from app.web.edge import Blueprint
from app.web.shapes import risk as shapes

blp = Blueprint("Risk", __name__)


@blp.route("/risk/var", scope="read")
@blp.arguments(shapes.HorizonQuery, location="query")
@blp.response(200, shapes.BookLosses)
def book_losses(query: dict[str, Any]) -> Response:
    """Read value at risk and expected shortfall of the paper book

    Of its positions after the last bar, by past returns, by a normal distribution and by Monte Carlo.
    """
    return jsonify(risk.losses(query["horizon"]))


@blp.route("/risk/stress", scope="read")
@blp.response(200, shapes.BookStress)
def book_stress() -> Response:
    """Read what six scenarios would do to the paper book"""
    return jsonify(risk.stress())


@blp.route("/risk/limits", scope="read")
@blp.response(200, shapes.BookLimits)
def read_limits() -> Response:
    """Read the limits of the paper book, and what is used of them"""
    return jsonify(risk.limits())


@blp.route("/risk/limits", methods=["PUT"], scope="run")
@blp.arguments(shapes.LimitsChange)
@blp.response(200, shapes.BookLimits)
def put_limits(body: dict[str, Any]) -> Response:
    """Set the limits of the paper book

    All of them: what is left out has its default, null is no limit. They hold at once, and the same ones again change
    nothing. A limit tells and stops nothing: alerts of the kind `limit_breach` follow from it.
    """
    return jsonify(risk.put_limits(body))
