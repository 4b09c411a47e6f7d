"""What the paper book may lose, has lost, and uses of its limits, as findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row

from app import risk
from app.alerts.finding import Finding
from app.events import iso
from app.risk import Figure
from app.wiring import Services

_BOOK = "book"


def var_breach(services: Services) -> Iterable[Finding]:
    """The value at risk of one session at 99 %."""
    mark = services.store.book.newest()
    if mark is not None:
        figure = risk.value_at_risk(mark, services.store.risk.of(mark.n), 0.99)
        what = f"In one session of a hundred the paper book may lose {_percent(figure.value)} of its equity or more"
        what = f"{what} ({figure.method})."
        yield _finding(mark, figure, what, {"level": 0.99, "method": figure.method})


def drawdown(services: Services) -> Iterable[Finding]:
    """The fall from the highest equity."""
    mark = services.store.book.newest()
    if mark is not None:
        figure = risk.drawdown(mark)
        what = f"The paper book has lost {_percent(figure.value)} since its highest equity."
        yield _finding(mark, figure, what, {"equity": mark.equity})


def limit_breach(services: Services) -> Iterable[Finding]:
    """The use of every limit that there is."""
    mark = services.store.book.newest()
    if mark is None:
        return
    for item in risk.uses(risk.standing(services.store), mark, services.store.risk.of(mark.n)):
        if item.bound is not None:
            data = {"limit": item.limit, "value": item.value, "bound": item.bound, "bar_at": iso(mark.bar_at)}
            share, known = item.utilisation, item.utilisation is not None
            message = f"The paper book uses {_percent(share, 0)} of its limit '{item.entity}', which is {item.bound:g}."
            yield Finding(item.entity, share, message, data | dict(item.about), known=known)


def _finding(mark: Row[Any], figure: Figure, what: str, data: Mapping[str, Any]) -> Finding:
    data = {"value": figure.value, "bar_at": iso(mark.bar_at), **data}
    return Finding(_BOOK, figure.value, what, data, known=figure.value is not None)


def _percent(value: float | None, digits: int = 2) -> str:
    return "an unknown part" if value is None else f"{value:.{digits}%}"
