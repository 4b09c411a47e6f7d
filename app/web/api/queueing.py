"""What every route that queues a run has in common."""

from __future__ import annotations

from collections.abc import Callable

import marshmallow as ma

from app.web import shapes
from app.web.edge import Blueprint, View
from app.web.schemas import RunHeaders, RunQuery


def queues(blp: Blueprint, path: str, schema: type[ma.Schema]) -> Callable[[View], View]:
    """Decorate a view (body, query, headers) that queues what a body asks for, or only validates it."""
    decorators = (
        blp.route(path, methods=["POST"], scope="run"),
        blp.arguments(schema),
        blp.arguments(RunQuery, location="query"),
        blp.arguments(RunHeaders, location="headers"),
        blp.response(202, shapes.Submitted, description="Queued, or answered by an earlier run of the same request"),
        blp.alt_response(
            200,
            schema={"oneOf": [shapes.DryRun, shapes.Job]},
            description="The answer of a dry run; or the job itself when it ended while the client waited",
            success=True,
        ),
    )

    def decorator(view: View) -> View:
        for decorate in reversed(decorators):  # as if they stood above it
            view = decorate(view)
        return view

    return decorator
