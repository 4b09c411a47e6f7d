"""Every strategy that a request may name, wherever it comes from."""

from __future__ import annotations

import strategies
from engine.strategy import Strategy


class Shelf:
    """Strategies by id: those that Queuant ships."""

    def get(self, strategy_id: str) -> Strategy:
        """The strategy of this name. Raises UnknownName (`unknown_strategy`), with the nearest name."""
        return strategies.get(strategy_id)

    def all(self) -> tuple[Strategy, ...]:
        """All strategies, sorted by id."""
        return strategies.all()
