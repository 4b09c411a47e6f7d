"""What the paper book may lose after the last bar of a day, and what it uses of its limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app import paper, risk
from app.events import iso
from app.reports.parts import Period, Section, Table
from app.risk import Used
from app.wiring import Services

NAME, TITLE = "risk", "Risk"


def paper_risk(services: Services, period: Period) -> Section:
    """As it was measured when the last bar was taken, by the limits that stood at the end of the day."""
    mark = services.store.book.newest(by=period.end)
    if mark is None:
        return Section(NAME, TITLE, nothing="No book is kept.")
    told = services.store.risk.of(mark.n)
    if told is None:
        return Section(NAME, TITLE, nothing="Nothing was measured after the book's last bar.")
    used = risk.uses(risk.standing(services.store, by=period.end), mark, told)
    breached = sum(item.status == "breach" for item in used)
    figures = {"bar_at": iso(mark.bar_at), "positions": told["positions"], "limits_breached": breached}
    tables = (
        Table.of("limits", list(_limits(used))),
        Table.of("losses", list(_losses(told, mark.equity))),
        Table.of("scenarios", list(_scenarios(told, mark.equity))),
    )
    return Section(NAME, TITLE, quality=mark.quality, notes=list(_notes(told)), figures=figures, tables=tables)


def _notes(told: Mapping[str, Any]) -> Iterable[str]:
    reasons = {item["reason"] for item in told["var"]["figures"] if item["reason"]}
    yield from sorted(reasons)
    for names, what in ((told["var"]["unmeasured"], "measured"), (told["stress"]["unmapped"], "moved by a scenario")):
        if names:
            yield f"Not {what}: {', '.join(sorted(item['symbol'] for item in names))}."


def _limits(used: Iterable[Used]) -> Iterable[dict[str, Any]]:
    """Those with the most used of them first; those that nobody set are left out."""
    known = [item for item in used if item.utilisation is not None]
    for item in sorted(known, key=lambda item: -(item.utilisation or 0.0)):
        yield {"limit": item.entity, "utilisation": item.utilisation, "status": item.status}


def _losses(told: Mapping[str, Any], equity: float) -> Iterable[dict[str, Any]]:
    for item in told["var"]["figures"]:
        if item["reason"] is None:
            parts = {f"{name}_fraction": paper.ratio(item[name], equity) for name in ("var", "cvar")}
            yield {"method": item["method"], "level": item["level"], **parts}


def _scenarios(told: Mapping[str, Any], equity: float) -> Iterable[dict[str, Any]]:
    """The worst first."""
    for item in sorted(told["stress"]["scenarios"], key=lambda item: float(item["pnl"])):
        yield {"scenario": item["scenario"], "pnl": item["pnl"], "pnl_return": paper.ratio(item["pnl"], equity)}
