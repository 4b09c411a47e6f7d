"""Reports as clients see them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Response, render_template

from app.errors import Unknown
from app.events import iso
from app.reports import compared, daily, run, text
from app.reports.parts import Section
from app.web import comparing, cursors, curves, drawing, reading
from app.web.access import owner
from app.web.context import services

_HERE = Path(__file__).resolve().parent
STYLE = "".join((_HERE / name).read_text("utf-8") for name in ("static/colours.css", "templates/report.css"))
# One file that can be kept: no script, nothing from elsewhere, and no other style than the one in it.
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_STRANGER = Section("own", "Your alerts and jobs", nothing="You had no key when this report was made.")
_TIMES = ("start_at", "end_at", "made_at")


def of_day(day: str | None) -> dict[str, Any]:
    """The report of a date, or the newest one. Raises Unknown, naming the nearest dates that have one."""
    found = services().store.reports.read(owner(), day)
    if found is None:
        raise _none(day)
    own = [_STRANGER.document()] if found.own is None else found.own
    return _about(found) | {"sections": [*found.shared, *own]}


def page_of_day(day: str | None) -> Response:
    """The same for a browser."""
    report = of_day(day)
    return _page(f"Report of {report['date']}", text.period(report), report)


def of_job(job_id: str) -> dict[str, Any]:
    """The report of a job that succeeded. Raises Unknown and NotReady."""
    stored = services().jobs.result(job_id, owner())
    row = services().jobs.get(job_id, owner())
    result = {"kind": row.kind} | stored.result
    told = {"job_id": job_id, "kind": row.kind, "title": run.title(result), "finished_at": iso(row.finished_at)}
    return told | {"sections": [section.document() for section in run.sections(result)]}


def page_of_job(job_id: str) -> Response:
    """The same for a browser, with its curves where it has some."""
    report = of_job(job_id)
    curve = _curve(job_id)
    chart = drawing.picture(drawing.equity(curve)) if curve else None
    return _page(report["title"], f"{report['kind']} {job_id}", report, chart=chart)


def page_of_comparison(query: Mapping[str, Any]) -> Response:
    """Results side by side, for a browser: their curves from 1 on, their figures, and how sure the differences are."""
    found = comparing.compare(query)
    names = {row["job_id"]: _name(row) for row in found["rows"]}
    curves_of = {name: curve for job_id, name in names.items() if (curve := _curve(job_id))}
    panels = [
        drawing.Panel(
            "growth", 240, [drawing.Line(name, one["time"], _rebased(one)) for name, one in curves_of.items()]
        ),
        drawing.Panel(
            "drawdown", 120, [drawing.Line(name, one["time"], one["drawdown"]) for name, one in curves_of.items()]
        ),
    ]
    report = {"sections": [section.document() for section in compared.sections(found, names)]}
    title = f"{len(names)} results side by side"
    return _page(title, ", ".join(names.values()), report, chart=drawing.picture(panels))


def _name(row: Mapping[str, Any]) -> str:
    about = " on ".join(str(row[name]) for name in ("strategy_id", "dataset_id") if row.get(name))
    return f"{about or 'portfolio'} ({row['job_id'][:8]})"


def _curve(job_id: str) -> dict[str, Any] | None:
    """The curves of a job, in as many points as a picture takes; None for one that ran no account."""
    data = services().store.read.artifact(job_id, "equity")
    if not data:
        return None
    table = curves.read(data)
    names = [name for name in (*reading.CURVE, "rolling_sharpe") if name in table.column_names]
    return curves.columns(table, names, points=drawing.POINTS)


def _rebased(curve: Mapping[str, Any]) -> list[float | None]:
    first = next((value for value in curve["value"] if value), None)
    return [None if value is None or first is None else value / first for value in curve["value"]]


def _page(title: str, badge: str, report: dict[str, Any], **more: Any) -> Response:
    told = {
        "title": text.plain(title),
        "badge": text.plain(badge),
        "report": report,
        "style": STYLE,
        "text": text,
    }
    response = Response(render_template("report.html", **told, **more), mimetype="text/html")
    response.headers["Content-Security-Policy"] = POLICY
    return response


def make(day: str | None) -> dict[str, Any]:
    """Make the report of a date that is over, unless it stands. Raises InvalidInput."""
    return of_day(daily.make(services(), day))


def page(limit: int, cursor: str | None) -> dict[str, Any]:
    """Of which dates there are reports. Raises InvalidInput for a cursor of somebody else's."""
    rows = services().store.reports.page(limit=limit + 1, before=_before(cursor))
    following = cursors.encoded(rows[limit - 1].date) if len(rows) > limit else None
    return {"reports": [_about(row) for row in rows[:limit]], "next": following}


def _about(found: Any) -> dict[str, Any]:
    return {"date": found.date} | {name: iso(getattr(found, name)) for name in _TIMES}


def _before(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    try:
        return date.fromisoformat(cursors.decoded(cursor)).isoformat()
    except ValueError as error:
        raise cursors.bad_cursor() from error


def _none(day: str | None) -> Unknown:
    if day is None:
        at = services().settings.report_at
        when = "none will be: QUEUANT_REPORT_AT is 'never'" if at == "never" else f"the next is due at {at} UTC"
        return Unknown(f"No report has been made yet; {when}.", code="no_report")
    near = services().store.reports.nearest(day)
    found = f"; the nearest {'is' if len(near) == 1 else 'are'} of {' and '.join(near)}"
    hint = found if near else ": none has been made yet"
    return Unknown(f"There is no report of {day}{hint}.", code="no_report", given=day, allowed=near)
