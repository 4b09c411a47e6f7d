"""Replies of the tag Macro."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from app.web.schemas import told
from app.web.shapes.parts import count, mapping, maybe_text, number, text, texts


class SeriesItem(ma.Schema):
    """A series with its history of publication."""

    key = text()
    title = text()
    unit = text("percent, bps, usd_mn, index, price, contracts, …")
    frequency = text()
    quality = text("real, proxy or synthetic")
    source = text()
    dataset_id = text()
    dataset_version = text()
    first = maybe_text("The first time that a value belongs to.")
    last = maybe_text("The last one.")
    stale_days = number("How long after it became known a value counts as the present one.")
    revised = fields.Boolean(required=True, metadata=told("Whether values were published again."))
    links = mapping()


class SeriesList(ma.Schema):
    """Everything that decisions may read besides prices."""

    series = fields.List(fields.Nested(SeriesItem), required=True)


class Observation(ma.Schema):
    """One value as it was published."""

    observed = text("The time that it belongs to.")
    available = text("When it became known.")
    value = number()


class SeriesDetail(SeriesItem):
    """What was known of a series."""

    as_of = maybe_text("The moment; null means everything that was ever published.")
    observations = fields.List(fields.Nested(Observation), required=True)
    next = maybe_text("The cursor of the next page; null on the last one.")


class CurveItem(ma.Schema):
    """A curve of yields."""

    curve = text()
    dataset_id = text()
    dataset_version = text()
    quality = text("real, proxy or synthetic")
    tenors = texts("Short ones first.")
    first = text("The first day on which something of it was known.")
    last = text("The last one.")
    links = mapping()


class CurveList(ma.Schema):
    """Every curve that series of yields make."""

    curves = fields.List(fields.Nested(CurveItem), required=True)


class CurvePoint(ma.Schema):
    """One tenor."""

    tenor = text()
    years = number()
    key = text("Its series.")
    yield_ = fields.Float(
        required=True, allow_none=True, data_key="yield", metadata=told("Null where none was known, or a stale one.")
    )
    observed = maybe_text("The time that the yield belongs to.")
    roll_down = number(
        "What a zero of this tenor gains beyond its yield while the curve stays and it grows shorter: a fraction.",
        none=True,
    )


class YieldCurve(ma.Schema):
    """A curve as it was known on a day."""

    curve = text()
    dataset_id = text()
    dataset_version = text()
    quality = text("real, proxy or synthetic")
    as_of = text("The moment of the day's decision.")
    unit = text()
    compounding = text()
    roll_down_sessions = count("Over how many sessions the roll-down is.")
    points = fields.List(fields.Nested(CurvePoint), required=True)
