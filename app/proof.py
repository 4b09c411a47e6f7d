"""The proof of the paper book: its ledger, added up again, is the book."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from app.paper import standing
from app.store import Store
from engine.paper.folding import Entry, Fold
from engine.paper.state import State

# Marks that are proved before the next ones are read.
_AT_ONCE = 500


@dataclass(frozen=True)
class Proof:
    """What the ledger adds up to, and where that is not what is stored."""

    marks: int
    fills: int
    cash: float
    equity: float
    differences: Sequence[str]


def prove(store: Store) -> Proof | None:
    """Fold the ledger from the capital on and compare every mark, and the state, to the last bit; None without a book.

    What sleeves gained must sum to the change of equity to within 1e-9 of it. The book may go on meanwhile: proved is
    what it was. Of one that is closed meanwhile nothing is left to be proved; the one that took its place is.
    """
    row = store.book.state()
    if row is None:
        return None
    found = _proof(store, row)
    now = store.book.state()
    return found if now is not None and now.opened_at == row.opened_at else prove(store)


def _proof(store: Store, row: Row[Any]) -> Proof:
    """The proof of the book as its state was."""
    fold, equity, fills = Fold(row.capital), float(row.capital), 0
    found: list[str] = []
    configs = {version: standing(store, version).config for version in range(standing(store).version + 1)}
    for first in range(0, row.number, _AT_ONCE):
        marks = store.book.marks(after=first, limit=min(_AT_ONCE, row.number - first))
        ledger: dict[int, list[Row[Any]]] = {}
        for fill in store.book.ledger(first + 1, first + len(marks)):
            ledger.setdefault(fill.mark, []).append(fill)
        for mark in marks:
            fills += len(ledger.get(mark.n, ()))
            equity = fold.add(_entry(mark, ledger.get(mark.n, ())), configs[mark.book_version])
            found += _differences(mark, fold, equity)
    state = State.of(row.state)
    units = dict(zip(state.symbols, state.numbers["units"].tolist(), strict=True))
    for what, told, stored in (
        ("units", fold.units, units),
        ("cash", fold.cash, state.cash),
        ("equity", equity, state.equity),
        ("number of fills", fills, row.fills),
    ):
        if told != stored:
            found.append(f"The state says {what} {stored}, its ledger {told}.")
    return Proof(row.number, fills, fold.cash, equity, found)


def _entry(mark: Row[Any], fills: Sequence[Row[Any]]) -> Entry:
    made = [(f"{row.dataset_id}:{row.symbol}", row.quantity, row.price, row.commission) for row in fills]
    return Entry(mark.years, {_name(item): item["price"] for item in mark.positions}, made)


def _differences(mark: Row[Any], fold: Fold, equity: float) -> Iterator[str]:
    units = {_name(item): item["quantity"] for item in mark.positions}
    for what, told, stored in (
        ("units", fold.units, units),
        ("cash", fold.cash, mark.cash),
        ("equity", equity, mark.equity),
    ):
        if told != stored:
            yield f"Mark {mark.n} says {what} {stored}, its ledger {told}."
    gains = sum(mark.sleeves.values())
    if abs(gains - mark.pnl) > 1e-9 * max(abs(mark.equity), 1.0):
        yield f"Mark {mark.n} says pnl {mark.pnl}, its sleeves {gains}."


def _name(item: Mapping[str, Any]) -> str:
    return f"{item['dataset_id']}:{item['symbol']}"
