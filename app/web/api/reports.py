"""Reports of days and of jobs."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app.web import reports
from app.web.api.jobs import check_job_id
from app.web.edge import Blueprint
from app.web.schemas import PageQuery
from app.web.shapes import reports as shapes

blp = Blueprint("Reports", __name__)
blp.before_request(check_job_id)


@blp.route("/reports", scope="read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, shapes.ReportPage)
def list_reports(query: dict[str, Any]) -> Response:
    """List the days that have a report, newest first"""
    return jsonify(reports.page(query["limit"], query.get("cursor")))


@blp.route("/reports/daily", scope="read")
@blp.arguments(shapes.ReportQuery, location="query")
@blp.response(200, shapes.DailyReport)
def read_report(query: dict[str, Any]) -> Response:
    """Read the report of a day, or the newest one

    What is in it was stored when it happened; a report is never written anew. Of a day without one the nearest days
    that have one are named.
    """
    return jsonify(reports.of_day(query.get("date")))


@blp.route("/reports/daily", methods=["POST"], scope="run")
@blp.arguments(shapes.ReportQuery, location="query")
@blp.response(200, shapes.DailyReport)
def make_report(query: dict[str, Any]) -> Response:
    """Make the report of a day that is over, where nobody has

    Supervisors make that of the last day by themselves. Asking twice makes one.
    """
    return jsonify(reports.make(query.get("date")))


@blp.route("/reports/daily.html", scope="read")
@blp.arguments(shapes.ReportQuery, location="query")
@blp.response(200, {"type": "string"}, content_type="text/html")
def show_report(query: dict[str, Any]) -> Response:
    """Read the report of a day in a browser"""
    return reports.page_of_day(query.get("date"))


@blp.route("/reports/<job_id>", scope="read")
@blp.response(200, shapes.JobReport)
def read_job_report(job_id: str) -> Response:
    """Read the report of a succeeded job: its result, in sections"""
    return jsonify(reports.of_job(job_id))


@blp.route("/jobs/<job_id>/report.html", scope="read")
@blp.response(200, {"type": "string"}, content_type="text/html")
def show_job_report(job_id: str) -> Response:
    """Read the report of a succeeded job in a browser, with its curves"""
    return reports.page_of_job(job_id)
