"""Datasets, uploads, what is composed of them, and their bars."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from app.web.fields import Document, Listing, Text
from app.web.schemas import Strict, told
from app.web.shapes.parts import count, dataset_name, floats, mapping, maybe_text, tags, text, texts

MOST_INPUTS = 50


class DatasetItem(ma.Schema):
    """A dataset at its newest version."""

    dataset_id = text()
    version = text("Changes with the data, and with what they are said to mean.")
    kind = text("`bars` can be traded, `series` informs.")
    title = text()
    frequency = text()
    calendar = text()
    quality = text("real, proxy or synthetic")
    source = text()
    cite = text()
    licence = text()
    units = text()
    notes = text()
    symbols = texts()
    fields_ = fields.List(fields.String(), required=True, data_key="fields")
    adjusted = fields.Boolean(
        required=True, metadata={"description": "Whether splits and dividends are in the prices."}
    )
    cost_keys = mapping("By symbol: the entry of a cost table that it is charged by; others are 'unknown'.")
    series = texts("Keys of the series beside the bars, point in time.")
    calendars = mapping("By calendar: the dates of its first and last event, and how many events it has.")
    start = text()
    end = text()
    bars = count()
    coverage = mapping("By symbol: start, end, bars, missing.")
    links = mapping()


class ComposeSchema(Strict):
    """Datasets to make one of that can be traded."""

    name = dataset_name("brazil_macro")
    datasets = Listing(
        Text(most=128),
        most=MOST_INPUTS,
        least=1,
        required=True,
        metadata=told("`dataset_id` or `dataset_id@version` of each.", example=["brazil", "us_rates", "ibovespa"]),
    )
    rename = Document(
        {"type": "object", "additionalProperties": {"type": "string"}},
        metadata=told("New names of series and symbols, by the old ones.", example={"^BVSP": "IBOV"}),
    )
    tags = tags()


class Datasets(ma.Schema):
    """Everything in the catalog."""

    datasets = fields.List(fields.Nested(DatasetItem), required=True)


class Finding(ma.Schema):
    """Something about the prices that a reader should know."""

    code = text("data_gap, stale_price, split_suspected, …")
    severity = text("`warning` is told, `error` refuses runs whose symbols and dates touch it.")
    symbol = text("Empty: all of them.")
    start = text()
    end = text()
    times = count("How many bars, sessions or days.")
    message = text()


class Version(ma.Schema):
    """A version of a dataset."""

    version = text()
    created_at = maybe_text("Null for what ships with the server.")


class DatasetDetail(DatasetItem):
    """A dataset with everything that is known of it."""

    gaps = fields.List(fields.Dict(), required=True, metadata=told("Symbols that miss bars; see the result of a run."))
    findings = fields.List(fields.Nested(Finding), required=True, metadata=told("The report on its quality."))
    origin = mapping("How it came here.")
    versions = fields.List(fields.Nested(Version), required=True, metadata=told("The present one first."))


class Uploaded(ma.Schema):
    """What became of an upload."""

    dataset_id = text()
    version = text("The same data with the same meaning have the same version.")
    kind = text()
    frequency = text()
    symbols = texts()
    calendars = mapping("By calendar: start, end, events.")
    start = text()
    end = text()
    bars = count()
    quality = text()
    gaps = fields.List(fields.Dict(), required=True)
    warnings = texts("How the file was read, and what is wrong with the prices.")
    links = mapping()


class BarsPage(ma.Schema):
    """Bars of one symbol as columns, oldest first; those without a price are left out."""

    dataset_id = text()
    version = text()
    symbol = text()
    time = texts("UTC, ISO 8601.")
    open = floats()
    high = floats()
    low = floats()
    close = floats("Of a series its values; open, high, low and volume are null.")
    volume = floats()
    bars = count("How many bars the range has.")
    decimated = fields.Boolean(required=True, metadata=told("True: some bars of the range were left out."))
    next = maybe_text("The cursor of the next page; null on the last one.")
