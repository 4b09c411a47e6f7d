"""The paper book that live signals drive."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app.web import book
from app.web.api import portfolio
from app.web.schemas import RowsQuery
from app.web.shapes import book as told

blp = portfolio.blp


@blp.route("/portfolio/current", scope="read")
@blp.response(200, told.CurrentBook)
def current_book() -> Response:
    """Read where the paper book stands: equity, gains, exposure, positions"""
    return jsonify(book.current())


@blp.route("/portfolio/target", scope="read")
@blp.response(200, told.BookTarget)
def book_target() -> Response:
    """Read what the paper book is after, and who wants what"""
    return jsonify(book.target())


@blp.route("/portfolio/attribution", scope="read")
@blp.arguments(told.BookDaysQuery, location="query")
@blp.response(200, told.BookAttribution)
def book_attribution(query: dict[str, Any]) -> Response:
    """Read what each strategy brought the paper book

    Gains after costs; they sum to the change of equity.
    """
    return jsonify(book.attribution(query.get("days")))


@blp.route("/portfolio/history", scope="read")
@blp.arguments(told.HistoryQuery, location="query")
@blp.response(200, told.BookHistory)
def book_history(query: dict[str, Any]) -> Response:
    """Read the paper book through time"""
    return jsonify(book.history(query.get("days"), query.get("points")))


@blp.route("/portfolio/trades", scope="read")
@blp.arguments(RowsQuery, location="query")
@blp.response(200, told.Fills)
def book_trades(query: dict[str, Any]) -> Response:
    """Read the trades of the paper book, newest first"""
    return jsonify(book.trades(query["limit"], query.get("cursor")))


@blp.route("/portfolio/book", scope="read")
@blp.response(200, told.BookConfig)
def read_book() -> Response:
    """Read how the paper book is made up"""
    return jsonify(book.configuration())


@blp.route("/portfolio/book", methods=["PUT"], scope="run")
@blp.arguments(told.BookSchema)
@blp.response(200, told.BookConfig)
def put_book(body: dict[str, Any]) -> Response:
    """Make up the paper book otherwise

    The whole configuration: what is left out has its default. It holds from the next bar on, with the costs of getting
    there; what was done stays. The same one again changes nothing.
    """
    return jsonify(book.put(body))


@blp.route("/portfolio/book", methods=["DELETE"], scope="run")
@blp.response(204)
def close_book() -> Response:
    """Close the paper book: its ledger is removed

    How it is made up stays; the next step opens a new one, for which `capital` and `start_date` can be said again.
    """
    book.close()
    return Response(status=204)
