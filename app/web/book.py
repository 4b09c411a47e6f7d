"""The paper book as clients see it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from sqlalchemy import Row

from app import paper, signals
from app.bus import publish
from app.errors import Unknown
from app.events import iso
from app.paper import Mandated
from app.web import cursors, curves
from app.web.access import owner
from app.web.context import services
from engine.panel import QUALITIES

_FIGURES = ("equity", "cash", "drawdown", "quality")
_FILL = ("n", "dataset_id", "symbol", "quantity", "price", "commission", "slippage", "carry", "reason")


def current() -> dict[str, Any]:
    """Where the book stands. Raises Unknown (`no_book`), saying why there is none yet."""
    mark, state = newest()
    as_of = now(state)
    curve = services().store.book.curve(days=1)
    day = sum(row.pnl for at, row in _clocked(curve) if str(iso(at))[:10] == as_of[:10])
    return (
        _exposure(mark)
        | {name: getattr(mark, name) for name in _FIGURES}
        | {
            "as_of": as_of,
            "halted": _halted(),
            "live_since": iso(state.live_since),
            "capital": state.capital,
            "pnl": {"day": day, "total": mark.equity - state.capital},
            "positions": [paper.position(item, mark.equity) for item in mark.positions if item["quantity"]],
            "book_version": mark.book_version,
            "datasets": mark.datasets,
            "breaker": state.state["watch"][0] if state.state.get("watch") else None,
        }
    )


def target() -> dict[str, Any]:
    """What the book is after."""
    mark, state = newest()
    weights = [item["weight"] for item in mark.target]
    return {
        "as_of": now(state),
        "targets": mark.target,
        "gross": sum(map(abs, weights)),
        "net": sum(weights),
        "quality": mark.quality,
        "book_version": mark.book_version,
    }


def attribution(days: int | None) -> dict[str, Any]:
    """Whose the gains of some days were."""
    newest()
    rows = services().store.book.curve(days)
    before = paper.equity_before(rows)
    total = rows[-1].equity - before
    return {
        "start": iso(rows[0].bar_at),
        "end": iso(max(row.bar_at for row in rows)),
        "total": total,
        "total_return": paper.ratio(total, before),
        "sleeves": paper.attributed(rows),
        "quality": _worst(rows),
    }


def history(days: int | None, points: int | None) -> dict[str, Any]:
    """The book through time, which does not go back: what bars brought that came late is in it when they had come."""
    _, state = newest()
    every = services().store.book.curve(days)
    rows = list(dict(_clocked(every)).items())  # of each time the last mark
    times, kept = zip(*_decimated(rows, points), strict=True)
    before = paper.equity_before(every)
    equity = [row.equity for row in kept]
    return {
        "time": [iso(at) for at in times],
        "equity": equity,
        "cash": [row.cash for row in kept],
        "pnl": np.diff([before, *equity]).tolist(),
        "drawdown": [row.drawdown for row in kept],
        "gross_exposure": [paper.ratio(row.gross, row.equity) for row in kept],
        "net_exposure": [paper.ratio(row.net, row.equity) for row in kept],
        "bars": len(rows),
        "live_since": iso(state.live_since),
        "quality": _worst(every),
    }


def trades(limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of the ledger, newest first."""
    newest()
    before = cursors.of_rows(cursor) or None
    rows = services().store.book.trades(before=before, limit=limit + 1)
    told = [{name: getattr(row, name) for name in _FILL} | {"time": iso(row.bar_at)} for row in rows[:limit]]
    return {"trades": told, "next": cursors.encoded(str(told[-1]["n"])) if len(rows) > limit else None}


def configuration() -> dict[str, Any]:
    """How the book is made up."""
    return _told(paper.standing(services().store))


def put(body: Mapping[str, Any]) -> dict[str, Any]:
    """Make it up otherwise. Raises InvalidInput, and Conflict (`book_is_open`)."""
    stands = paper.standing(services().store)
    values = paper.resolve(body, stands, services().catalog, services().shelf)
    services().store.book.put(values, by=owner())
    return configuration()


def close() -> None:
    """Close the book. Raises Unknown (`no_book`)."""
    closed = services().store.book.close()
    if closed is None:
        raise Unknown(f"There is no paper book to close. {_why()}", code="no_book")
    publish(services().bus, closed)


def newest() -> tuple[Row[Any], Row[Any]]:
    found = services().store.book.present()
    if found is None:
        raise Unknown(f"The paper book has not been opened yet. {_why()}", code="no_book")
    return found


def now(state: Row[Any]) -> str:
    """The latest bar of all: that of the last mark may have come late."""
    return str(iso(state.state["clock"] / 1e9))


def _halted() -> dict[str, Any] | None:
    """Why the book does not go on: its last step failed; None where it does."""
    run = services().store.book.run(signals.OWNER)
    if run is None or run.status != "failed":
        return None
    return {"at": iso(run.finished_at), "code": run.error["code"], "message": run.error["message"]}


def _why() -> str:
    run = services().store.book.run(signals.OWNER)
    if run is None:
        if not services().settings.signals_seconds:
            return "Nobody looks after signals here: QUEUANT_SIGNALS_SECONDS is 0."
        return "It opens when its strategies have spoken: GET /signals/latest says which have not, and why."
    return f"Its first step failed: {run.error['message']}" if run.error else f"Its first step is {run.status}."


def _told(stands: Mandated) -> dict[str, Any]:
    names = ("version", "strategies", "capital", "start_date", "changed_by")
    config = {name: value for name, value in stands.config.as_dict().items() if name not in paper.NOT_OF_A_BOOK}
    told = {name: getattr(stands, name) for name in names}
    breaker = None if stands.breaker is None else asdict(stands.breaker)
    return told | {"config": config, "breaker": breaker, "changed_at": iso(stands.changed_at)}


def _exposure(mark: Row[Any]) -> dict[str, Any]:
    return {"gross_exposure": paper.ratio(mark.gross, mark.equity), "net_exposure": paper.ratio(mark.net, mark.equity)}


def _clocked(rows: Sequence[Row[Any]]) -> Iterator[tuple[float, Row[Any]]]:
    """Each mark with the latest bar that there was by then."""
    clock = -math.inf
    for row in rows:
        clock = max(clock, row.bar_at)
        yield clock, row


def _decimated(rows: Sequence[tuple[float, Row[Any]]], points: int | None) -> Sequence[tuple[float, Row[Any]]]:
    if points is None or len(rows) <= points:
        return rows
    equity, drawdown = (np.array([getattr(row, name) for _, row in rows]) for name in ("equity", "drawdown"))
    return [rows[at] for at in curves.decimate(equity, drawdown, points)]


def _worst(rows: Sequence[Row[Any]]) -> str:
    return max((str(row.quality) for row in rows), key=QUALITIES.index)
