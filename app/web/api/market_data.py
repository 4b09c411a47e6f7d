"""Datasets with their origin and versions; uploads."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app.web import named, presenters, quotes, uploading
from app.web.context import services
from app.web.edge import Blueprint
from app.web.schemas import BarsQuery, UploadForm
from app.web.shapes import datasets as shapes

blp = Blueprint("Market Data", __name__)


@blp.route("/datasets", scope="read")
@blp.response(200, shapes.Datasets)
def list_datasets() -> Response:
    """List the datasets"""
    return jsonify({"datasets": [presenters.dataset(item) for item in services().catalog.datasets()]})


@blp.route("/datasets", methods=["POST"], scope="run", counts_as="uploads")
@blp.arguments(UploadForm, location="files")
@blp.response(201, shapes.Uploaded, description="A new version")
@blp.alt_response(200, schema=shapes.Uploaded, description="The version was there already", success=True)
def upload_dataset(form: dict[str, Any]) -> Response:
    """Upload bars or series

    CSV or Parquet; long (time, symbol, open, high, low, close, volume), wide (time and a column of closes for each
    symbol), one symbol's bars, or series (key, observed, available, value). See the guide to data.
    """
    return uploading.upload(form)


@blp.route("/datasets/<dataset_id>", scope="read")
@blp.response(200, shapes.DatasetDetail)
def read_dataset(dataset_id: str) -> Response:
    """Read where a dataset comes from, what it covers, and what is wrong with it

    `dataset_id@version` asks for one version.
    """
    found = named.dataset(dataset_id)
    return jsonify(presenters.dataset_detail(found, services().catalog.versions(found.id)))


@blp.route("/datasets/<dataset_id>/bars", scope="read")
@blp.arguments(BarsQuery, location="query")
@blp.response(200, shapes.BarsPage)
@blp.alt_response(200, schema={"type": "string"}, content_type="text/csv", success=True)
def read_bars(query: dict[str, Any], dataset_id: str) -> Response:
    """Read the bars of a symbol"""
    return quotes.bars(dataset_id, query)
