"""What the parts of an expression mean: names, types, bounds. Everything that is not on the whitelist ends here."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from engine.errors import InvalidExpression, nearest
from engine.expression.functions import ANY, FUNCTIONS, LEAST, NEGATION, OPERATORS, Bounds, Function, Kind
from engine.expression.functions import Parameter as Wanted
from engine.expression.graph import Always, Constant, Count, Graph, Node, Operation, Pick, Price, Setting, wholes
from engine.expression.tokens import MAX_WORD, Source, Token
from engine.intake import FIELDS

MAX_LOOKBACK = 10_000
LARGEST = 1e15
COUNT = "symbol_count"
CONSTANTS = ("true", "false")
RESERVED = frozenset((*FUNCTIONS, *FIELDS, COUNT, *CONSTANTS, "and", "or", "not"))


_KINDS: dict[str, tuple[Kind, ...]] = {"series": ("series",), "value": ("number", "series"), "truth": ("truth",)}


class Part(NamedTuple):
    """A node as it stands at a position; an equal one may stand elsewhere too."""

    node: int
    position: int


class Given(NamedTuple):
    """An argument as it was written."""

    part: Part
    name: Token | None = None


class Writer:
    """Writes one expression into a graph. Every method raises InvalidExpression with the position of the mistake."""

    def __init__(self, graph: Graph, source: Source) -> None:
        self._graph = graph
        self._source = source

    def constant(self, token: Token) -> Part:
        value = float(token.text) if len(token.text) <= MAX_WORD else math.inf
        if not value <= LARGEST:
            message = (
                f"'{token.text[:20]}…' is too large; numbers go up to {LARGEST:g} and have at most {MAX_WORD} digits."
            )
            raise self._source.refusal(token.position, message)
        return self._number(Constant(value), token, (value, value), whole=token.text.isdigit())

    def name(self, token: Token) -> Part:
        parameter = self._graph.parameters.get(token.text)
        if parameter is not None and parameter.low is not None and parameter.high is not None:
            self._graph.used.add(token.text)
            whole = parameter.type == "int"
            return self._number(Setting(token.text), token, (parameter.low, parameter.high), whole=whole)
        if token.text in FIELDS:
            return self._add(Node(Price(token.text), (), "series", self._source, token.position))
        if token.text == COUNT:
            return self._number(Count(), token, (1.0, math.inf), whole=False)
        if token.text in CONSTANTS:
            return self._add(Node(Always(token.text == "true"), (), "truth", self._source, token.position))
        if token.text in FUNCTIONS:
            function = FUNCTIONS[token.text]
            message = f"'{token.text}' is a function; write {call_of(function)}."
            raise self._source.refusal(token.position, message)
        raise self._unknown(token, "name", [*self._graph.parameters, *FIELDS, COUNT, *CONSTANTS, *FUNCTIONS])

    def column(self, price: Token, symbol: Token) -> Part:
        if price.text not in FIELDS:
            raise self._unknown(price, "price", FIELDS)
        name = symbol.text[1:-1]
        if not 1 <= len(name) <= MAX_WORD or not name.isprintable():
            message = f"A symbol has 1 to {MAX_WORD} printable characters."
            raise self._source.refusal(symbol.position, message)
        return self._add(Node(Price(price.text, name), (), "series", self._source, price.position))

    def apply(self, sign: Token, given: list[Part]) -> Part:
        """A sign with one side or two."""
        function = NEGATION if sign.text == "-" and len(given) == 1 else OPERATORS[sign.text]
        return self._write(function, sign, given)

    def function(self, token: Token) -> Function:
        if token.text not in FUNCTIONS:
            raise self._unknown(token, "function", FUNCTIONS)
        return FUNCTIONS[token.text]

    def call(self, function: Function, token: Token, given: list[Given]) -> Part:
        return self._write(function, token, self._in_order(function, token, given))

    def field(self, record: Part, token: Token) -> Part:
        made = self._graph.nodes[record.node]
        function = made.operation
        if not isinstance(function, Function) or made.kind != "record":
            raise self._source.refusal(token.position, f"Only what has fields takes a '.', not a {made.kind}.")
        if token.text not in function.fields:
            raise self._unknown(token, f"field of {function.name}", function.fields)
        highs = [self._graph.nodes[argument].bounds[1] for argument in made.arguments]
        reach = made.reach + function.waits[token.text](**wholes(function, highs))
        return self._add(Node(Pick(token.text), (record.node,), "series", self._source, token.position, reach=reach))

    def require(self, part: Part, kinds: tuple[Kind, ...], what: str) -> None:
        """Refuse an expression that is of another type than it is used for."""
        found = self._graph.nodes[part.node]
        if found.kind not in kinds:
            hint = f" {_fields(found)}" if found.kind == "record" else ""
            raise self._source.refusal(
                part.position, f"{what}; this is a {found.kind}.{hint}", given=found.kind, allowed=kinds
            )

    def _in_order(self, function: Function, token: Token, given: list[Given]) -> list[Part]:
        """The arguments in the order of the function's own, defaults filled in."""
        places = [item.name for item in function.arguments if item.takes != "time"]
        found: dict[str, Part] = {}
        extra: list[Part] = []
        for position, (part, name) in enumerate(given):
            if name is not None and name.text not in places:
                raise self._unknown(name, f"argument of {function.name}", places)
            if name is None and position >= len(places):
                if not function.more:
                    message = f"{function.name} takes {len(places)} arguments: {call_of(function)}."
                    raise self._source.refusal(part.position, message)
                extra.append(part)
                continue
            place = places[position] if name is None else name.text
            if place in found or (name is None and any(item.name for item in given[:position])):
                at = name.position if name else part.position
                message = f"'{place}' is given twice, or without its name after a named one."
                raise self._source.refusal(at, message)
            found[place] = part
        for item in function.arguments:
            if item.takes != "time" and item.name not in found:
                found[item.name] = self._default(function, item, token)
        return [*(found[name] for name in places), *extra]

    def _default(self, function: Function, item: Wanted, token: Token) -> Part:
        if item.default is None:
            message = f"'{item.name}' is missing: {call_of(function)}."
            raise self._source.refusal(token.position, message)
        value = float(item.default)
        return self._number(Constant(value), token, (value, value), whole=item.takes == "whole")

    def _write(self, function: Function, token: Token, parts: list[Part]) -> Part:
        """A node of the function, once every argument is what it takes."""
        wanted = [item for item in function.arguments if item.takes != "time"]
        wanted += wanted[-1:] * (len(parts) - len(wanted))
        nodes = [self._graph.nodes[part.node] for part in parts]
        for item, node, part in zip(wanted, nodes, parts, strict=True):
            self._check(function, item, node, part.position)
        kind: Kind = function.gives or ("number" if all(node.kind == "number" for node in nodes) else "series")
        reach = max((node.reach for node in nodes), default=0)
        if not function.fields:
            reach += function.waits[""](**wholes(function, [node.bounds[1] for node in nodes]))
        bounds = function.bounds(*(node.bounds for node in nodes)) if kind == "number" else ANY
        whole = function.whole and kind == "number" and all(node.whole for node in nodes)
        arguments = tuple(part.node for part in parts)
        made = Node(function, arguments, kind, self._source, token.position, bounds, whole, reach)
        self._refuse_never(function, nodes, token)
        return self._add(made)

    def _check(self, function: Function, item: Wanted, node: Node, at: int) -> None:
        """Refuse an argument of another type or out of bounds."""
        name = f"'{item.name}' of {function.name}"
        if function.name not in FUNCTIONS:
            name = f"The {item.name} side of '{function.name}'"
        kinds = _KINDS.get(item.takes, ("number",))
        if node.kind not in kinds:
            message = f"{name} must be a {' or a '.join(kinds)}, this is a {node.kind}.{_hint(node, item)}"
            raise self._source.refusal(at, message, given=node.kind, allowed=list(kinds))
        if item.takes == "positive" and not node.bounds[0] > 0.0:
            message = f"{name} must be a positive number for all parameters; this may be {node.bounds[0]:g}."
            raise self._source.refusal(at, message)
        if item.takes == "whole":
            self._check_whole(function, item, node, at)

    def _check_whole(self, function: Function, item: Wanted, node: Node, at: int) -> None:
        least = LEAST.get(function.name, 1)
        name = f"'{item.name}' of {function.name}"
        if not node.whole:
            message = f"{name} must be a whole number or made of whole numbers and int parameters."
            raise self._source.refusal(at, message)
        if not node.bounds[0] >= least:
            ahead = " A lag of zero is no lag, and a negative one would look ahead." if function.name == "lag" else ""
            message = f"{name} must be at least {least} for all parameters; this may be {node.bounds[0]:g}.{ahead}"
            code = "look_ahead" if ahead and node.bounds[0] < 0 else None
            raise self._source.refusal(at, message, code=code, allowed={"minimum": least})
        if not node.bounds[1] <= MAX_LOOKBACK:
            message = f"{name} may become {node.bounds[1]:,g}; at most {MAX_LOOKBACK:,} bars are looked back."
            code = "expression_too_large"
            raise self._source.refusal(at, message, code=code, allowed={"maximum": MAX_LOOKBACK})

    def _refuse_never(self, function: Function, nodes: list[Node], token: Token) -> None:
        """Refuse whole arguments that fit together for no parameters."""
        if all(node.bounds[0] == node.bounds[1] for node in nodes if node.kind == "number"):
            broken = function.rule(**wholes(function, [node.bounds[0] for node in nodes]))
            if broken:
                raise self._source.refusal(token.position, f"In {function.name}, {broken}")

    def _number(self, operation: Operation, token: Token, bounds: Bounds, *, whole: bool) -> Part:
        return self._add(Node(operation, (), "number", self._source, token.position, bounds, whole))

    def _add(self, node: Node) -> Part:
        if node.reach >= MAX_LOOKBACK:
            message = (
                f"This looks back {node.reach + 1:,} bars when the parameters are at their upper bounds; "
                f"at most {MAX_LOOKBACK:,} are allowed."
            )
            code = "expression_too_large"
            raise self._source.refusal(node.position, message, code=code, allowed={"bars": MAX_LOOKBACK})
        return Part(self._graph.add(node), node.position)

    def _unknown(self, token: Token, what: str, options: Iterable[str]) -> InvalidExpression:
        names = sorted(options)
        near = nearest(token.text, names)
        hint = f" Did you mean '{near}'?" if near else ""
        message = f"There is no {what} {token}.{hint}"
        return self._source.refusal(token.position, message, given=token.text[:MAX_WORD], allowed=names, nearest=near)


def call_of(function: Function) -> str:
    """How it is called: `macd(values, fast=12, slow=26, signal=9)`."""
    told = [
        item.name if item.default is None else f"{item.name}={item.default:g}"
        for item in function.arguments
        if item.takes != "time"
    ]
    return f"{function.name}({', '.join(told)}{', …' if function.more else ''})"


def _fields(node: Node) -> str:
    function = node.operation
    assert isinstance(function, Function)  # noqa: S101 - nothing else makes a record
    return f"Take one of its fields: .{', .'.join(function.fields)}."


def _hint(node: Node, item: Wanted) -> str:
    if node.kind == "record":
        return f" {_fields(node)}"
    if node.kind == "truth":
        return " where(…, 1, 0) makes numbers of it; a < b < c is written a < b and b < c."
    return " Compare it with something to get a truth." if item.takes == "truth" else ""
