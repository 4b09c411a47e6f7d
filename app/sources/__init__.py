"""Sources of data: those that Queuant knows, and those that installed packages add.

One file is one source. A package adds another by an entry point of the group `queuant.datasources` whose name is the
source's id and whose object is what `app.sources.base.source` makes.
"""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import entry_points

from app.errors import StartRefused
from app.sources.base import DataSource
from engine.errors import UnknownName

GROUP = "queuant.datasources"
OWN = ("arch", "bcb_focus", "bcb_sgs", "ccxt", "currencyconverter", "fred", "tesouro", "yfinance")


@cache
def every() -> dict[str, DataSource]:
    """All sources by id. Raises StartRefused for an entry point that is none, or takes a name that is taken."""
    found: dict[str, DataSource] = {name: getattr(importlib.import_module(f"{__name__}.{name}"), name) for name in OWN}
    for entry in entry_points(group=GROUP):
        made = entry.load()
        if not isinstance(made, DataSource) or made.id != entry.name or entry.name in found:
            raise StartRefused(
                f"The entry point {GROUP}:{entry.name} ({entry.value}) is no source of that name, or there are two."
            )
        found[entry.name] = made
    return dict(sorted(found.items()))


def get(name: str) -> DataSource:
    """The source of this name. Raises UnknownName (`unknown_source`), with the nearest name."""
    if name not in every():
        raise UnknownName.of("source", name, every(), pointer="/source")
    return every()[name]
