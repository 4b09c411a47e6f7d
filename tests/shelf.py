"""The shelf in two halves, what runs on any prices and what trades named legs by series of its own, and small ones."""

from __future__ import annotations

import strategies
from app.shelf import Shelf
from engine.errors import UnknownName

PRICE = tuple(item for item in strategies.all() if not item.legs)
# What compares symbols with each other: a hole in one of them rightly changes what another one gets.
RELATIVE = ("cross_sectional_momentum", "low_volatility", "pairs_spread")
MACRO = tuple(item for item in strategies.all() if item.legs)


class Few(Shelf):
    """A shelf of few strategies; a test may exchange one for another version."""

    def __init__(self, *items):
        self.items = {item.id: item for item in items}

    def get(self, strategy_id, version=None):
        if strategy_id not in self.items:
            raise UnknownName.of("strategy", strategy_id, self.items, pointer="/strategy_id")
        return self.items[strategy_id]

    def all(self):
        return tuple(self.items.values())
