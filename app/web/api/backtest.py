"""Start a backtest, read and compare results."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app import contracts, montecarlo
from app.web import comparing, reading, reports, shapes, submitting
from app.web.api.queueing import queues
from app.web.edge import Blueprint
from app.web.schemas import (
    BatchHeaders,
    BatchSchema,
    ComparisonQuery,
    ResultsQuery,
    RunQuery,
    RunSchema,
)
from app.web.shapes.montecarlo import MonteCarloSchema

blp = Blueprint("Backtest", __name__)


@queues(blp, "/backtest/run", RunSchema)
def run_backtest(body: dict[str, Any], query: dict[str, Any], headers: dict[str, Any]) -> Response:
    """Run a backtest as a job

    Answers at once with the job's address. An exact repeat of a request that has succeeded is answered from the store.
    """
    return submitting.submit(contracts.KIND, body, query, headers)


@queues(blp, "/backtest/montecarlo", MonteCarloSchema)
def run_montecarlo(body: dict[str, Any], query: dict[str, Any], headers: dict[str, Any]) -> Response:
    """Ask what else a backtest could have looked like

    Runs the backtest, then many paths around it: its returns drawn anew in blocks, its trades in another order, its
    parameters moved a little, or its costs raised. The same seed gives the same paths.
    """
    return submitting.submit(montecarlo.KIND, body, query, headers)


@blp.route("/backtest/batch", methods=["POST"], scope="run")
@blp.arguments(BatchSchema)
@blp.arguments(RunQuery, location="query")
@blp.arguments(BatchHeaders, location="headers")
@blp.response(202, shapes.SubmittedBatch, description="All of them are queued, or answered by earlier runs")
@blp.alt_response(200, schema=shapes.DryBatch, description="The answer of a dry run", success=True)
def run_batch(body: dict[str, Any], query: dict[str, Any], headers: dict[str, Any]) -> Response:
    """Run many backtests, each as a job of its own

    All are checked before any is queued, and all are queued or none is: a reply that is not 202 has queued nothing.
    """
    return submitting.batch(body, query, headers)


@blp.route("/backtest/results", scope="read")
@blp.arguments(ResultsQuery, location="query")
@blp.response(200, shapes.Result)
def latest_result(query: dict[str, Any]) -> Response:
    """Read the latest result of a strategy, or that of a job"""
    return reading.latest(query)


@blp.route("/backtest/comparison", scope="read")
@blp.arguments(ComparisonQuery, location="query")
@blp.response(200, shapes.Comparison)
def compare_results(query: dict[str, Any]) -> Response:
    """Compare up to 20 results

    Of every two of them `pairs` says how sure the difference of their Sharpe ratios is, on the days (UTC) that both
    have: `sharpe_difference` (a less b, annual), its 95 % interval and p value, which allow for fat tails and for days
    that depend on each other; the correlation of their returns; `drawdown_overlap`, the days on which both are below a
    former maximum by those on which one is. Null where a figure is not defined, and on fewer than 30 common days.
    """
    return jsonify(comparing.compare(query))


@blp.route("/backtest/comparison.html", scope="read")
@blp.arguments(ComparisonQuery, location="query")
@blp.response(200, {"type": "string"}, content_type="text/html")
def show_comparison(query: dict[str, Any]) -> Response:
    """Read a comparison in a browser: one page that can be kept, without scripts"""
    return reports.page_of_comparison(query)
