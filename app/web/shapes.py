"""What replies look like, for the specification. The replies themselves are built in `presenters` and `curves`."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from app.store import TERMINAL
from app.web.schemas import told

STATUSES = ["queued", "running", *TERMINAL]


def _text(text: str = "", **options: Any) -> fields.String:
    return fields.String(required=True, metadata=told(text) if text else {}, **options)


def _maybe_text(text: str = "") -> fields.String:
    return _text(text, allow_none=True)


def _number(text: str = "", *, none: bool = False) -> fields.Float:
    return fields.Float(required=True, allow_none=none, metadata=told(text) if text else {})


def _count(text: str = "", *, none: bool = False) -> fields.Integer:
    return fields.Integer(required=True, allow_none=none, metadata=told(text) if text else {})


def _object(text: str = "", *, none: bool = False) -> fields.Dict:
    return fields.Dict(required=True, allow_none=none, metadata=told(text) if text else {})


def _texts(text: str = "") -> fields.List[Any]:
    return fields.List(fields.String(), required=True, metadata=told(text) if text else {})


def _floats(text: str | None = None) -> fields.List[Any]:
    return fields.List(fields.Float(allow_none=True), required=True, metadata=told(text) if text else {})


def _status() -> fields.String:
    return fields.String(required=True, metadata={"enum": STATUSES})


class Submitted(ma.Schema):
    """A job that was taken, or that had been taken before."""

    job_id = _text()
    status = _status()
    poll_after_ms = _count("Ask again after so many milliseconds; 0 when it has ended.")
    request_hash = _text("The same hash gives the same numbers.")
    cached = fields.Boolean(required=True, metadata=told("True: an earlier run of the same request answers."))
    links = _object()


class DryRun(ma.Schema):
    """A request that would be taken."""

    valid = fields.Boolean(required=True)
    request = _object("The request with every default filled in.")
    request_hash = _text()
    estimate = _object("How much it asks for: bars, symbols, cells.")


class JobItem(ma.Schema):
    """A job in a list."""

    job_id = _text()
    kind = _text()
    status = _status()
    strategy_id = _maybe_text()
    dataset_id = _maybe_text()
    progress = _object("{done, total, unit, fraction, eta_seconds, phase}", none=True)
    attempt = _count("How often a worker has begun.")
    max_attempts = _count()
    created_at = _text()
    started_at = _maybe_text()
    finished_at = _maybe_text()
    cancel_requested_at = _maybe_text("Set while a running job is asked to stop, and after.")
    compute_ms = _number(none=True)
    error = _object("{code, message, …} of a failed job.", none=True)
    request_hash = _text()
    retry_of = _maybe_text()
    tags = _texts()
    links = _object()


class Job(JobItem):
    """A job."""

    queue_position = _count("1 for the one that is next; null when it does not wait.", none=True)


class JobPage(ma.Schema):
    """Jobs, newest first."""

    jobs = fields.List(fields.Nested(JobItem), required=True)
    next = _maybe_text("The cursor of the next page; null on the last one.")


class EventItem(ma.Schema):
    """One message of a channel."""

    v = _count()
    epoch = _text()
    seq = _count()
    channel = _text()
    type = _text()
    at = _text()
    data = _object()


class EventPage(ma.Schema):
    """Events of a job, oldest first."""

    epoch = _text("Another epoch means that sequence numbers start anew.")
    head = _count("The newest sequence number.")
    events = fields.List(fields.Nested(EventItem), required=True)


class Curve(ma.Schema):
    """Columns of equal length."""

    time = _texts("UTC, ISO 8601.")
    value = _floats()
    drawdown = _floats()


class FullCurve(Curve):
    """Columns of equal length, and of how many bars they were taken."""

    exposure = _floats()
    cash = _floats()
    rolling_sharpe = _floats("Over the last half year of bars, as the next two; null before there are so many.")
    rolling_volatility = _floats()
    rolling_beta = _floats("Null without a benchmark.")
    bars = _count("How many bars the run has.")
    decimated = fields.Boolean(required=True, metadata=told("True: some bars were left out of the curve."))


class Result(ma.Schema):
    """What a succeeded job computed."""

    job_id = _text()
    kind = _text()
    request = _object("The request as it was run.")
    conventions = _object("How to read the numbers: fill, periods_per_year, sharpe, …")
    provenance = _object("Code, data and seed that made them.")
    metrics = _object("Fractions; null where a metric is undefined.")
    equity = fields.Nested(Curve, required=True)
    monthly_returns = fields.List(fields.Dict(), required=True)
    yearly_returns = fields.List(fields.Dict(), required=True)
    top_drawdowns = fields.List(fields.Dict(), required=True)
    trades_summary = _object()
    gaps = fields.List(
        fields.Dict(),
        metadata=told(
            "Symbols without a price on some bars: first and last time with one (`start`, `end`), and how many bars "
            "were `late`, `missing` in between (`longest` in a row), or came after the end (`ended`)."
        ),
    )
    warnings = _texts("What a reader of the numbers should know.")
    bars = _count("How many bars the run has.")
    links = _object()


class Trades(ma.Schema):
    """Round trips, oldest first."""

    trades = fields.List(fields.Dict(), required=True)
    next = _maybe_text("The cursor of the next page; null on the last one.")


class Missing(ma.Schema):
    """What could not be compared."""

    id = _text()
    reason = _text()
    message = _text()


class Comparison(ma.Schema):
    """Results side by side."""

    columns = _texts("Names of the metrics.")
    rows = fields.List(fields.Dict(), required=True, metadata=told("One object for each result."))
    missing = fields.List(fields.Nested(Missing), required=True)


class StrategyItem(ma.Schema):
    """A strategy of the shelf."""

    strategy_id = _text()
    version = _text("Changes with its source.")
    summary = _text()
    family = _text()
    source = _text("The paper or book that it is from.")
    dataset = _maybe_text("What it runs on when a request names nothing.")
    symbols = _texts()
    parameters = _object("JSON Schema.")
    links = _object()


class StrategyDetail(StrategyItem):
    """A strategy with its whole description."""

    doc = _text()


class Strategies(ma.Schema):
    """The shelf."""

    strategies = fields.List(fields.Nested(StrategyItem), required=True)


class DatasetItem(ma.Schema):
    """A dataset at its newest version."""

    dataset_id = _text()
    version = _text("Changes with the data's bytes.")
    kind = _text("`bars` can be traded, `series` informs.")
    title = _text()
    frequency = _text()
    calendar = _text()
    quality = _text("real, proxy or synthetic")
    source = _text()
    cite = _text()
    licence = _text()
    units = _text()
    notes = _text()
    symbols = _texts()
    fields_ = fields.List(fields.String(), required=True, data_key="fields")
    adjusted = fields.Boolean(
        required=True, metadata={"description": "Whether splits and dividends are in the prices."}
    )
    cost_keys = _object("By symbol: the entry of a cost table that it is charged by; others are 'unknown'.")
    start = _text()
    end = _text()
    bars = _count()
    coverage = _object("By symbol: start, end, bars, missing.")
    links = _object()


class Datasets(ma.Schema):
    """Everything in the catalog."""

    datasets = fields.List(fields.Nested(DatasetItem), required=True)


class Ticket(ma.Schema):
    """A ticket that opens one socket."""

    ticket = _text("Send it as ?ticket=… of a /ws address. It works once.")
    expires_in_seconds = _count()
    url = _text("Where the sockets are: append /ws/jobs or /ws/jobs/{id}.")


class Alive(ma.Schema):
    """The process lives."""

    status = _text()
    version = _text()


class Ready(ma.Schema):
    """A job can be taken."""

    status = _text()
    checks = _object("store, schema, queue")
