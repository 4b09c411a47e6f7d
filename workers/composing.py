"""A job of kind `compose`: make prices of the series of some datasets, and keep both as a version of a dataset.

Composing the same versions again makes no new one: the library knows data by what they say.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.compose.making import compose
from app.jobs import Claim
from app.sources.base import Report
from app.wiring import Services
from workers.keeping import document, library


def run_compose(claim: Claim, services: Services, report: Report) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Datasets as one that can be traded; the result's document names its version and theirs."""
    asked = claim.request
    made = compose(asked, services.catalog, lambda done, total: report(done, total, "read"))
    report(len(asked["datasets"]), len(asked["datasets"]), "store")
    kept = library(services).put(
        made.table,
        id=asked["dataset_id"],
        meaning=made.meaning,
        series=made.series,
        origin={"request": dict(asked), "composed_at": datetime.now(UTC).isoformat(timespec="seconds")},
    )
    inputs = [services.catalog.get(name) for name in asked["datasets"]]
    told = [
        {
            "dataset_id": item.id,
            "dataset_version": item.version,
            "quality": item.quality,
            "source": item.manifest["cite"],
        }
        for item in inputs
    ]
    return document(claim, kept.dataset, made.notes, inputs=told), {}
