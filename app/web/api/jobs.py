"""The life of what was started, and what it left."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, jsonify, request

from app.errors import Unknown
from app.store import JobFilter
from app.web import cursors, presenters, reading, shapes, submitting
from app.web.access import owner
from app.web.context import services
from app.web.edge import Blueprint
from app.web.schemas import (
    EventsQuery,
    ExportQuery,
    JobsQuery,
    PointsQuery,
    RetryHeaders,
    RowsQuery,
    RunHeaders,
)

blp = Blueprint("Jobs", __name__)
_BYTES = {"type": "string", "format": "binary"}


def check_job_id() -> None:
    """An id that cannot exist is not looked up: a database may refuse its characters."""
    job_id = (request.view_args or {}).get("job_id")
    if job_id is not None and not re.fullmatch("[0-9a-f]{32}", job_id):
        raise Unknown("There is no job with this id: an id has 32 hexadecimal digits.", code="unknown_job")


blp.before_request(check_job_id)


@blp.route("/jobs", scope="read")
@blp.arguments(JobsQuery, location="query")
@blp.response(200, shapes.JobPage)
def list_jobs(query: dict[str, Any]) -> Response:
    """List jobs, newest first"""
    limit, before = query.pop("limit"), cursors.of_last(query.pop("cursor", None))
    rows, more = services().jobs.page(owner(), JobFilter(**query), limit=limit, before=before)
    return jsonify(presenters.job_page(rows, more=more))


@blp.route("/jobs/<job_id>", scope="read")
@blp.response(200, shapes.Job)
def read_job(job_id: str) -> Response:
    """Read where a job stands"""
    row = services().jobs.get(job_id, owner())
    return jsonify(presenters.job(row, services().store.read.queue_position(row)))


@blp.route("/jobs/<job_id>/cancel", methods=["POST"], scope="run")
@blp.response(200, shapes.Job, description="Cancelled")
@blp.alt_response(202, schema=shapes.Job, description="Running; it stops soon", success=True)
def cancel_job(job_id: str) -> tuple[Response, int]:
    """Cancel a job

    A queued job ends at once. A running one is asked to stop and ends a moment later. Asking twice is no error.
    """
    row = services().jobs.cancel(job_id, owner())
    return jsonify(presenters.job(row, None)), 200 if row.status == "cancelled" else 202


@blp.route("/jobs/<job_id>/retry", methods=["POST"], scope="run")
@blp.arguments(RetryHeaders, location="headers")
@blp.response(202, shapes.Submitted)
def retry_job(headers: dict[str, Any], job_id: str) -> Response:
    """Queue the request of a failed or cancelled job again, as a new job"""
    return submitting.retry(job_id, headers)


@blp.route("/jobs/<job_id>/verify", methods=["POST"], scope="run")
@blp.arguments(RunHeaders, location="headers")
@blp.response(202, shapes.Submitted)
@blp.alt_response(200, schema=shapes.Job, description="The job, when it ended while the client waited", success=True)
def reproduce_job(headers: dict[str, Any], job_id: str) -> Response:
    """Run a succeeded job again and compare what it gives with what is stored

    A new job of kind `reproduce` runs the stored request with the same code and data. Its result has `reproduction`:
    job_id, kind, expected_hash, found_hash, reproduced, a sentence, `differences` (metric, expected, found), and
    `parts`, the names of stored tables that are not what they were. Whether a strategy looks ahead is another
    question: POST /strategies/{id}/verify.
    """
    return submitting.reproduce(job_id, headers)


@blp.route("/jobs/<job_id>", methods=["DELETE"], scope="run")
@blp.response(204)
def delete_job(job_id: str) -> Response:
    """Delete an ended job with its result and events"""
    services().jobs.delete(job_id, owner())
    return Response(status=204)


@blp.route("/jobs/<job_id>/events", scope="read")
@blp.arguments(EventsQuery, location="query")
@blp.response(200, shapes.EventPage)
def list_events(query: dict[str, Any], job_id: str) -> Response:
    """Read the events of a job, as the live channel sends them"""
    return jsonify(reading.events(job_id, query["since"], query["limit"]))


@blp.route("/jobs/<job_id>/result", scope="read", parameters=["IF_NONE_MATCH"])
@blp.arguments(PointsQuery, location="query")
@blp.response(200, {"anyOf": [shapes.Result, shapes.Outcome]})
@blp.alt_response(304, description="The client has it", success=True)
def read_result(query: dict[str, Any], job_id: str) -> Response:
    """Read the result of a succeeded job"""
    return reading.result(job_id, points=query.get("points"))


@blp.route("/jobs/<job_id>/equity", scope="read", parameters=["IF_NONE_MATCH"])
@blp.arguments(PointsQuery, location="query")
@blp.response(200, shapes.FullCurve)
@blp.alt_response(304, description="The client has it", success=True)
def read_equity(query: dict[str, Any], job_id: str) -> Response:
    """Read the curves of a succeeded job"""
    return reading.equity(job_id, query.get("points"))


@blp.route("/jobs/<job_id>/paths", scope="read", parameters=["IF_NONE_MATCH"])
@blp.arguments(PointsQuery, location="query")
@blp.response(200, shapes.PathCurves)
@blp.alt_response(304, description="The client has it", success=True)
def read_paths(query: dict[str, Any], job_id: str) -> Response:
    """Read the equity of every path of a succeeded cross-validation

    Each path is decimated by itself; of many paths each has fewer points.
    """
    return reading.paths(job_id, query.get("points"))


@blp.route("/jobs/<job_id>/trades", scope="read", parameters=["IF_NONE_MATCH"])
@blp.arguments(RowsQuery, location="query")
@blp.response(200, shapes.Trades)
@blp.alt_response(304, description="The client has it", success=True)
def read_trades(query: dict[str, Any], job_id: str) -> Response:
    """Read the round trips of a succeeded job"""
    return reading.rows(job_id, "trades", query["limit"], query.get("cursor"))


@blp.route("/jobs/<job_id>/positions", scope="read", parameters=["IF_NONE_MATCH"])
@blp.arguments(RowsQuery, location="query")
@blp.response(200, shapes.Positions)
@blp.alt_response(304, description="The client has it", success=True)
def read_positions(query: dict[str, Any], job_id: str) -> Response:
    """Read what a succeeded backtest, portfolio or best trial held

    A row for each close at which a symbol's units had become others; in between they stay.
    """
    return reading.rows(job_id, "positions", query["limit"], query.get("cursor"))


@blp.route("/jobs/<job_id>/export", scope="read", parameters=["IF_NONE_MATCH"])
@blp.arguments(ExportQuery, location="query")
@blp.response(200, _BYTES, content_type="application/vnd.apache.parquet")
@blp.alt_response(200, schema=_BYTES, content_type="application/vnd.apache.arrow.stream", success=True)
@blp.alt_response(200, schema={"type": "string"}, content_type="text/csv", success=True)
@blp.alt_response(200, schema={"type": "object"}, content_type="application/json", success=True)
@blp.alt_response(304, description="The client has it", success=True)
def export_job(query: dict[str, Any], job_id: str) -> Response:
    """Take the curves or trades of a succeeded job away as a file"""
    return reading.export(job_id, query["format"], query.get("part"))
