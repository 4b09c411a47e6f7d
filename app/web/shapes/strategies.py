"""The shelf of strategies."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from app.web.schemas import told
from app.web.shapes.parts import mapping, maybe_text, text, texts


class StrategyItem(ma.Schema):
    """A strategy of the shelf."""

    strategy_id = text()
    version = text("Changes with its source.")
    summary = text()
    family = text()
    source = text("The paper or book that it is from.")
    dataset = maybe_text("What it runs on when a request names nothing.")
    symbols = texts()
    legs = fields.Boolean(required=True, metadata=told("Whether it trades these symbols by name, and nothing else."))
    series = fields.List(
        fields.Dict(), required=True, metadata=told("The series that it reads: key, unit, optional, group.")
    )
    calendars = texts("The calendars that it reads.")
    beside = texts("Symbols whose prices it looks at, traded or not.")
    defaults = mapping("Fields of `config` that belong to the idea; a run may set them.")
    parameters = mapping("JSON Schema.")
    verdict = text("Whether this version was seen to look ahead: clean, looks_ahead or unchecked.")
    links = mapping()


class StrategyDetail(StrategyItem):
    """A strategy with its whole description."""

    doc = text()
    lookahead = mapping("The verdict on this version: clean, looks_ahead or unchecked, with a sentence and when.")
    spec = mapping("The document of a strategy that was posted as data; null for one that is code.", none=True)


class BrokenFile(ma.Schema):
    """Something of the user's own that is left out."""

    file = text("Its name.")
    error = text("Why.")


class Strategies(ma.Schema):
    """The shelf."""

    strategies = fields.List(fields.Nested(StrategyItem), required=True)
    broken = fields.List(fields.Nested(BrokenFile), required=True)
