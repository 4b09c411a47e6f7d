"""Sources of data."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from app.web.schemas import told
from app.web.shapes.parts import mapping, maybe_text, text, texts


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
