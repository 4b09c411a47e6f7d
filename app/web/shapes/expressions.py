"""Strategies as data: what may be posted, and what is answered."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from app.web.fields import Amount, Document, Text
from app.web.schemas import Strict, told
from app.web.shapes.parts import count, mapping, maybe_text, text
from engine.expression.strategy import MAX_DOC, MAX_NAME, MAX_PARAMETERS, MAX_WEIGHT
from engine.expression.tokens import MAX_TEXT

PARAMETERS = {
    "type": "object",
    "maxProperties": MAX_PARAMETERS,
    "additionalProperties": {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["int", "float"]},
            "min": {"type": "number"},
            "max": {"type": "number"},
            "default": {"type": "number"},
            "doc": {"type": "string", "maxLength": MAX_DOC},
        },
        "required": ["type", "min", "max", "default"],
        "additionalProperties": False,
    },
}


def _expression(about: str, example: str) -> Text:
    return Text(most=MAX_TEXT, metadata=told(about, example=example))


class ExpressionSchema(Strict):
    """A strategy as data: entries and exits, or a weight."""

    name = Text(most=MAX_NAME, required=True, metadata=told("Its id is made of it.", example="Golden cross"))
    params = Document(PARAMETERS, metadata=told("Parameters by name, each with type, min, max, default and doc."))
    entry = _expression("When a long position opens.", "cross_above(sma(close, 20), sma(close, 50))")
    exit = _expression("When it closes.", "cross_below(sma(close, 20), sma(close, 50))")
    short_entry = _expression("When a short position opens.", "close < lag(rolling_min(low, 20), 1)")
    short_exit = _expression("When it closes.", "close > lag(rolling_max(high, 10), 1)")
    weight = _expression(
        "In place of those: the fraction of equity of each symbol.",
        "where(rank(roc(close, 252)) > 0.8, 5 / symbol_count, 0)",
    )
    max_weight = Amount(
        metadata={"minimum": MAX_WEIGHT.low, "maximum": MAX_WEIGHT.high, "default": 1.0} | told(MAX_WEIGHT.doc)
    )


class ExpressionFunction(ma.Schema):
    """Something that an expression may call."""

    name = text()
    call = text("With its arguments and their defaults.")
    gives = maybe_text("number, series, truth or record; null: a number of numbers, else a series.")
    fields_ = fields.List(fields.String(), required=True, data_key="fields", metadata=told("Of a record."))


class ExpressionFunctions(ma.Schema):
    """Everything that an expression may call."""

    functions = fields.List(fields.Nested(ExpressionFunction), required=True)


class PostedStrategy(ma.Schema):
    """A strategy that was posted as data."""

    strategy_id = text("Made of the name.")
    version = text("Changes with the document.")
    schema = mapping("JSON Schema of the parameters.")
    lookback = count("Bars before the first decision with the default parameters, the deciding one included.")
    lookahead = mapping("The verdict on this version, as in the strategy's own document.")
    spec = mapping("The document with every default filled in.")
    links = mapping()


class ValidStrategy(PostedStrategy):
    """A strategy that would be taken."""

    valid = fields.Boolean(required=True)
