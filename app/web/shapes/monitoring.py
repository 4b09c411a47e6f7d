"""How the platform does: replies."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from app.monitoring import STATUSES
from app.web.schemas import told
from app.web.shapes.parts import count, number, text


class WatchedNode(ma.Schema):
    """A process of the platform."""

    name = text()
    role = text("worker, supervisor, api, relay")
    host = text()
    version = text("Of its engine.")
    state = text("busy; idle: nothing to do; stuck: something to do, and no progress; silent: not heard of.")
    concurrency = count("Jobs that it runs at once.")
    busy = count("Jobs that it runs now.")
    moves = count("Doorbells that it has heard, rounds that it has made, or requests that it has answered.")
    started_at = text()
    seen_at = text("When it spoke last; it does so every five seconds.")
    moved_at = text("When `moves` was last seen to have grown.")


class WatchedNodes(ma.Schema):
    """Who keeps the platform going."""

    nodes = fields.List(fields.Nested(WatchedNode), required=True)


class WatchedQueue(ma.Schema):
    """A queue, and the jobs that ended in the last five minutes."""

    queue = text()
    waiting = count("Jobs, and parts of jobs, that have not begun.")
    running = count()
    oldest_wait_seconds = number("Null where nothing waits.", none=True)
    bells = count("Doorbells that nobody has heard yet; null where the queue server does not answer.", none=True)
    ended = count("In the last five minutes.")
    wait_p50_seconds = number("In the queue before the last attempt.", none=True)
    wait_p95_seconds = number(none=True)
    run_p50_seconds = number("From its start to the end.", none=True)
    run_p95_seconds = number(none=True)


class WatchedQueues(ma.Schema):
    """What waits."""

    queues = fields.List(fields.Nested(WatchedQueue), required=True)


class HealthCheck(ma.Schema):
    """One thing that must be so."""

    name = text()
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    detail = text("What is so, or what is wrong and what helps.")


class HealthReport(ma.Schema):
    """Whether jobs run."""

    status = fields.String(
        required=True,
        validate=validate.OneOf(STATUSES),
        metadata=told("The worst of the checks. problem: jobs do not run. warning: somebody should look."),
    )
    checks = fields.List(fields.Nested(HealthCheck), required=True)
