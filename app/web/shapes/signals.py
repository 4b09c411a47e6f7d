"""Replies about signals and about parameters that were set."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from app.web.fields import Day
from app.web.schemas import DaysQuery, told
from app.web.shapes.parts import count, floats, mapping, maybe_text, number, text, texts
from engine.signals import DIRECTIONS, FLIP, SURGE_NEWS
from engine.views import STRENGTHS


class Signal(ma.Schema):
    """What a strategy said of a symbol at a bar."""

    strategy_id = text()
    dataset_id = text()
    symbol = text()
    time = text("Of the bar, UTC.")
    direction = fields.String(required=True, metadata={"enum": list(DIRECTIONS.values())})
    strength = fields.String(required=True, metadata={"enum": [*(name for _, name in STRENGTHS), "none"]})
    conviction = number("Direction times how sure it is, -1 to 1.")
    weight = number("The target weight that a backtest would trade.")
    z_score = number(none=True)
    raw_value = number("The figure behind the score, in its own unit.", none=True)
    reason = text()
    change = fields.String(
        required=True, allow_none=True, metadata={"enum": [FLIP, SURGE_NEWS, None], "description": "What is new in it."}
    )
    strategy_version = text()
    params_version = count("0: the defaults.")
    dataset_version = text("Of the data from which it was first said so.")
    quality = text("real, proxy or synthetic: the worst of what it was said from.")
    computed_at = text("When it was first said so.")


class Absent(ma.Schema):
    """A strategy whose signals are not those of its present versions."""

    strategy_id = text()
    reason = text()
    message = text()


class LatestSignals(ma.Schema):
    """What every strategy said last."""

    signals = fields.List(fields.Nested(Signal), required=True)
    missing = fields.List(
        fields.Nested(Absent),
        required=True,
        metadata=told("Strategies that have not spoken at their present versions; what they said before stands above."),
    )


class StrategySignals(ma.Schema):
    """What one strategy said, oldest first."""

    strategy_id = text()
    dataset_id = text()
    signals = fields.List(fields.Nested(Signal), required=True)


class HeatQuery(DaysQuery):
    """How far back, from which day."""

    end = Day(metadata=told("Days up to the newest signal of this day or before; else of all."))


class HeatRow(ma.Schema):
    """A strategy through the days; null where it said nothing."""

    strategy_id = text()
    family = text()
    dataset_id = text()
    quality = maybe_text("Of its newest cell: real, proxy or synthetic.")
    conviction = floats("Of its loudest symbol.")
    symbol = fields.List(fields.String(allow_none=True), required=True, metadata=told("Which one that is."))
    reason = fields.List(fields.String(allow_none=True), required=True)
    change = fields.List(fields.String(allow_none=True), required=True)


class HeatMap(ma.Schema):
    """Strategies by days."""

    days = texts("Days with a signal, oldest first: the columns.")
    strategies = fields.List(fields.Nested(HeatRow), required=True)
    missing = fields.List(fields.Nested(Absent), required=True)


class ParamsVersion(ma.Schema):
    """A set of parameters that was given to a strategy."""

    version = count("Counts from 1; 0 means the defaults, which nobody has changed.")
    overrides = mapping("What was given.")
    changed_by = maybe_text()
    changed_at = maybe_text()


class ParamsChange(ParamsVersion):
    """The parameters that stand."""

    strategy_id = text()
    params = mapping("All of them, with defaults filled in: what the next run and the next signal use.")


class StandingParams(ParamsChange):
    """The parameters that stand, and those that stood."""

    history = fields.List(fields.Nested(ParamsVersion), required=True, metadata=told("Newest first, at most 100."))
