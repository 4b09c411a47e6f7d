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
