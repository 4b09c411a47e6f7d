"""Datasets that jobs make: out of sources (FRED, central banks, exchanges), or of other datasets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify

from app import sources
from app.compose import asking
from app.jobs import request_hash
from app.sources.asking import resolve_fetch
from app.web import presenters, shapes, submitting
from app.web.api.market_data import blp
from app.web.context import services
from app.web.schemas import RunHeaders, RunQuery
from app.web.shapes.datasets import ComposeSchema
from app.web.shapes.sources import FetchSchema, Sources
from app.web.uploading import library


@blp.route("/datasets/sources", scope="read")
@blp.response(200, Sources)
def list_sources() -> Response:
    """List the sources of data"""
    return jsonify(presenters.sources(sources.every().values()))


_QUEUED = "Queued, or answered by an earlier job of the same request"
_AT_ONCE: dict[str, Any] = {
    "schema": {"oneOf": [shapes.DryRun, shapes.Job]},
    "description": "The answer of a dry run; or the job itself when it ended while the client waited",
    "success": True,
}


@blp.route("/datasets/fetch", methods=["POST"], scope="run")
@blp.arguments(FetchSchema)
@blp.arguments(RunQuery, location="query")
@blp.arguments(RunHeaders, location="headers")
@blp.response(202, shapes.Submitted, description=_QUEUED)
@blp.alt_response(200, **_AT_ONCE)
def fetch_dataset(body: dict[str, Any], query: dict[str, Any], headers: dict[str, Any]) -> Response:
    """Fetch data from a source as a job

    Its result names the dataset and the version that it made. The same request on the same day is answered by the
    job that has succeeded; data that have not changed make no new version.
    """
    resolved = resolve_fetch(body, datetime.now(UTC).date())
    library().check_id(body["name"])  # the job would find out only after it has fetched
    if query["dry_run"]:
        return _dry("fetch", resolved, {"items": len(resolved["items"])})
    return submitting.queue("fetch", resolved, body, query, headers)


@blp.route("/datasets/compose", methods=["POST"], scope="run")
@blp.arguments(ComposeSchema)
@blp.arguments(RunQuery, location="query")
@blp.arguments(RunHeaders, location="headers")
@blp.response(202, shapes.Submitted, description=_QUEUED)
@blp.alt_response(200, **_AT_ONCE)
def compose_dataset(body: dict[str, Any], query: dict[str, Any], headers: dict[str, Any]) -> Response:
    """Make a dataset to trade of the series of others, as a job

    Prices of every instrument whose series are among them, beside all the series as they were published. Its result
    names the version that it made and those of its inputs; the same inputs make the same version.
    """
    resolved = asking.resolve_compose(body, services().catalog)
    library().check_id(body["name"])
    if query["dry_run"]:
        return _dry("compose", resolved, asking.estimate(resolved, services().catalog))
    return submitting.queue("compose", resolved, body, query, headers)


def _dry(kind: str, resolved: dict[str, Any], estimate: dict[str, Any]) -> Response:
    answer = {"valid": True, "request": resolved, "request_hash": request_hash(kind, resolved)}
    return jsonify(answer | {"estimate": estimate})
