"""What replies look like, for the specification: those of jobs and results; each file beside it has a subject's own.

The replies themselves are built by `presenters`, `curves` and the modules of a subject.
"""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from app.web.schemas import told
from app.web.shapes.montecarlo import MonteCarloFound
from app.web.shapes.parts import count, floats, mapping, maybe_text, number, status, text, texts


class Submitted(ma.Schema):
    """A job that was taken, or that had been taken before."""

    job_id = text()
    status = status()
    poll_after_ms = count("Ask again after so many milliseconds; 0 when it has ended.")
    request_hash = text("The same hash gives the same numbers.")
    cached = fields.Boolean(required=True, metadata=told("True: an earlier run of the same request answers."))
    links = mapping()


class DryRun(ma.Schema):
    """A request that would be taken."""

    valid = fields.Boolean(required=True)
    request = mapping("The request with every default filled in.")
    request_hash = text()
    estimate = mapping("How much it asks for: bars, symbols, cells; or what it would make.")


class SubmittedBatch(ma.Schema):
    """Jobs that were taken, in the order of the runs."""

    jobs = fields.List(fields.Nested(Submitted), required=True)
    queued = count("How many of them have no result yet.")
    cached = count("How many are answered by earlier runs.")


class DryBatch(ma.Schema):
    """Requests that would be taken."""

    valid = fields.Boolean(required=True)
    runs = fields.List(fields.Nested(DryRun), required=True)
    estimate = mapping("How much all of them ask for: runs, cells.")


class JobItem(ma.Schema):
    """A job in a list."""

    job_id = text()
    kind = text()
    status = status()
    strategy_id = maybe_text()
    dataset_id = maybe_text()
    progress = mapping("{done, total, unit, fraction, eta_seconds, phase}", none=True)
    attempt = count("How often a worker has begun.")
    max_attempts = count()
    created_at = text()
    started_at = maybe_text()
    finished_at = maybe_text()
    cancel_requested_at = maybe_text("Set while a running job is asked to stop, and after.")
    compute_ms = number(none=True)
    error = mapping("{code, message, …} of a failed job.", none=True)
    request_hash = text()
    retry_of = maybe_text()
    tags = texts()
    links = mapping()


class Job(JobItem):
    """A job."""

    queue_position = count(
        "1 for the one that begins next, turns of others counted; 10000 for this place and all behind it; null when "
        "it does not wait.",
        none=True,
    )


class JobPage(ma.Schema):
    """Jobs, newest first."""

    jobs = fields.List(fields.Nested(JobItem), required=True)
    next = maybe_text("The cursor of the next page; null on the last one.")


class EventItem(ma.Schema):
    """One message of a channel."""

    v = count()
    epoch = text()
    seq = count()
    channel = text()
    type = text()
    at = text()
    data = mapping()


class EventPage(ma.Schema):
    """Events of a job, oldest first."""

    epoch = text("Another epoch means that sequence numbers start anew.")
    head = count("The newest sequence number.")
    events = fields.List(fields.Nested(EventItem), required=True)


class Curve(ma.Schema):
    """Columns of equal length."""

    time = texts("UTC, ISO 8601.")
    value = floats()
    drawdown = floats()


class FullCurve(Curve):
    """Columns of equal length, and of how many bars they were taken."""

    exposure = floats()
    cash = floats()
    rolling_sharpe = floats("Over the last half year of bars, as the next two; null before there are so many.")
    rolling_volatility = floats()
    rolling_beta = floats("Null without a benchmark.")
    bars = count("How many bars the run has.")
    decimated = fields.Boolean(required=True, metadata=told("True: some bars were left out of the curve."))


class PathCurve(ma.Schema):
    """Columns of equal length."""

    path = count("Its number, as in the block `walkforward.paths` of the result.")
    time = texts("UTC, ISO 8601.")
    value = floats()


class PathCurves(ma.Schema):
    """The equity of every path, and of how many bars they were taken."""

    paths = fields.List(fields.Nested(PathCurve), required=True)
    bars = count("How many bars a path has.")
    decimated = fields.Boolean(required=True, metadata=told("True: some bars were left out of the curves."))


class Reproduction(ma.Schema):
    """What a job that was done again gave, beside what is stored of it."""

    job_id = text("The job that was done again.")
    kind = text("Its kind.")
    expected_hash = text("Of the stored result.")
    found_hash = text("Of what its request gives now.")
    reproduced = fields.Boolean(required=True, metadata=told("Hash, metrics and tables are what they were."))
    sentence = text()
    differences = fields.List(
        fields.Dict(), required=True, metadata=told("Metrics that differ: metric, expected, found.")
    )
    parts = texts("Stored tables that differ.")


class Outcome(ma.Schema):
    """What a job that is no backtest found; each kind adds its own fields."""

    job_id = text()
    kind = text()
    request = mapping("The request as it was run.")
    provenance = mapping("Code, data and seed that made it.")
    reproduction = fields.Nested(Reproduction, metadata=told("Of a job of kind reproduce."))
    links = mapping()


class Result(ma.Schema):
    """What a succeeded backtest computed."""

    job_id = text()
    kind = text()
    request = mapping("The request as it was run.")
    conventions = mapping("How to read the numbers: fill, periods_per_year, sharpe, …")
    provenance = mapping("Code, data and seed that made them.")
    metrics = mapping("Fractions; null where a metric is undefined.")
    equity = fields.Nested(Curve, required=True)
    monthly_returns = fields.List(fields.Dict(), required=True)
    yearly_returns = fields.List(fields.Dict(), required=True)
    top_drawdowns = fields.List(fields.Dict(), required=True)
    trades_summary = mapping()
    lookahead = fields.Dict(
        metadata=told("Whether its decisions stood when the future was taken away: verdict, sentence, leak.")
    )
    gaps = fields.List(
        fields.Dict(),
        metadata=told(
            "Symbols without a price on some bars: first and last time with one (`start`, `end`), and how many bars "
            "were `late`, `missing` in between (`longest` in a row), or came after the end (`ended`)."
        ),
    )
    warnings = texts("What a reader of the numbers should know.")
    bars = count("How many bars the run has.")
    montecarlo = fields.Nested(MonteCarloFound, metadata=told("Of a Monte Carlo job: what its paths say together."))
    links = mapping()


class Trades(ma.Schema):
    """Round trips, oldest first."""

    trades = fields.List(fields.Dict(), required=True)
    next = maybe_text("The cursor of the next page; null on the last one.")


class Held(ma.Schema):
    """What was held of a symbol from a close on."""

    time = text()
    symbol = text()
    quantity = number("Units; negative when short, 0 when there are none any more.")
    weight = number("Their value at that close / equity.")


class Positions(ma.Schema):
    """Changes of what was held, oldest first."""

    positions = fields.List(fields.Nested(Held), required=True)
    next = maybe_text("The cursor of the next page; null on the last one.")


class Missing(ma.Schema):
    """What could not be compared."""

    id = text()
    reason = text()
    message = text()


class Pair(ma.Schema):
    """Two results on the days that both have."""

    a = text("A job.")
    b = text("Another one.")
    sharpe_difference = number("Annual Sharpe ratio of a less that of b.", none=True)
    interval = fields.List(
        fields.Float(), required=True, allow_none=True, metadata=told("Of the difference, from and to, 95 %.")
    )
    p_value = number("Of the difference being 0, two-sided.", none=True)
    correlation = number("Of their returns.", none=True)
    drawdown_overlap = number("Days on which both are under water by days on which one is.", none=True)
    bars = count("How many days both have.")


class Comparison(ma.Schema):
    """Results side by side."""

    columns = texts("Names of the metrics.")
    better = mapping("By metric: higher, lower or none.")
    rows = fields.List(fields.Dict(), required=True, metadata=told("One object for each result."))
    pairs = fields.List(fields.Nested(Pair), required=True, metadata=told("Every two of them."))
    missing = fields.List(fields.Nested(Missing), required=True)


class Ticket(ma.Schema):
    """A ticket that opens one socket or stream."""

    ticket = text("Send it as ?ticket=… of a /ws address or of /events. It works once.")
    expires_in_seconds = count()
    url = text("Where the sockets are: append /ws/jobs or /ws/jobs/{id}.")


class Alive(ma.Schema):
    """The process lives."""

    status = text()
    version = text()


class Ready(ma.Schema):
    """A job can be taken."""

    status = text()
    checks = mapping("store, schema, queue")
