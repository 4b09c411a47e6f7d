"""Every strategy that a request may name, wherever it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

import strategies
from app.errors import Conflict
from app.store.expressions import Expressions
from app.usercode import Broken, Found, UserCode
from engine.errors import UnknownName
from engine.expression import identifier, strategy_of
from engine.strategy import Strategy


class Shelf:
    """Strategies by id: those that Queuant ships, the user's own, and those that were posted as expressions."""

    def __init__(self, *, user_code: UserCode | None = None, expressions: Expressions | None = None) -> None:
        self._user_code = user_code or UserCode()
        self._expressions = expressions

    def get(self, strategy_id: str, version: str | None = None) -> Strategy:
        """The strategy of this name, of expressions at a version that was posted once, else at the newest.

        Raises UnknownName (`unknown_strategy`), with the nearest name, or why the file of that name is left out.
        """
        if strategy_id in strategies.names():
            return strategies.get(strategy_id)
        own = self._own().strategies
        if strategy_id in own:
            return own[strategy_id]
        found = self._posted(strategy_id, version)
        if found is None:
            raise self._unknown(strategy_id)
        return found

    def read(self, spec: Mapping[str, Any], owner: str) -> Strategy:
        """The strategy that a document describes, under a name that no code has.

        Raises InvalidInput, with the position of a mistake in an expression, and Conflict (`strategy_taken`).
        """
        found = strategy_of(spec, source=_source(owner))
        if found.id in (*strategies.names(), *self._own().strategies):
            text = f"There is a strategy '{found.id}' that is code; give yours another name."
            raise Conflict(text, code="strategy_taken", pointer="/name", given=found.id)
        return found

    def all(self) -> tuple[Strategy, ...]:
        """All strategies, sorted by id."""
        rows = self._expressions.all() if self._expressions else ()
        posted = {row.strategy_id: _made(row) for row in rows}
        shipped = {item.id: item for item in strategies.all()}
        return tuple(item for _, item in sorted((posted | self._own().strategies | shipped).items()))

    def broken(self) -> tuple[Broken, ...]:
        """What the user has put there and cannot be used, with the reason."""
        return self._own().broken

    def _unknown(self, strategy_id: str) -> UnknownName:
        """There is none of this name; where a file of the user's should hold it, why it does not."""
        for file, reason in self.broken():
            if file == f"{strategy_id}.py":
                text = f"There is no strategy '{strategy_id}': {file} is left out: {reason}"
                return UnknownName(text, code="unknown_strategy", pointer="/strategy_id", given=strategy_id)
        return UnknownName.of("strategy", strategy_id, [item.id for item in self.all()], pointer="/strategy_id")

    def _own(self) -> Found:
        return self._user_code.read(strategies.names())

    def _posted(self, strategy_id: str, version: str | None) -> Strategy | None:
        # No other id was ever made, and not every text is one for a database.
        if self._expressions is None or strategy_id != identifier(strategy_id):
            return None
        row = self._expressions.version(strategy_id, version) if version else None
        row = row or self._expressions.newest(strategy_id)
        return _made(row) if row else None


def _made(row: Row[Any]) -> Strategy:
    return _read(json.dumps(row.spec), _source(row.owner))


def _source(owner: str) -> str:
    return f"Posted by {owner}"


@lru_cache(maxsize=256)
def _read(spec: str, source: str) -> Strategy:
    """A version never changes, so it is read once."""
    return strategy_of(json.loads(spec), source=source)
