"""What was found of an entity, whether or not any rule fires at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One entity and how it stands.

    Args:
        entity: what it is about; of a rule and an entity one alert is open at most.
        value: in the unit of the kind's threshold, larger is worse; None for what just happened.
        message: a sentence.
        data: facts that a program wants to know. A rule's filter looks here for its strategy, symbol and dataset.
        strategies: whose filter it passes too, besides that of `data`.
        named_only: only a rule that names its dataset hears of it.
        known: False where it cannot be said now how the entity stands: it fires nothing, and ends nothing.
    """

    entity: str
    value: float | None
    message: str
    data: Mapping[str, Any]
    strategies: tuple[str, ...] = ()
    named_only: bool = False
    known: bool = True

    def passes(self, wanted: Mapping[str, str]) -> bool:
        """Whether a rule with this filter hears of it."""
        if self.named_only and "dataset_id" not in wanted:
            return False
        return all(
            self.data.get(name) == value or (name == "strategy_id" and value in self.strategies)
            for name, value in wanted.items()
        )
