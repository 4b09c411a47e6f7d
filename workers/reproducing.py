"""A job done again: what its request gives now, beside what is stored of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from app.canonical import digest
from app.jobs import Claim, request_hash
from app.store import Chunk
from app.wiring import Services
from engine.figures import Report
from workers.dividing import Piece, Work
from workers.packing import Made, parquet

# Names that a sentence lists.
_NAMED = 5


@dataclass(frozen=True)
class Again:
    """The work of a job that can be divided, done again: the same units, gathered to a comparison."""

    work: Work
    services: Services

    @property
    def units(self) -> int:
        return self.work.units

    @property
    def ahead(self) -> int:
        return self.work.ahead

    def points(self, first: int, stop: int) -> list[list[float]] | None:
        """As the job's."""
        return self.work.points(first, stop)

    def knowing(self, chunk: Chunk) -> Again:
        """As the job's."""
        return replace(self, work=self.work.knowing(chunk))

    def after(self, done: list[Piece]) -> tuple[Again, list[Piece]]:
        """As the job's."""
        work, done = self.work.after(done)
        return replace(self, work=work), done

    def run(self, first: int, stop: int) -> pa.Table:
        """As the job did."""
        return self.work.run(first, stop)

    def rows(self, found: pa.Table) -> dict[str, Any]:
        """As the job did."""
        return self.work.rows(found)

    def tally(self, found: pa.Table) -> None:
        """None: its trials are counted already."""

    def gather(self, claim: Claim, found: pa.Table, report: Report) -> Made:
        """What the job would have stored, compared with what it has."""
        return compared(claim, self.services, self.work.gather(original(claim), found, report))


def original(claim: Claim) -> Claim:
    """The claim of a reproduction as that of the job that it does again."""
    kind, request = claim.request["kind"], claim.request["request"]
    return replace(claim, kind=kind, request=request, request_hash=request_hash(kind, request))


def compared(claim: Claim, services: Services, made: Made) -> Made:
    """The comparison of a result with the stored one; nothing else of it is kept, and its trials count no second time.

    Raises Unknown or NotReady where there is no stored one any more.
    """
    job_id, found = claim.request["job_id"], made.document or {}
    stored = services.jobs.result(job_id, claim.owner)
    found_hash = found["provenance"]["result_hash"]
    # The hash is kept in two places; where they contradict each other, the one that is wrong is told.
    recorded = (stored.result_hash, stored.result["provenance"]["result_hash"])
    expected_hash = next((each for each in recorded if each != found_hash), found_hash)
    differences = _differences(stored.result.get("metrics", {}), found.get("metrics", {}))
    altered = [name for name, part in made.parts.items() if not _same(services.store.read.artifact(job_id, name), part)]
    told = {
        "job_id": job_id,
        "kind": claim.request["kind"],
        "expected_hash": expected_hash,
        "found_hash": found_hash,
        "reproduced": expected_hash == found_hash and not differences and not altered,
        "sentence": _sentence(expected_hash == found_hash, [each["metric"] for each in differences], altered),
        "differences": differences,
        "parts": altered,
    }
    provenance = found["provenance"] | {
        "request_hash": claim.request_hash,
        "result_hash": digest({"request": claim.request_hash, "found": told}),
    }
    return Made({"request": dict(claim.request), "provenance": provenance, "reproduction": told}, {})


def _differences(stored: Mapping[str, Any], found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Metrics that are not what they were, to the last bit; None for one that is not there."""
    return [
        {"metric": name, "expected": stored.get(name), "found": found.get(name)}
        for name in dict.fromkeys([*stored, *found])
        if stored.get(name) != found.get(name)
    ]


def _same(stored: bytes | None, found: bytes) -> bool:
    """Whether two files hold the same table, NaN for NaN; another version writes the same table in other bytes."""
    if stored is None or stored == found:
        return stored is not None
    try:
        return _rewritten(stored) == _rewritten(found)
    except pa.ArrowInvalid:  # no Parquet any more
        return False


def _rewritten(data: bytes) -> bytes:
    return parquet(pyarrow.parquet.read_table(pa.BufferReader(data)).combine_chunks())


def _sentence(same: bool, metrics: list[str], altered: list[str]) -> str:
    if same and not metrics and not altered:
        return "Run again, the request gave what is stored, to the last bit."
    found = ["the result hash"] * (not same)
    if metrics:
        more = len(metrics) - _NAMED
        found.append(", ".join(metrics[:_NAMED]) + (f" and {more} more metrics" if more > 0 else ""))
    if altered:
        found.append("the stored " + " and ".join(altered))
    return f"Run again, the request gave something else than what is stored. What differs: {'; '.join(found)}."
