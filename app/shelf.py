"""Every strategy that a request may name, wherever it comes from."""

from __future__ import annotations

import strategies
from app.usercode import Broken, Found, UserCode
from engine.errors import UnknownName
from engine.strategy import Strategy


class Shelf:
    """Strategies by id: those that Queuant ships, and the user's own."""

    def __init__(self, *, user_code: UserCode | None = None) -> None:
        self._user_code = user_code or UserCode()

    def get(self, strategy_id: str) -> Strategy:
        """The strategy of this name. Raises UnknownName (`unknown_strategy`), with the nearest name."""
        if strategy_id in strategies.names():
            return strategies.get(strategy_id)
        own = self._own().strategies
        if strategy_id not in own:
            raise UnknownName.of("strategy", str(strategy_id), (*strategies.names(), *own), pointer="/strategy_id")
        return own[strategy_id]

    def all(self) -> tuple[Strategy, ...]:
        """All strategies, sorted by id."""
        shipped = {item.id: item for item in strategies.all()}
        return tuple(item for _, item in sorted((self._own().strategies | shipped).items()))

    def broken(self) -> tuple[Broken, ...]:
        """What the user has put there and cannot be used, with the reason."""
        return self._own().broken

    def _own(self) -> Found:
        return self._user_code.read(strategies.names())
