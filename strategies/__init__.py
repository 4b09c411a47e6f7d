"""The shelf: one module = one strategy, found by itself, never importing another one."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from engine.errors import UnknownName
from engine.strategy import Strategy


def get(strategy_id: str) -> Strategy:
    """The strategy of this name.

    Raises:
        UnknownName: `unknown_strategy`, with the nearest name.
    """
    shelf = _shelf()
    if strategy_id not in shelf:
        raise UnknownName.of("strategy", str(strategy_id), shelf, pointer="/strategy_id")
    return shelf[strategy_id]


def names() -> tuple[str, ...]:
    """The ids of all strategies, sorted."""
    return tuple(_shelf())


def all() -> tuple[Strategy, ...]:
    """All strategies, sorted by id."""
    return tuple(_shelf().values())


@cache
def _shelf() -> dict[str, Strategy]:
    """Every strategy of every module beside this one, read at first use."""
    shelf: dict[str, Strategy] = {}
    for module in pkgutil.iter_modules(__path__):
        for item in vars(import_module(f"{__name__}.{module.name}")).values():
            if isinstance(item, Strategy):
                add(shelf, item)
    return dict(sorted(shelf.items()))


def add(shelf: dict[str, Strategy], item: Strategy) -> None:
    """Put a strategy on a shelf; refuses a second one of the same name."""
    if item.id in shelf:
        raise ValueError(f"there are two strategies called {item.id}")
    shelf[item.id] = item
