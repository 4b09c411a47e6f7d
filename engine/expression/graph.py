"""The parts of expressions: a list of typed nodes, each made of earlier ones, equal ones written once.

Types are number, series, truth and record (what has fields). Of numbers the bounds are known, from those of the
parameters, so that a window can be refused before anybody has chosen a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from engine.expression.functions import ANY, Bounds, Function, Kind
from engine.expression.tokens import Source
from engine.parameters import Parameter

MAX_NODES = 300


class Constant(NamedTuple):
    value: float


class Setting(NamedTuple):
    """The value of a parameter."""

    name: str


class Price(NamedTuple):
    """A price of every symbol, or of one that is named."""

    name: str
    symbol: str | None = None


class Count(NamedTuple):
    """How many symbols the run has."""


class Pick(NamedTuple):
    """One field of a record."""

    name: str


class Always(NamedTuple):
    """A truth that does not change."""

    value: bool


Operation: TypeAlias = "Constant | Setting | Price | Count | Pick | Always | Function"


class Node(NamedTuple):
    """A value and how to get it.

    Args:
        arguments: numbers of earlier nodes, in the order of the function's arguments.
        bounds: of a number.
        whole: whether a number is a whole one.
        reach: at most so many rows before its first value, whatever the parameters.
    """

    operation: Operation
    arguments: tuple[int, ...]
    kind: Kind
    source: Source
    position: int
    bounds: Bounds = ANY
    whole: bool = False
    reach: int = 0


@dataclass
class Graph:
    """All expressions of a strategy."""

    parameters: Mapping[str, Parameter]
    nodes: list[Node] = field(default_factory=list)
    known: dict[tuple[object, ...], int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def add(self, node: Node) -> int:
        """The number of the node, or that of an equal one. Raises InvalidExpression when there are too many."""
        same = (node.operation, type(node.operation), node.arguments, node.whole)
        if same not in self.known:
            if len(self.nodes) == MAX_NODES:
                message = f"The strategy has too many parts; at most {MAX_NODES} different ones are allowed."
                code = "expression_too_large"
                raise node.source.refusal(node.position, message, code=code, allowed={"parts": MAX_NODES})
            self.known[same] = len(self.nodes)
            self.nodes.append(node)
        return self.known[same]

    def symbols(self) -> tuple[str, ...]:
        """The symbols that are named, sorted."""
        prices = [node.operation for node in self.nodes if isinstance(node.operation, Price)]
        return tuple(sorted({price.symbol for price in prices if price.symbol is not None}))


def wholes(function: Function, given: list[float]) -> dict[str, int]:
    """The whole ones of a function's arguments, by name."""
    pairs = zip(function.arguments, given, strict=False)
    return {wanted.name: int(value) for wanted, value in pairs if wanted.takes == "whole"}
