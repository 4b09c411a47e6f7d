"""A strategy out of a document of names and expressions.

{"name": …, "params": {name: {"type": "int" | "float", "min": …, "max": …, "default": …, "doc"?: …}},
 "entry": …, "exit": …, "short_entry"?: …, "short_exit"?: …}          truths; each of N symbols gets 1/N of equity
{"name": …, "params": …, "weight": …, "max_weight"?: 1}               the fraction of equity of each symbol
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from engine import indicators
from engine.bars import Bars
from engine.errors import InvalidInput
from engine.expression.evaluate import broken_rule, evaluate, lookback
from engine.expression.graph import Graph, Node
from engine.expression.parse import parse
from engine.expression.tokens import Source
from engine.expression.values import Flags, Truth
from engine.expression.writer import LARGEST, RESERVED, Writer
from engine.parameters import Parameter, refuse_unknown, shown
from engine.strategy import Strategy, Weights

FAMILY = "expression"
MAX_NAME = 64
MAX_PARAMETERS = 16
MAX_DOC = 200
MAX_WEIGHT = Parameter("max_weight", "float", 1.0, 0.01, 10.0, doc="Weights are cut to this size, whatever their sign.")
LONG, SHORT = ("entry", "exit"), ("short_entry", "short_exit")
_FIELDS = ("name", "params", *LONG, *SHORT, "weight", "max_weight")
_DESCRIBED = ("type", "min", "max", "default", "doc")


def strategy_of(spec: Mapping[str, Any], *, source: str = "An expression") -> Strategy:
    """The strategy that a document describes; `source` says where it is from.

    Raises:
        InvalidInput: for a field that is unknown, missing or of the wrong type; `pointer` says which.
        InvalidExpression: for a text that cannot be read or means nothing; `position` says where.
    """
    if not isinstance(spec, Mapping):
        raise InvalidInput("A strategy must be an object.", pointer="", given=shown(spec))
    refuse_unknown(spec, _FIELDS, error=InvalidInput, where="", kind="field")
    name = _name(spec)
    parameters = _parameters(spec.get("params", {}))
    graph = Graph({parameter.name: parameter for parameter in parameters})
    formula = _weighted(spec, graph) if "weight" in spec else _switched(spec, graph)
    for parameter in parameters:
        if parameter.name not in graph.used:
            message = f"No expression uses the parameter '{parameter.name}'."
            raise InvalidInput(message, code="unused_parameter", pointer=f"/params/{parameter.name}")
    clean = _clean(spec, name, parameters)
    made = Strategy(
        function=formula,
        id=identifier(name),
        summary=f"{name}.",
        doc="\n\n".join([f"{name}.", *(f"{part}: `{clean[part]}`" for part in _FIELDS[2:] if part in clean)]),
        family=FAMILY,
        source=source,
        dataset=None,
        symbols=(),
        parameters=parameters,
        rule=partial(_rule, formula.nodes),
        needs=partial(_needs, formula.nodes),
        spec=clean,
        beside=graph.symbols(),
        code=json.dumps(clean, sort_keys=True, separators=(",", ":"), allow_nan=False).encode(),
    )
    made.validate()  # defaults that do not fit together would be found by the first run
    return made


def identifier(name: str) -> str:
    """The id of a name: `Golden cross!` is `golden_cross`; "" where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


@dataclass(frozen=True, eq=False)
class Formula:
    """A strategy's function: the weights that the last nodes of a graph say."""

    nodes: tuple[Node, ...]
    roots: Mapping[str, int]
    max_weight: float = 1.0

    def __call__(self, bars: Bars, /, **params: float) -> Weights:
        found = dict(zip(self.roots, evaluate(self.nodes, list(self.roots.values()), bars, params), strict=True))
        shape = bars.close.shape
        if "weight" in found:
            return np.broadcast_to(np.clip(found["weight"], -self.max_weight, self.max_weight), shape)
        weights = np.zeros(shape)
        if LONG[0] in found:
            weights += indicators.latch(*(_flags(found[part], shape) for part in LONG))
        if SHORT[0] in found:
            weights -= indicators.latch(*(_flags(found[part], shape) for part in SHORT))
        return weights / len(bars.symbols)


def _flags(truth: Truth, shape: tuple[int, ...]) -> Flags:
    return np.broadcast_to(truth.yes, shape)


def _rule(nodes: tuple[Node, ...], /, **params: float) -> str | None:
    return broken_rule(nodes, params)


def _needs(nodes: tuple[Node, ...], /, **params: float) -> int:
    return lookback(nodes, params)


def _weighted(spec: Mapping[str, Any], graph: Graph) -> Formula:
    wrong = [part for part in (*LONG, *SHORT) if part in spec]
    if wrong:
        message = f"A strategy has either a weight or entries and exits; here are weight and {wrong[0]}."
        raise InvalidInput(message, pointer=f"/{wrong[0]}")
    roots = {"weight": _root(spec, "weight", graph)}
    return Formula(tuple(graph.nodes), roots, _number(spec.get("max_weight", 1.0), MAX_WEIGHT, ""))


def _switched(spec: Mapping[str, Any], graph: Graph) -> Formula:
    pairs = [pair for pair in (LONG, SHORT) if any(part in spec for part in pair)]
    if not pairs:
        raise InvalidInput("A strategy needs entry and exit, or a weight.", pointer="/entry")
    if "max_weight" in spec:
        raise InvalidInput("max_weight belongs to a weight; entries give 1/N each.", pointer="/max_weight")
    for pair in pairs:
        for part, other in (pair, pair[::-1]):
            if part not in spec:
                raise InvalidInput(f"{part} is missing beside {other}.", pointer=f"/{part}")
    roots = {part: _root(spec, part, graph) for pair in pairs for part in pair}
    return Formula(tuple(graph.nodes), roots)


def _root(spec: Mapping[str, Any], part: str, graph: Graph) -> int:
    text = spec[part]
    if not isinstance(text, str):
        raise InvalidInput(f"{part} must be a text.", pointer=f"/{part}", given=shown(text))
    source = Source(text, f"/{part}")
    writer = Writer(graph, source)
    found = parse(source, writer)
    if part == "weight":
        writer.require(found, ("number", "series"), "A weight must be a number or a series")
    else:
        writer.require(found, ("truth",), f"{part} must be a truth, such as a comparison")
    return found.node


def _name(spec: Mapping[str, Any]) -> str:
    name = spec.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        message = f"name must be a text of 1 to {MAX_NAME} printable characters."
        raise InvalidInput(message, pointer="/name", given=shown(name))
    if not re.match("[a-z]", identifier(name)):
        message = "name must begin with a letter from a to z: the strategy's id is made of it."
        raise InvalidInput(message, pointer="/name", given=name)
    return name


def _parameters(given: object) -> tuple[Parameter, ...]:
    if not isinstance(given, Mapping):
        raise InvalidInput("params must be an object.", pointer="/params", given=shown(given))
    if len(given) > MAX_PARAMETERS:
        message = f"There are {len(given)} parameters; at most {MAX_PARAMETERS} are allowed."
        raise InvalidInput(message, pointer="/params", given=len(given), allowed={"maximum": MAX_PARAMETERS})
    return tuple(_parameter(name, described) for name, described in given.items())


def _parameter(name: object, given: object) -> Parameter:
    told = str(shown(name))
    where = f"/params/{told.replace('~', '~0').replace('/', '~1')}"
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name) or name in RESERVED:
        message = (
            f"'{told}' cannot name a parameter: small letters, digits and _, at most 32, and no word of the language."
        )
        raise InvalidInput(message, pointer=where, given=told)
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{name} must be an object with {', '.join(_DESCRIBED)}.", pointer=where, given=shown(given))
    refuse_unknown(given, _DESCRIBED, error=InvalidInput, where=where, kind="field")
    kind = given.get("type")
    if kind not in ("int", "float"):
        message = "type must be int or float."
        raise InvalidInput(message, pointer=f"{where}/type", given=shown(kind), allowed=["int", "float"])
    low, high = (_bound(given, field, str(kind), where) for field in ("min", "max"))
    if low > high:
        raise InvalidInput(f"min ({low:g}) must not be above max ({high:g}).", pointer=f"{where}/min", given=low)
    doc = given.get("doc", "")
    if not isinstance(doc, str) or len(doc) > MAX_DOC:
        raise InvalidInput(
            f"doc must be a text of at most {MAX_DOC} characters.", pointer=f"{where}/doc", given=shown(doc)
        )
    default = _bound(given, "default", str(kind), where, (low, high))
    return Parameter(name, str(kind), default, low, high, doc=doc)


def _bound(
    given: Mapping[str, Any], field: str, kind: str, where: str, range: tuple[float, float] = (-LARGEST, LARGEST)
) -> float:
    if field not in given:
        raise InvalidInput(f"{field} is missing.", pointer=f"{where}/{field}")
    return _number(given[field], Parameter(field, kind, None, *range), where)


def _number(given: object, described: Parameter, where: str) -> float:
    number = described.check(given, error=InvalidInput, where=where)
    assert isinstance(number, int | float)  # noqa: S101 - it is described as one
    return number


def _clean(spec: Mapping[str, Any], name: str, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """The document with every default filled in and every number in its own type: equal ones have equal bytes."""
    described = {
        item.name: {"type": item.type, "min": item.low, "max": item.high, "default": item.default, "doc": item.doc}
        for item in parameters
    }
    clean: dict[str, Any] = {"name": name, "params": described}
    clean |= {part: spec[part] for part in (*LONG, *SHORT, "weight") if part in spec}
    if "weight" in spec:
        clean["max_weight"] = _number(spec.get("max_weight", 1.0), MAX_WEIGHT, "")
    return clean
