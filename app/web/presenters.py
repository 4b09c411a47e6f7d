"""Rows as clients see them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from app import quality
from app.dataset import Dataset
from app.events import Event, iso
from app.progress import parked
from app.sources import macro
from app.sources.base import DataSource
from app.store import TERMINAL
from app.web import cursors
from engine import gaps
from engine.strategy import Strategy

API = "/api/v1"
POLL_AFTER_MS = 250
# What a kind of job leaves besides its result. These kinds compute a result from their request alone: one can be
# reproduced (`POST /jobs/{id}/verify`).
PARTS = {
    "backtest": ("equity", "trades", "positions", "export"),
    "montecarlo": ("equity", "trades", "export"),
    "portfolio": ("equity", "trades", "positions", "export"),
    "sweep": ("equity", "trades", "positions", "trials", "export"),
    "walkforward": ("equity", "trades", "export"),
}
# Kinds of jobs that make a version of a dataset.
MAKE_DATASETS = ("fetch", "compose")
# Every kind that a client sees; the chunks of a search are seen as their search.
KINDS = (*PARTS, *MAKE_DATASETS, "book", "reproduce", "signals", "verify")


def links(row: Row[Any]) -> dict[str, str]:
    """Where to go from a job."""
    here = f"{API}/jobs/{row.id}"
    found = {"self": here, "events": f"{here}/events", "live": f"/ws/jobs/{row.id}"}
    if row.status == "succeeded":
        found |= {part: f"{here}/{part}" for part in ("result", *PARTS.get(row.kind, ()))}
        if row.kind in PARTS:
            found["verify"] = f"{here}/verify"
            found["report"] = f"{here}/report.html"
        if row.kind in MAKE_DATASETS:
            found["dataset"] = f"{API}/datasets/{row.dataset_id}"
    if row.kind == "sweep":
        found["trials"] = f"{here}/trials"
    if row.status in ("queued", "running"):
        found["cancel"] = f"{here}/cancel"
    if row.status in ("failed", "cancelled"):
        found["retry"] = f"{here}/retry"
    return found


def submitted(row: Row[Any], *, cached: bool) -> dict[str, Any]:
    return {
        "job_id": row.id,
        "status": row.status,
        "poll_after_ms": 0 if row.status in TERMINAL else POLL_AFTER_MS,
        "request_hash": row.request_hash,
        "cached": cached,
        "links": links(row),
    }


def job_item(row: Row[Any]) -> dict[str, Any]:
    return {
        "job_id": row.id,
        "kind": row.kind,
        "status": row.status,
        "strategy_id": row.strategy_id,
        "dataset_id": row.dataset_id,
        "progress": _progress(row),
        "attempt": row.attempt,
        "max_attempts": row.max_attempts,
        "created_at": iso(row.created_at),
        "started_at": iso(row.started_at),
        "finished_at": iso(row.finished_at),
        "cancel_requested_at": iso(row.cancel_at),
        "compute_ms": row.compute_ms,
        "error": row.error,
        "request_hash": row.request_hash,
        "retry_of": row.retry_of,
        "tags": row.tags,
        "links": links(row),
    }


def _progress(row: Row[Any]) -> dict[str, Any] | None:
    if row.status != "running" or row.pending is None or row.lease_until is not None:
        return dict(row.progress) if row.progress else None
    return parked(row, max(0.0, time.time() - row.started_at))


def job(row: Row[Any], queue_position: int | None) -> dict[str, Any]:
    return job_item(row) | {"queue_position": queue_position}


def job_page(rows: list[Row[Any]], *, more: bool) -> dict[str, Any]:
    following = cursors.after(rows[-1].created_at, rows[-1].id) if more else None
    return {"jobs": [job_item(row) for row in rows], "next": following}


def event(found: Event) -> dict[str, Any]:
    """The same document that the live channel sends."""
    return dict(json.loads(found.frame()))


UNCHECKED = "unchecked"


def strategy_item(found: Strategy, verdict: str | None) -> dict[str, Any]:
    return {
        "strategy_id": found.id,
        "version": found.version,
        "summary": found.summary,
        "family": found.family,
        "source": found.source,
        "dataset": found.dataset,
        "symbols": list(found.symbols),
        "legs": found.legs,
        "series": [need._asdict() for need in found.series],
        "calendars": list(found.calendars),
        "beside": list(found.beside),
        "defaults": dict(found.defaults),
        "parameters": found.schema(),
        "verdict": verdict or UNCHECKED,
        "links": {"self": f"{API}/strategies/{found.id}"},
    }


def strategy(found: Strategy, verdict: Row[Any] | None) -> dict[str, Any]:
    known = lookahead(found, verdict)
    return strategy_item(found, known["verdict"]) | {"doc": found.doc, "spec": found.spec, "lookahead": known}


def lookahead(found: Strategy, verdict: Row[Any] | None) -> dict[str, Any]:
    """What is known of a strategy's honesty."""
    if verdict is None:
        return {
            "verdict": UNCHECKED,
            "sentence": f"Nobody has run this version of {found.id} yet: its first run checks it.",
            "leak": None,
            "on": None,
            "checked_at": None,
        }
    on = f"{verdict.dataset_id}@{verdict.dataset_version}"
    return {**verdict.detail, "on": on, "checked_at": iso(verdict.checked_at)}


def expression(found: Strategy, verdict: Row[Any] | None = None) -> dict[str, Any]:
    return {
        "strategy_id": found.id,
        "version": found.version,
        "schema": found.schema(),
        "lookback": found.lookback(),
        "lookahead": lookahead(found, verdict),
        "spec": found.spec,
        "links": {"self": f"{API}/strategies/{found.id}"},
    }


def dataset_link(found: Dataset) -> str:
    return f"{API}/datasets/{found.id}@{found.version}"


def dataset(found: Dataset) -> dict[str, Any]:
    here = f"{API}/datasets/{found.id}"
    return found.describe() | {"links": {"self": here, "bars": f"{here}@{found.version}/bars"}}


def dataset_detail(found: Dataset, versions: list[Dataset]) -> dict[str, Any]:
    return dataset(found) | {
        "gaps": _gaps(found),
        "findings": quality.as_rows(found.findings),
        "origin": dict(found.manifest.get("origin", {})),
        "versions": [{"version": one.version, "created_at": iso(one.manifest.get("created_at"))} for one in versions],
    }


def uploaded(found: Dataset, warnings: list[str]) -> dict[str, Any]:
    told = (
        "dataset_id",
        "version",
        "kind",
        "frequency",
        "symbols",
        "calendars",
        "start",
        "end",
        "bars",
        "quality",
        "links",
    )
    described = dataset(found)
    return {name: described[name] for name in told} | {"gaps": _gaps(found), "warnings": warnings}


def _gaps(found: Dataset) -> list[dict[str, Any]]:
    return gaps.rows(found.all_bars) if found.kind == "bars" else []


def sources(found: Iterable[DataSource]) -> dict[str, Any]:
    return {
        "sources": [
            {
                "source": item.id,
                "title": item.title,
                "doc": item.doc,
                "terms": item.terms,
                "items": item.items,
                "known": list(item.known),
                "pattern": item.pattern or None,
                "since": item.since,
                "package": item.package,
                "installed": item.installed,
                "parameters": item.schema(),
            }
            for item in found
        ],
        "series": [asdict(item) for item in macro.LISTINGS],
        "not_free": macro.NOT_FREE,
    }
