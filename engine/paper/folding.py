"""The proof of a book: its cash, units and equity, folded from its ledger alone.

What carry costs comes of what was held at which price for how long, by the very code that charged it; what a fill did
comes of its row. No bars are needed, and the bits must be those of the book.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from engine.book import FILL, Market, Out
from engine.config import Config
from engine.costs import accrue
from engine.kernel import valued
from engine.simulation import new_book, terms_with


class Entry(NamedTuple):
    """A bar of the ledger: the time since the one before, the last price of each symbol, and the fills in their order.

    A fill is a symbol, a quantity, a price and a commission.
    """

    years: float
    prices: Mapping[str, float]
    fills: Sequence[tuple[str, float, float, float]]


class Fold:
    """An account that is added up entry by entry."""

    def __init__(self, capital: float) -> None:
        self.cash = capital
        self.units: dict[str, float] = {}
        self._prices: dict[str, float] = {}
        self._ruined = False

    def add(self, entry: Entry, config: Config) -> float:
        """Take an entry, whose costs of carry are those of `config`; returns the equity after it."""
        if not self._ruined:
            self._accrue(entry, config)
        for symbol, quantity, price, commission in entry.fills:
            self.units[symbol] = self.units.get(symbol, 0.0) + quantity
            self.cash -= quantity * price + commission
        self._prices = dict(entry.prices)
        self.units = {symbol: self.units.get(symbol, 0.0) for symbol in entry.prices}
        units, prices = (np.array(list(known.values())) for known in (self.units, self._prices))
        value, _ = valued.twin(0, np.full((1, len(prices)), np.nan), units, prices)
        equity = self.cash + float(value)
        self._ruined = self._ruined or equity <= 0.0
        return equity

    def _accrue(self, entry: Entry, config: Config) -> None:
        """Carry since the bar before, of the symbols in the order that this bar has."""
        size = len(entry.prices)
        book = new_book(size, self.cash)
        book.units[:] = [self.units.get(symbol, 0.0) for symbol in entry.prices]
        book.mark[:] = [self._prices.get(symbol, 0.0) for symbol in entry.prices]
        unread = np.zeros((0, size))
        market = Market(unread, unread, unread, unread, unread, np.array([entry.years]))
        borrow, funding, interest = np.zeros((3, 1))
        out = Out(borrow, borrow, borrow, borrow, funding, interest, np.zeros(0, dtype=FILL))
        accrue.twin(0, market, terms_with(np.zeros(size), config), book, out)
        self.cash = float(book.cash[0])
