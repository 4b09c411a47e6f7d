"""What jobs that make datasets share: where these are kept, and the document that names the version."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.canonical import digest
from app.dataset import Dataset
from app.errors import StartRefused
from app.jobs import Claim
from app.library import Library
from app.wiring import Services


def library(services: Services) -> Library:
    """The library. Raises StartRefused where this worker has none."""
    if services.catalog.library is None:
        raise StartRefused("This worker has no folder for datasets.")
    return services.catalog.library


def document(claim: Claim, dataset: Dataset, warnings: Iterable[str], **provenance: Any) -> dict[str, Any]:
    """The result of a job that made a version of a dataset."""
    made: dict[str, Any] = {
        "request": dict(claim.request),
        "dataset": dataset.describe(),
        "provenance": {
            "source": dataset.manifest["source"],
            "licence": dataset.manifest["licence"],
            "quality": dataset.quality,
            "dataset_id": dataset.id,
            "dataset_version": dataset.version,
            "request_hash": claim.request_hash,
            **provenance,
        },
        "warnings": [*warnings, *(item.told() for item in dataset.findings)],
    }
    made["provenance"]["result_hash"] = digest(made)
    return made
