"""Candidates that a search chooses by what others gave, as they become known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from engine.sweep.search import Interval, Search, Space

# By axis the place of a value among those of the axis, or where it is an interval the number itself.
Point: TypeAlias = "tuple[float, ...]"


@dataclass(frozen=True, eq=False)
class Asked(Search):
    """Candidates by number, in the order in which they were asked for; a stretch of them needs only its own."""

    points: Mapping[int, Point] = field(default_factory=dict)

    @property
    def candidates(self) -> int:
        """How many are known."""
        return len(self.points)

    def knowing(self, points: Mapping[int, Point]) -> Asked:
        """The same search with these candidates and no others."""
        return replace(self, points=points)

    def _columns(self, first: int, stop: int) -> list[list[Any]]:
        rows = (values_at(self.space, self.points[number]) for number in range(first, stop))
        return [list(column) for column in zip(*rows, strict=True)]


def values_at(space: Space, point: Point) -> tuple[Any, ...]:
    """The values on the axes of a space at a point."""
    return tuple(
        float(at) if isinstance(values, Interval) else values[int(at)]
        for at, values in zip(point, space.axes.values(), strict=True)
    )


def keeps_to_rule(space: Space, point: Point) -> bool:
    """Whether the rule between parameters of the space's strategy takes a point."""
    return not space.strategy.broken(dict(space.base) | dict(zip(space.axes, values_at(space, point), strict=True)))
