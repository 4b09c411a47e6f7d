"""Sources of data: what may be asked, and what is answered."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from app.sources.asking import MOST_ITEMS
from app.web.fields import Day, Document, Listing, Text
from app.web.schemas import Strict, told
from app.web.shapes.parts import dataset_name, mapping, maybe_text, tags, text, texts


class FetchSchema(Strict):
    """Data to fetch."""

    source = Text(most=64, required=True, metadata=told("A source of GET /datasets/sources.", example="fred"))
    items = Listing(
        Text(most=64),
        most=MOST_ITEMS,
        least=1,
        required=True,
        metadata=told("Symbols or series of the source.", example=["FED_FUNDS", "UST_2Y"]),
    )
    name = dataset_name("us_rates")
    start_date = Day(metadata=told("First day, included; else as early as the source begins."))
    end_date = Day(metadata=told("Last day, included; else yesterday (UTC), which is also the latest."))
    params = Document(metadata=told("What the source asks besides; what is left out has its default."))
    tags = tags()


class SourceItem(ma.Schema):
    """A source of data."""

    source = text("Its name in a request.")
    title = text()
    doc = text()
    terms = text("Licence or terms of use.")
    items = text("What it is asked for: `symbols`, which become bars, or `series`, which inform strategies.")
    known = texts("Items that it is known to have.")
    pattern = maybe_text("Which others may be asked for; null for none.")
    since = text("The first day that is asked for when a request names none.")
    package = maybe_text("What must be installed for it; null for nothing.")
    installed = fields.Boolean(required=True, metadata=told("Whether it is, where the API runs."))
    parameters = mapping("JSON Schema of `params`.")


class Sources(ma.Schema):
    """All sources, and what none of them has."""

    sources = fields.List(fields.Nested(SourceItem), required=True)
    series = fields.List(
        fields.Dict(), required=True, metadata=told("Series that strategies know by name: key, source, id, unit, …")
    )
    not_free = mapping("What strategies read and nobody gives away, and why. It is never made up.")
