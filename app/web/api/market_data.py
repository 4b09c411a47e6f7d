"""Datasets with their origin and versions."""

from __future__ import annotations

from flask import Response, jsonify

from app.web import presenters, shapes
from app.web.context import services
from app.web.edge import Blueprint
from app.web.errors import in_the_path

blp = Blueprint("Market Data", __name__)


@blp.route("/datasets", scope="read")
@blp.response(200, shapes.Datasets)
def list_datasets() -> Response:
    """List the datasets"""
    return jsonify({"datasets": [presenters.dataset(item) for item in services().catalog.datasets()]})


@blp.route("/datasets/<dataset_id>", scope="read")
@blp.response(200, shapes.DatasetItem)
def read_dataset(dataset_id: str) -> Response:
    """Read where a dataset comes from and what it covers

    `dataset_id@version` asks for one version.
    """
    with in_the_path():
        return jsonify(presenters.dataset(services().catalog.get(dataset_id)))
