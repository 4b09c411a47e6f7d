"""Searches among parameters."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app import sweeps, walkforward
from app.web import submitting, trials
from app.web.api.jobs import check_job_id
from app.web.api.queueing import queues
from app.web.edge import Blueprint
from app.web.shapes.sweeps import Surface, SurfaceQuery, SweepSchema, Trials, TrialsQuery
from app.web.shapes.walkforward import WalkforwardSchema

blp = Blueprint("Optimization", __name__)
blp.before_request(check_job_id)


@queues(blp, "/backtest/sweep", SweepSchema)
def run_sweep(body: dict[str, Any], query: dict[str, Any], headers: dict[str, Any]) -> Response:
    """Search the best parameters as a job

    Every combination of a grid, or so many draws. A large search is shared among all workers; its trials can be read
    while it runs. The result has the best trials, how good their neighbourhood is, and how far they can be trusted.
    """
    return submitting.submit(sweeps.KIND, body, query, headers)


@queues(blp, "/backtest/walkforward", WalkforwardSchema)
def run_walkforward(body: dict[str, Any], query: dict[str, Any], headers: dict[str, Any]) -> Response:
    """Choose parameters on some bars and test them on later ones, as a job

    Again and again through the history, or on every combination of groups of bars (`cpcv`). The result is the curve of
    the tests, what was chosen each time, and how much of what was promised was kept.
    """
    return submitting.submit(walkforward.KIND, body, query, headers)


@blp.route("/jobs/<job_id>/trials", scope="read", parameters=["IF_NONE_MATCH"])
@blp.arguments(TrialsQuery, location="query")
@blp.response(200, Trials)
@blp.alt_response(304, description="The client has it", success=True)
def read_trials(query: dict[str, Any], job_id: str) -> Response:
    """Read the trials of a search, also while it runs"""
    return trials.page(job_id, query)


@blp.route("/jobs/<job_id>/surface", scope="read")
@blp.arguments(SurfaceQuery, location="query")
@blp.response(200, Surface)
def read_surface(query: dict[str, Any], job_id: str) -> Response:
    """Read a figure over two of the parameters that were searched"""
    return jsonify(trials.surface(job_id, query))
