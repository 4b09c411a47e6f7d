"""What requests may say. Each schema refuses what it does not know; meaning is checked in `app.contracts`.

A document that only one subject takes stands beside its replies, in `shapes`.
"""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import ValidationError, fields, validates_schema

from app.forms import MOST_SYMBOLS
from app.store import TERMINAL
from app.web import presenters
from app.web.fields import Amount, Choice, Day, Document, Flag, Instant, Listing, Names, Part, Text, Whole
from engine.config import Config
from engine.panel import QUALITIES

TAG_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 ._:/=+-]*$"
CAPITAL = Config.schema()["properties"]["initial_capital"]
FEWEST_POINTS, MOST_POINTS = 10, 20_000
MOST_COMPARED = 20
MOST_RUNS = 200


def told(text: str, **more: Any) -> dict[str, Any]:
    return {"description": text, **more}


class Strict(ma.Schema):
    """Refuses fields that it does not know."""

    optional = False  # whether a request may come without this body

    class Meta:
        unknown = ma.RAISE


class VerifySchema(Strict):
    """On what to check a strategy; what is left out is its own."""

    params = Document(metadata=told("Parameters of the strategy; what is left out has its default."))
    dataset = Text(most=128, metadata=told("`dataset_id` or `dataset_id@version`; else the strategy's own."))
    symbols = Listing(Text(most=64), most=MOST_SYMBOLS, metadata=told("Symbols of the dataset."))
    start_date = Day(metadata=told("First day, included."))
    end_date = Day(metadata=told("Last day, included."))


class RunSchema(VerifySchema):
    """A backtest to run."""

    strategy_id = Text(most=64, required=True, metadata=told("An id of GET /strategies.", example="sma_cross"))
    initial_capital = Amount(
        metadata={name: CAPITAL[name] for name in ("description", "minimum", "maximum", "default")}
    )
    config = Document(Config.schema(), metadata=told("How the run is simulated."))
    benchmark = Text(most=64, allow_none=True, metadata=told("A symbol of the same dataset to compare with."))
    seed = Whole(low=0, high=2**53 - 1, metadata=told("Seed of whatever is random in the run."))
    tags = Listing(Text(most=64, pattern=TAG_PATTERN), most=20, metadata=told("Words to find the job by."))


class BatchSchema(Strict):
    """Backtests to run."""

    runs = Listing(
        fields.Nested(RunSchema),
        most=MOST_RUNS,
        least=1,
        required=True,
        metadata=told("Each as for POST /backtest/run."),
    )


class VerifyQuery(Strict):
    """How to check it."""

    fresh = Flag(load_default=False, metadata=told("Check again even if the same has been checked before."))


class RunQuery(Strict):
    """How to run it."""

    fresh = Flag(load_default=False, metadata=told("Run again even if the same request has succeeded before."))
    dry_run = Flag(load_default=False, metadata=told("Only validate and estimate; nothing is queued."))


def _idempotency_key(text: str) -> Text:
    return Text(most=200, pattern=r"^[\x20-\x7e]+$", data_key="Idempotency-Key", metadata=told(text))


class Headers(ma.Schema):
    """Picks the headers that it knows."""

    class Meta:
        unknown = ma.EXCLUDE


class RunHeaders(Headers):
    """Headers that change how a request is taken."""

    idempotency_key = _idempotency_key(
        "The same key with the same body gives the same job; with another body it is refused."
    )
    prefer = fields.String(
        data_key="Prefer", metadata=told("`wait=N` waits up to N seconds (at most 30) for the end.", example="wait=5")
    )


class BatchHeaders(Headers):
    """Headers that change how several requests are taken."""

    idempotency_key = _idempotency_key(
        "The same key with the same body gives the same jobs; with another body it is refused."
    )


class RetryHeaders(Headers):
    """Headers that change how a retry is taken."""

    idempotency_key = _idempotency_key("The same key gives the same new job instead of another one.")


class OneOfTwo(Strict):
    """A query that names strategies or jobs, not both."""

    pair = ("strategy_id", "job_id")

    @validates_schema
    def _exactly_one(self, data: dict[str, Any], **_: Any) -> None:
        if sum(name in data for name in self.pair) != 1:
            raise ValidationError(f"Say either {self.pair[0]} or {self.pair[1]}.")


class ResultsQuery(OneOfTwo):
    """Whose result."""

    strategy_id = Text(most=64, metadata=told("The latest succeeded job of this strategy."))
    job_id = Text(most=64, metadata=told("This job."))


class ComparisonQuery(OneOfTwo):
    """What to compare."""

    pair = ("strategy_ids", "job_ids")
    strategy_ids = Names(most=MOST_COMPARED, metadata=told("Strategies, with commas; each one's latest result."))
    job_ids = Names(most=MOST_COMPARED, metadata=told("Jobs, with commas."))


class ParamsSchema(ma.Schema):
    """Parameters of the strategy by name; what is left out has its default. Its JSON Schema says what they may be."""

    class Meta:
        unknown = ma.INCLUDE


class ParamsHeaders(Headers):
    """Headers that guard a change."""

    if_match = Text(
        most=16,
        pattern=r'^"?[0-9]{1,9}"?$',
        data_key="If-Match",
        metadata=told("The version that was read. Where another one stands by now the change is refused."),
    )


class DaysQuery(Strict):
    """How far back."""

    days = Whole(low=1, high=365, query=True, load_default=30, metadata=told("Calendar days.", default=30))


class PageQuery(Strict):
    """Which part of a long list."""

    limit = Whole(low=1, high=200, query=True, load_default=50, metadata=told("How many.", default=50))
    cursor = Text(most=200, metadata=told("`next` of the page before."))


class JobsQuery(PageQuery):
    """Which jobs."""

    status = Choice("queued", "running", *TERMINAL, metadata=told("Only in this state."))
    kind = Choice(*presenters.KINDS, metadata=told("Only of this kind.", example="backtest"))
    strategy_id = Text(most=64, metadata=told("Only of this strategy."))
    dataset_id = Text(most=64, metadata=told("Only on this dataset."))
    tag = Text(most=64, pattern=TAG_PATTERN, metadata=told("Only with this tag."))


class RowsQuery(PageQuery):
    """Which rows."""

    limit = Whole(low=1, high=5000, query=True, load_default=500, metadata=told("How many.", default=500))


class SeriesListQuery(Strict):
    """Whose series."""

    dataset = Text(most=128, metadata=told("Only of this dataset; else of all."))


class SeriesQuery(PageQuery):
    """What of a series, and as known when."""

    limit = Whole(low=1, high=5000, query=True, load_default=1000, metadata=told("How many.", default=1000))
    dataset = Text(most=128, metadata=told("Needed where several datasets have the series."))
    as_of = Instant(metadata=told("Only what was known then; a day means the time of its decision."))
    start = Day(metadata=told("Only values that belong to this day or later ones."))
    end = Day(metadata=told("Only values that belong to this day or earlier ones."))
    vintages = Flag(load_default=False, metadata=told("Every value that was published, not only the newest one."))
    points = Whole(
        low=10,
        high=MOST_POINTS,
        query=True,
        metadata=told("Instead of a page: at most so many values; the first, the last and every extreme stay."),
    )


class CurvesQuery(Strict):
    """Whose curves."""

    dataset = Text(most=128, metadata=told("Only of this dataset; else of all."))


class CurveQuery(Strict):
    """Which day of a curve."""

    dataset = Text(most=128, metadata=told("Needed where several datasets have the curve."))
    date = Day(metadata=told("As known at this day's decision; else on the last day."))


class EventsQuery(Strict):
    """Which events."""

    since = Whole(
        low=0, high=2**31 - 1, query=True, load_default=0, metadata=told("Events after this `seq`.", default=0)
    )
    limit = Whole(low=1, high=1000, query=True, load_default=1000, metadata=told("How many.", default=1000))


class PointsQuery(Strict):
    """How fine a curve."""

    points = Whole(
        low=FEWEST_POINTS,
        high=MOST_POINTS,
        query=True,
        metadata=told("At most so many points; the first, the last and every extreme stay."),
    )


class ExportQuery(Strict):
    """Which file."""

    format = Choice(
        *("parquet", "arrow", "csv", "json"),
        load_default="parquet",
        metadata=told("Of the file; `arrow` is a stream of record batches.", default="parquet"),
    )
    part = Choice(
        *("equity", "trades", "paths", "positions", "sleeves", "trials", "weights"),
        metadata=told(
            "Which table; `paths` of a Monte Carlo or a cross-validation, `trials` of a sweep, `weights` and "
            "`sleeves` of a portfolio. Only JSON holds equity and trades both, when it is left out."
        ),
    )


class UploadForm(Strict):
    """A file with bars or series, and what its numbers mean."""

    file = Part(required=True, metadata=told("CSV (UTF-8) or Parquet.", type="string", format="binary"))
    name = Text(most=64, required=True, metadata=told("Becomes the id: letters, digits, _ and -.", example="my_prices"))
    frequency = Text(most=40, metadata=told("Else as the times are spaced.", example="daily"))
    calendar = Text(most=200, metadata=told("Which sessions there are.", example="New York Stock Exchange"))
    units = Text(most=200, metadata=told("What the numbers are in.", example="USD per share"))
    source = Text(most=400, metadata=told("Where the numbers are from; a result on them says it."))
    licence = Text(most=400, metadata=told("What may be done with them."))
    quality = Choice(*QUALITIES, load_default="real", metadata=told("What they are.", default="real"))


class BarsQuery(PageQuery):
    """Which bars."""

    symbol = Text(most=64, metadata=told("One symbol; may be left out where there is only one."))
    start = Day(metadata=told("First day, included."))
    end = Day(metadata=told("Last day, included."))
    limit = Whole(low=1, high=10_000, query=True, load_default=1000, metadata=told("How many.", default=1000))
    points = Whole(
        low=10,
        high=MOST_POINTS,
        query=True,
        metadata=told(
            "Instead of a page: at most so many bars of the range; the first, the last and every extreme stay."
        ),
    )
    format = Choice(
        "json", "csv", load_default="json", metadata=told("`csv`: a file of the whole range.", default="json")
    )


class ProblemSchema(ma.Schema):
    """An error (RFC 9457)."""

    type = fields.String(required=True, metadata=told("A URN that ends in `code`."))
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata=told("Stable, for machines."))
    detail = fields.String(required=True, metadata=told("A sentence, for people."))
    instance = fields.String(metadata=told("The path of the request."))
    pointer = fields.String(metadata=told("JSON pointer to the offending field."))
    given = fields.Raw(metadata=told("What was given."))
    allowed = fields.Raw(metadata=told("What would have been accepted."))
    nearest = fields.String(metadata=told("What was probably meant."))
    position = fields.Integer(metadata=told("Of an expression: how many characters stand before the mistake."))
    caret = fields.String(metadata=told("The line of the mistake, and a caret below it."))
    errors = fields.List(fields.Dict(), metadata=told("All offending fields, when there are several."))
    job_id = fields.String()
    job_status = fields.String()
    request_id = fields.String(required=True, metadata=told("Find the request in the log by it."))
