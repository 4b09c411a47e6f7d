"""From a job to what it left: results, curves, trades, files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from flask import Response, jsonify, request
from sqlalchemy import Row

from app.errors import Unknown
from app.events import job_channel
from app.web import cursors, curves, presenters
from app.web.access import owner
from app.web.context import services
from app.web.errors import in_the_path
from app.web.schemas import FEWEST_POINTS, MOST_POINTS

CURVE = ("time", "value", "drawdown")
FULL_CURVE = (*CURVE, "exposure", "cash", "rolling_sharpe", "rolling_volatility", "rolling_beta")
FILE_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}
_WRITERS: Mapping[str, Callable[[pa.Table], Any]] = {"arrow": curves.as_arrow, "csv": curves.as_csv}


def result(job_id: str, *, points: int | None = None) -> Response:
    """The result of a job; 304 when the client has it."""
    stored = services().jobs.result(job_id, owner())
    return unchanging(stored, lambda: jsonify(document(stored, points)))


def latest(query: Mapping[str, Any]) -> Response:
    """The result of a job, or the latest one of a strategy. Raises Unknown, saying what to do."""
    with in_the_path():
        job_id = query["job_id"] if "job_id" in query else latest_job(query["strategy_id"])
    return jsonify(document(services().jobs.result(job_id, owner()), None))


def document(stored: Row[Any], points: int | None) -> dict[str, Any]:
    row = services().jobs.get(stored.job_id, owner())
    found: dict[str, Any] = {"job_id": row.id, "kind": row.kind} | stored.result | {"links": presenters.links(row)}
    if "equity" not in presenters.PARTS.get(row.kind, ()) or "metrics" not in found:  # a search may find nothing
        return found
    curve = curves.columns(artifact(row.id, "equity"), CURVE, points=points or MOST_POINTS)
    if "walkforward" in found:
        found["walkforward"]["out_of_sample"]["equity"] = curve
    return found | {"equity": curve}


def equity(job_id: str, points: int | None) -> Response:
    """The curves of a run, decimated on request."""
    stored = services().jobs.result(job_id, owner())
    return unchanging(stored, lambda: jsonify(_curve(artifact(job_id, "equity"), points)))


def _curve(table: pa.Table, points: int | None) -> dict[str, Any]:
    # What an earlier version stored may know fewer curves.
    told = curves.columns(
        table, [name for name in FULL_CURVE if name in table.column_names], points=points or MOST_POINTS
    )
    return told | {"bars": table.num_rows, "decimated": len(told["time"]) < table.num_rows}


def paths(job_id: str, points: int | None) -> Response:
    """The curves of the paths of a cross-validation, all of them together of at most MOST_POINTS points."""
    stored = services().jobs.result(job_id, owner())
    return unchanging(stored, lambda: jsonify(_paths(artifact(job_id, "paths"), points or MOST_POINTS)))


def _paths(table: pa.Table, points: int) -> dict[str, Any]:
    if "time" not in table.column_names:
        raise Unknown(
            "The paths of a Monte Carlo are figures: take them as a file.", code="no_such_part", given="paths"
        )
    most = min(points, MOST_POINTS // (table.num_columns - 1))
    found = curves.each(table, max(FEWEST_POINTS, most))
    told = [{"path": int(name.removeprefix("path_")), **curve} for name, curve in found.items()]
    return {"paths": told, "bars": table.num_rows, "decimated": len(told[0]["time"]) < table.num_rows}


def rows(job_id: str, part: str, limit: int, cursor: str | None) -> Response:
    """A page of a table, under its name."""
    stored = services().jobs.result(job_id, owner())
    first = cursors.of_rows(cursor)
    return unchanging(stored, lambda: jsonify(_page(job_id, part, first, limit)))


def _page(job_id: str, part: str, first: int, limit: int) -> dict[str, Any]:
    table, after = artifact(job_id, part), first + limit
    return {
        part: curves.rows(table.slice(first, limit)),
        "next": cursors.encoded(str(after)) if after < table.num_rows else None,
    }


def export(job_id: str, kind: str, part: str | None) -> Response:
    """A file with everything, as it was computed."""
    stored = services().jobs.result(job_id, owner())
    return unchanging(stored, lambda: _file(job_id, kind, part))


def _file(job_id: str, kind: str, part: str | None) -> Response:
    parts = [part or "equity"] if part or kind != "json" else ["equity", "trades"]
    body: Any
    if kind == "json":
        body = curves.as_json({name: artifact(job_id, name) for name in parts})
    elif kind in _WRITERS:
        body = _WRITERS[kind](artifact(job_id, parts[0]))
    else:
        body = artifact_bytes(job_id, parts[0])
    name = f"{job_id}-{'-'.join(parts)}.{kind}"
    response = Response(body, content_type=FILE_TYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def latest_job(strategy_id: str) -> str:
    """The strategy's backtest that succeeded last. Raises Unknown, saying what to do."""
    row = services().store.read.latest_succeeded(owner(), strategy_id)
    if row is None:
        services().shelf.get(strategy_id)
        raise no_results(strategy_id)
    return str(row.id)


def events(job_id: str, since: int, limit: int) -> dict[str, Any]:
    """The durable events of a job."""
    services().jobs.get(job_id, owner())
    log, channel = services().store.events, job_channel(job_id)
    found = [presenters.event(event) for event in log.since(channel, since, limit=limit)]
    return {"epoch": log.epoch, "head": log.head(channel), "events": found}


def artifact(job_id: str, name: str) -> pa.Table:
    return curves.read(artifact_bytes(job_id, name))


def artifact_bytes(job_id: str, name: str) -> bytes:
    data = services().store.read.artifact(job_id, name)
    if data is None:
        raise Unknown(f"This job left no {name}.", code="no_such_part", given=name)
    return data


def unchanging(stored: Row[Any], build: Callable[[], Response]) -> Response:
    """A finished result never changes: whoever has it may keep it. `build` is called only for who has not."""
    variant = request.full_path.partition("/jobs/")[2].partition("/")[2].rstrip("?")
    tag = stored.result_hash if variant == "result" else f"{stored.result_hash}-{variant}"
    asked = request.if_none_match
    response = Response(status=304) if asked.contains_weak(tag) and not asked.star_tag else build()
    if asked.star_tag:  # whatever it is, so long as there is something
        response = Response(status=304)
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    response.vary.update(("Authorization", "Cookie"))
    return response


def no_results(strategy_id: str) -> Unknown:
    return Unknown(
        f"{strategy_id} has no finished backtest yet. Start one with POST {presenters.API}/backtest/run, or ask for "
        f"its jobs at {presenters.API}/jobs?strategy_id={strategy_id}.",
        code="no_results",
        given=strategy_id,
    )
