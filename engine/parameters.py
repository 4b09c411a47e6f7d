"""One description of a value that a user may set: type, bounds, choices, default, meaning.

An annotation is the only source: `Annotated[int, Range(2, 200), "Bars of the fast average."] = 20`. Strategies
(`engine.strategy`) and the simulation's configuration (`engine.config`) read their fields from it, and the JSON
schema, the form, the documentation and the check of a request all follow from the same object.
"""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from engine.errors import InvalidInput, nearest

Value: TypeAlias = "int | float | bool | str | Numbers | None"
# Characters of a name in a table.
LONGEST_NAME = 64
# Named here because Parameter has a field called `type`.
Refusal: TypeAlias = type[InvalidInput]


@dataclass(frozen=True)
class Range:
    """Both bounds belong to the range."""

    low: float
    high: float


@dataclass(frozen=True)
class Table:
    """At most `most` names with a number in the range each; `named` are tables that one word stands for."""

    low: float
    high: float
    most: int = 200
    named: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


class Numbers(Mapping[str, float]):
    """Numbers by name, sorted; nobody can change them, so that they have a hash. Equal to a dict of the same."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, float]) -> None:
        self._entries = dict(sorted(entries.items()))

    def __getitem__(self, name: str) -> float:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __hash__(self) -> int:
        return hash(tuple(self._entries.items()))

    def __repr__(self) -> str:
        return repr(self._entries)


@dataclass(frozen=True)
class Parameter:
    """One named value: `type` is "int", "float", "bool", "choice" or "table" (names with a number each).

    `optional` says that None is a value too.
    """

    name: str
    type: str
    default: Value
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False
    doc: str = ""
    table: Table | None = None

    def schema(self) -> dict[str, Any]:
        """This value as a property of a JSON Schema (2020-12)."""
        if self.table is not None:
            arms = [*_table_schema(self.table), *([{"type": "null"}] if self.optional else [])]
            default = dict(self.default) if isinstance(self.default, Numbers) else self.default
            return {"anyOf": arms, "default": default} | ({"description": self.doc} if self.doc else {})
        kinds = {"int": "integer", "float": "number", "bool": "boolean", "choice": "string"}
        kind: dict[str, Any] = {"type": kinds[self.type]}
        if self.choices:
            kind["enum"] = list(self.choices)
        if self.low is not None:
            kind |= {"minimum": self.low, "maximum": self.high}
        if self.optional:
            kind["type"] = [kind["type"], "null"]
            if "enum" in kind:
                kind["enum"] = [*kind["enum"], None]
        described = {"description": self.doc} if self.doc else {}
        return kind | {"default": self.default} | described

    def check(self, value: object, *, error: Refusal, where: str) -> Value:
        """The value in its own type, or `error` with the pointer `where/name`, what was given and what is allowed."""
        if value is None and self.optional:
            return None
        if self.type == "choice":
            return self._choice(value, error, where)
        if self.table is not None:
            return self._numbers(value, self.table, error, where)
        if self.type == "bool":
            if isinstance(value, bool):
                return value
            raise self._refusal("must be true or false", value, error, where)
        return self._number(value, error, where)

    def _choice(self, value: object, error: Refusal, where: str) -> str:
        if isinstance(value, str) and value in self.choices:
            return value
        near = nearest(value, self.choices) if isinstance(value, str) else None
        raise self._refusal(f"must be one of {', '.join(self.choices)}", value, error, where, near)

    def _numbers(self, given: object, table: Table, error: Refusal, where: str) -> Numbers:
        if isinstance(given, str):
            if given in table.named:
                return Numbers(table.named[given])
            near = nearest(given, table.named)
            raise self._refusal("must be an object of numbers, or the name of a table", given, error, where, near)
        if not isinstance(given, Mapping):
            raise self._refusal("must be an object of numbers", given, error, where)
        if len(given) > table.most:
            raise self._refusal(f"must have at most {table.most} entries", f"{len(given)} entries", error, where)
        entries: dict[str, float] = {}
        for name, value in given.items():
            if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME:
                raise self._refusal(f"must have names of 1 to {LONGEST_NAME} characters", name, error, where)
            entry = Parameter(name, "float", None, table.low, table.high)
            entries[name] = entry._number(value, error, f"{where}/{self.name}")
        return Numbers(entries)

    def _number(self, given: object, error: Refusal, where: str) -> int | float:
        whole = self.type == "int"
        value: Any = given
        # A bool is an int to Python, never to a reader of the request.
        if isinstance(given, bool) or not isinstance(given, numbers.Real):
            raise self._refusal(f"must be {'a whole number' if whole else 'a number'}", value, error, where)
        if not _finite(value):
            raise self._refusal("must be a finite number", value, error, where)
        if whole and value != int(value):
            raise self._refusal("must be a whole number", value, error, where)
        if self.low is not None and self.high is not None and not self.low <= value <= self.high:
            raise self._refusal(f"must lie between {self.low:g} and {self.high:g}", value, error, where)
        # Adding zero turns -0.0 into 0.0: equal requests must read equal.
        return int(value) if whole else float(value) + 0.0

    def _refusal(self, rule: str, value: object, error: Refusal, where: str, near: str | None = None) -> InvalidInput:
        allowed: Any = {key: item for key, item in self.schema().items() if key not in ("default", "description")}
        return error(
            f"{self.name} {rule}.",
            pointer=f"{where}/{escaped(self.name)}",
            given=shown(value),
            allowed=allowed,
            nearest=near,
        )


def _table_schema(table: Table) -> list[dict[str, Any]]:
    """What a table may be, as arms of a JSON Schema: a name, or an object of bounded numbers."""
    named = [{"type": "string", "enum": sorted(table.named)}] if table.named else []
    entries = {
        "type": "object",
        "propertyNames": {"minLength": 1, "maxLength": LONGEST_NAME},
        "additionalProperties": {"type": "number", "minimum": table.low, "maximum": table.high},
        "maxProperties": table.most,
    }
    return [*named, entries]


def escaped(name: str) -> str:
    """A name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int too large for a float is finite, and the bounds will refuse it
        return True


def shown(value: object) -> object:
    """An offending value as JSON can carry it back: short, and never NaN, infinity or a number of 400 digits."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value[:80]
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)[:80]  # as it was sent
    return f"{type(value).__name__}: {value!r}"[:80]


def read(name: str, annotation: object, default: object) -> Parameter:
    """The parameter that an annotation describes. TypeError when the annotation says too little or is unknown."""
    metadata: tuple[object, ...] = ()
    optional = False
    while get_origin(annotation) in (Annotated, Union, UnionType):
        if get_origin(annotation) is Annotated:
            annotation, *extra = get_args(annotation)
            metadata += tuple(extra)
            continue
        arms = [arm for arm in get_args(annotation) if arm is not NoneType]
        if len(arms) != 1:
            raise TypeError(f"{name}: a union may only add None")
        annotation, optional = arms[0], True
    doc = next((item for item in metadata if isinstance(item, str)), "")
    bounds = next((item for item in metadata if isinstance(item, Range)), None)
    table = next((item for item in metadata if isinstance(item, Table)), None)
    kind, choices = _kind(name, annotation)
    if (kind == "table") != (table is not None):
        raise TypeError(f"{name}: a mapping needs its Table, and a Table belongs to a mapping")
    if kind in ("int", "float") and bounds is None:
        raise TypeError(f"{name}: a number needs its Range")
    low, high = (bounds.low, bounds.high) if bounds else (None, None)
    found = Parameter(name, kind, None, low, high, choices, optional, doc, table)
    return replace(found, default=found.check(default, error=InvalidInput, where=""))


def _kind(name: str, annotation: object) -> tuple[str, tuple[str, ...]]:
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation)
    if get_origin(annotation) is Mapping and get_args(annotation) == (str, float):
        return "table", ()
    kinds: dict[object, str] = {int: "int", float: "float", bool: "bool"}
    if annotation not in kinds:
        raise TypeError(f"{name}: {annotation!r} is no int, float, bool, Literal of strings or Mapping[str, float]")
    return kinds[annotation], ()


def refuse_unknown(given: Iterable[object], known: Iterable[str], *, error: Refusal, where: str, kind: str) -> None:
    """Raise `error` for the first name that nobody knows, with the nearest one that is known."""
    names = list(known)
    word, of, whose = kind.partition(" of ")
    for name in given:
        if name in names:
            continue
        text = str(shown(name))
        near = nearest(text, names)
        hint = f" Did you mean '{near}'?" if near else ""
        raise error(
            f"There is no {word} '{text}'{of}{whose}.{hint}",
            pointer=f"{where}/{escaped(text)}",
            given=text,
            allowed=names,
            nearest=near,
        )


def object_schema(title: str, parameters: Iterable[Parameter], description: str = "") -> dict[str, Any]:
    """JSON Schema (2020-12) of an object that holds these parameters and nothing else."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": description,
        "type": "object",
        "properties": {parameter.name: parameter.schema() for parameter in parameters},
        "additionalProperties": False,
    }


def check_all(
    parameters: Iterable[Parameter],
    given: Mapping[str, object],
    *,
    error: Refusal,
    where: str,
    kind: str,
) -> dict[str, Any]:
    """Every parameter with its checked or default value; names that are unknown are refused first."""
    described = tuple(parameters)
    if not isinstance(given, Mapping):
        raise error(f"{where} must be an object.", pointer=where, given=shown(given))
    refuse_unknown(given, (item.name for item in described), error=error, where=where, kind=kind)
    return {
        item.name: item.check(given[item.name], error=error, where=where) if item.name in given else item.default
        for item in described
    }
