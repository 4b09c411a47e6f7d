"""Economic series, point in time."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app.web import series
from app.web.edge import Blueprint
from app.web.schemas import CurveQuery, CurvesQuery, SeriesListQuery, SeriesQuery
from app.web.shapes import macro as shapes

blp = Blueprint("Macro", __name__)


@blp.route("/macro/series", scope="read")
@blp.arguments(SeriesListQuery, location="query")
@blp.response(200, shapes.SeriesList)
def list_series(query: dict[str, Any]) -> Response:
    """List the series that decisions may read besides prices"""
    return jsonify({"series": series.items(query.get("dataset"))})


@blp.route("/macro/series/<key>", scope="read")
@blp.arguments(SeriesQuery, location="query")
@blp.response(200, shapes.SeriesDetail)
def read_series(query: dict[str, Any], key: str) -> Response:
    """Read a series as it was known

    Each time has the newest value that was published by `as_of`; with `vintages` every value that was, with `points`
    so many that draw the same picture.
    """
    return jsonify(series.item(key, query))


@blp.route("/macro/curves", scope="read")
@blp.arguments(CurvesQuery, location="query")
@blp.response(200, shapes.CurveList)
def list_curves(query: dict[str, Any]) -> Response:
    """List the yield curves, with the days between which something of them was known"""
    return jsonify({"curves": series.all_curves(query.get("dataset"))})


@blp.route("/macro/curves/<curve_id>", scope="read")
@blp.arguments(CurveQuery, location="query")
@blp.response(200, shapes.YieldCurve)
def read_curve(query: dict[str, Any], curve_id: str) -> Response:
    """Read a yield curve (DI, UST, NTNB, …) as it was known on a day, and what rolling down it earns"""
    return jsonify(series.curve(curve_id, query))
