"""What expressions say of bars: each node once, in the order of writing, and kept for as long as it is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.bars import Bars
from engine.errors import InvalidExpression, InvalidInput
from engine.expression import values
from engine.expression.functions import Function
from engine.expression.graph import Always, Constant, Count, Node, Pick, Price, Setting, wholes
from engine.expression.values import Truth


def evaluate(nodes: Sequence[Node], roots: Sequence[int], bars: Bars, params: Mapping[str, float]) -> list[Any]:
    """The values of some nodes: a number, a series or a truth each.

    Raises:
        InvalidExpression: when an indicator refuses what it is given (the logarithm of a price that is not positive).
        UnknownName: for a symbol that the bars do not have.
    """
    last = {argument: at for at, node in enumerate(nodes) for argument in node.arguments}
    last |= dict.fromkeys(roots, len(nodes))
    found: dict[int, Any] = {}
    with np.errstate(all="ignore"):
        for at, node in enumerate(nodes):
            found[at] = _value(node, [found[argument] for argument in node.arguments], bars, params)
            for argument in set(node.arguments):
                if last[argument] == at:
                    del found[argument]
    return [found[root] for root in roots]


def numbers(nodes: Sequence[Node], params: Mapping[str, float]) -> dict[int, float]:
    """The values of the nodes that are numbers and do not depend on the bars."""
    found: dict[int, float] = {}
    with np.errstate(all="ignore"):
        for at, node in enumerate(nodes):
            if node.kind != "number" or isinstance(node.operation, Count):
                continue
            if all(argument in found for argument in node.arguments):
                found[at] = _number(node, [found[argument] for argument in node.arguments], params)
    return found


def lookback(nodes: Sequence[Node], params: Mapping[str, float]) -> int:
    """How many bars it takes until every node can have a value."""
    known = numbers(nodes, params)
    reach: list[int] = []
    for node in nodes:
        rows = max((reach[argument] for argument in node.arguments), default=0)
        maker = nodes[node.arguments[0]] if isinstance(node.operation, Pick) else node
        if isinstance(maker.operation, Function) and (maker is not node or not maker.operation.fields):
            given = [known.get(argument, np.nan) for argument in maker.arguments]
            name = node.operation.name if isinstance(node.operation, Pick) else ""
            rows += maker.operation.waits[name](**wholes(maker.operation, given))
        reach.append(rows)
    return max(reach, default=0) + 1


def broken_rule(nodes: Sequence[Node], params: Mapping[str, float]) -> str | None:
    """A sentence about the first function whose arguments do not fit together with these parameters."""
    known = numbers(nodes, params)
    for node in nodes:
        if isinstance(node.operation, Function):
            given = [known.get(argument, np.nan) for argument in node.arguments]
            broken = node.operation.rule(**wholes(node.operation, given))
            if broken:
                return f"In {node.operation.name}, {broken}"
    return None


def _number(node: Node, given: list[Any], params: Mapping[str, float]) -> Any:
    if isinstance(node.operation, Constant):
        return np.float64(node.operation.value)
    if isinstance(node.operation, Setting):
        return np.float64(params[node.operation.name])
    assert isinstance(node.operation, Function)  # noqa: S101 - of what makes numbers, it is what is left
    return values.finite(node.operation.call(*given))


def _value(node: Node, given: list[Any], bars: Bars, params: Mapping[str, float]) -> Any:
    match node.operation:
        case Price(name, None):
            return getattr(bars, name)
        case Price(name, symbol):
            return bars.prices(name, str(symbol))
        case Count():
            return np.float64(len(bars.symbols))
        case Always(value):
            flags = np.full((len(bars), 1), value)
            return Truth(flags, ~flags)
        case Pick(name):
            return getattr(given[0], name)
        case Function() if node.kind != "number":
            return _called(node, node.operation, given, bars)
    return _number(node, given, params)


def _called(node: Node, function: Function, given: list[Any], bars: Bars) -> Any:
    """What a function makes of its arguments, as series and truths of at least one column."""
    pairs = zip(function.arguments, given, strict=False)
    named = {item.name: int(value) if item.takes == "whole" else value for item, value in pairs}
    named |= {item.name: bars.time for item in function.arguments if item.takes == "time"}
    try:
        # Operators are called by place: numpy knows no names for them.
        made = function.call(**named) if function.named else function.call(*given)
    except InvalidInput as error:
        raise InvalidExpression(
            error.message, text=node.source.text, position=node.position, pointer=node.source.pointer
        ) from error
    if node.kind == "record":
        return type(made)(*(values.finite(part) for part in made))
    if node.kind == "series":
        return _column(values.finite(made), len(bars))
    truth = made if isinstance(made, Truth) else values.known(made, *(x for x in given if not isinstance(x, Truth)))
    return Truth(*(_column(flags, len(bars)) for flags in truth))


def _column(made: Any, total: int) -> Any:
    """Values of every bar: a single one repeated, those of one column standing as one."""
    if np.ndim(made) == 0:
        return np.full((total, 1), made)
    return made[:, None] if np.ndim(made) == 1 else made
