"""The paper book over a day: where it stood at the end, and what the bars brought that came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from app import paper
from app.events import iso
from app.reports.parts import Period, Section, Table, worst
from app.wiring import Services

NAME, TITLE = "book", "Paper book"
_FILL = ("symbol", "dataset_id", "quantity", "price", "commission", "slippage", "reason")
_POSITION = ("symbol", "dataset_id", "quantity", "price", "value", "weight", "pnl", "quality")


def paper_book(services: Services, period: Period) -> Section:
    """The book by the bars that it took in the period, whichever dates they are of: so what the reports of days that
    follow each other call gains sums to the change of equity.

    What the book would have done before it was opened is nobody's gain, and is left out.
    """
    book = services.store.book
    last, state = book.newest(by=period.end), book.state()
    if last is None or state is None:
        return Section(NAME, TITLE, nothing="No book is kept.")
    marks = book.taken(period.start, period.end)
    fills = book.ledger(marks[0].n, marks[-1].n) if marks else []
    before = paper.equity_before(marks) if marks else last.equity
    gain = sum(mark.pnl for mark in marks)
    figures = {
        "bar_at": iso(last.bar_at),
        "equity": last.equity,
        "cash": last.cash,
        "capital": state.capital,
        "pnl": gain,
        "pnl_return": paper.ratio(gain, before),
        "drawdown": last.drawdown,
        "gross_exposure": paper.ratio(last.gross, last.equity),
        "net_exposure": paper.ratio(last.net, last.equity),
        "bars": len(marks),
        "trades": len(fills),
    }
    positions = [paper.position(item, last.equity) for item in last.positions if item["quantity"]]
    positions.sort(key=lambda item: -abs(item["value"]))
    tables = (
        Table.of("attribution", paper.attributed(marks)),
        Table.of("trades", [_trade(row) for row in fills]),
        Table.of("positions", [{name: item[name] for name in _POSITION} for item in positions]),
    )
    quality = worst(str(row.quality) for row in (*marks, last))
    return Section(NAME, TITLE, quality=quality, notes=_notes(period, state, marks), figures=figures, tables=tables)


def _notes(period: Period, state: Row[Any], marks: Sequence[Row[Any]]) -> list[str]:
    if period.holds(state.opened_at):
        until = str(iso(state.live_since))[:10]
        return [
            f"The book was opened: up to the bar of {until} it is what it would have done, and no gain of this day."
        ]
    return [] if marks else ["No bar came: it stands as it stood."]


def _trade(row: Row[Any]) -> dict[str, Any]:
    return {"bar_at": iso(row.bar_at)} | {name: getattr(row, name) for name in _FILL}
