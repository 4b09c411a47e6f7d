"""Requests and replies about reports."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from app.web.fields import Day
from app.web.schemas import Strict, told
from app.web.shapes.parts import count, mapping, maybe_text, text, texts


class ReportQuery(Strict):
    """Which report."""

    date = Day(metadata=told("Of this date; else the newest one."))


class ReportTable(ma.Schema):
    """Rows that all have the same names."""

    name = text()
    total = count("How many rows there were; the first ones are here.")
    rows = fields.List(fields.Dict(), required=True)


class ReportSection(ma.Schema):
    """What is said of one subject."""

    name = text("Unique in a report.")
    title = text()
    nothing = maybe_text("Where there is nothing to say: a sentence that says so.")
    quality = maybe_text("real, proxy or synthetic: the worst of the market data behind the figures, where any are.")
    notes = texts("What one should know of the figures.")
    figures = mapping("By name: money, fractions, seconds, counts; null where undefined.")
    tables = fields.List(fields.Nested(ReportTable), required=True, metadata=told("Those that have rows."))


class ReportAbout(ma.Schema):
    """Of which hours a report is."""

    date = text()
    start_at = text("What happened after this is in it,")
    end_at = text("up to this.")
    made_at = text()


class DailyReport(ReportAbout):
    """The report of a day: what everybody may read, then what concerns the caller alone."""

    sections = fields.List(fields.Nested(ReportSection), required=True)


class JobReport(ma.Schema):
    """The report of a job."""

    job_id = text()
    kind = text()
    title = text("What ran, in a few words.")
    finished_at = text()
    sections = fields.List(fields.Nested(ReportSection), required=True)


class ReportPage(ma.Schema):
    """Reports, newest first."""

    reports = fields.List(fields.Nested(ReportAbout), required=True)
    next = maybe_text("The cursor of the next page; null on the last one.")
