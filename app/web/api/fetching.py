"""Datasets out of sources: FRED, central banks, exchanges."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify

from app import sources
from app.jobs import request_hash
from app.sources.asking import resolve_fetch
from app.web import presenters, shapes, submitting
from app.web.api.market_data import blp
from app.web.schemas import RunHeaders, RunQuery
from app.web.shapes.sources import FetchSchema, Sources
from app.web.uploading import library


@blp.route("/datasets/sources", scope="read")
@blp.response(200, Sources)
def list_sources() -> Response:
    """List the sources of data"""
    return jsonify(presenters.sources(sources.every().values()))


@blp.route("/datasets/fetch", methods=["POST"], scope="run")
@blp.arguments(FetchSchema)
@blp.arguments(RunQuery, location="query")
@blp.arguments(RunHeaders, location="headers")
@blp.response(202, shapes.Submitted, description="Queued, or answered by an earlier job of the same request")
@blp.alt_response(
    200,
    schema={"oneOf": [shapes.DryRun, shapes.Job]},
    description="The answer of a dry run; or the job itself when it ended while the client waited",
    success=True,
)
def fetch_dataset(body: dict[str, Any], query: dict[str, Any], headers: dict[str, Any]) -> Response:
    """Fetch data from a source as a job

    Its result names the dataset and the version that it made. The same request on the same day is answered by the
    job that has succeeded; data that have not changed make no new version.
    """
    resolved = resolve_fetch(body, datetime.now(UTC).date())
    library().check_id(body["name"])  # the job would find out only after it has fetched
    if query["dry_run"]:
        estimate = {"items": len(resolved["items"])}
        answer = {"valid": True, "request": resolved, "request_hash": request_hash("fetch", resolved)}
        return jsonify(answer | {"estimate": estimate})
    return submitting.queue("fetch", resolved, body, query, headers)
