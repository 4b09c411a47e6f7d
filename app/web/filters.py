"""What a subscription lets through: names of strategies, symbols and types, and the least severity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.events import SEVERITIES
from engine.errors import InvalidInput, UnknownName

# A filter's name, and the field of an event's data that it is held against (`type` is the event's own).
FIELDS = {"strategy": "strategy_id", "symbol": "symbol", "severity": "severity", "type": "type"}
MOST_NAMES = 50
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Filter:
    """Every condition must hold, each for any one of its names. An event without the field does not pass.

    Args:
        wanted: the names that pass, by field of an event.
    """

    wanted: tuple[tuple[str, frozenset[str]], ...]

    def passes(self, facts: Mapping[str, Any]) -> bool:
        """Whether an event of these `facts` is let through."""
        return all(facts.get(field) in names for field, names in self.wanted)


def facts_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """What filters may ask of an event."""
    data = message["data"]
    return {**{field: data.get(field) for field in FIELDS.values()}, "type": message["type"]}


def read_filter(given: Mapping[str, object], known: Mapping[str, tuple[str, ...]]) -> Filter | None:
    """A filter from a query or a message; None when it says nothing. Raises UnknownName and InvalidInput.

    Args:
        given: by a filter's name a text with commas, or a list of texts.
        known: the filters of the channel, each with the values that it may have (none: any).
    """
    wanted = {}
    for name, value in given.items():
        if name not in known:
            raise UnknownName.of("filter", str(name), known, pointer=f"/filter/{name}"[:_LONGEST_NAME])
        names = _names(name, value)
        for word in names:
            if known[name] and word not in known[name]:
                raise UnknownName.of(name, word, known[name], pointer=f"/filter/{name}")
        if name == "severity":
            names = SEVERITIES[min(map(SEVERITIES.index, names)) :]
        wanted[FIELDS[name]] = frozenset(names)
    return Filter(tuple(sorted(wanted.items()))) if wanted else None


def _names(name: str, value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise InvalidInput(f"Say {name} as a text, or as a list of texts.", pointer=f"/filter/{name}")
    names = tuple(dict.fromkeys(part.strip() for part in parts))
    if not 0 < len(names) <= MOST_NAMES or not all(0 < len(part) <= _LONGEST_NAME for part in names):
        raise InvalidInput(f"{name} takes 1 to {MOST_NAMES} names of 1 to 100 characters.", pointer=f"/filter/{name}")
    return names
