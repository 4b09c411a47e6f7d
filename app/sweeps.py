"""What a request for a sweep means: `app.contracts` for a search among parameters.

A resolved sweep is a resolved backtest whose `params` are those that stay, with a field `sweep`: the axes, how they are
searched, what is measured, and by what the trials are ranked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import engine.metrics  # noqa: F401  (fills the registry)
from app.catalog import Catalog
from app.contracts import Standing, estimate, no_standing, resolve_backtest
from app.shelf import Shelf
from engine.errors import InvalidInput, UnknownName
from engine.figures import METRICS
from engine.parameters import Parameter, refuse_unknown
from engine.strategy import Strategy
from engine.sweep.asked import Asked
from engine.sweep.search import Search, Space

KIND = "sweep"
# What is measured of every trial besides what the request ranks and limits by. A compiled pass gives these.
FIGURES = ("final_equity", "total_return", "sharpe", "max_drawdown", "total_trades")
FIELDS = ("grid", "random", "bayesian", "objective", "constraints", "each_symbol", "top")
# A parameter may have the name of a metric, so a column of trials says that it is one.
PARAM = "param:"
OBJECTIVE = "sharpe"
TOP = 10
# Trials of a Bayesian search: each is chosen by all before it, which takes the longer the more there are.
MOST_ASKED = 2_000
# How many of them are asked for at once. What is found does not depend on the number of workers, so this must not.
ROUND = 16
MOST_ROUND = 256
# JSON Schemas of a grid and of constraints.
_NUMBER = {"type": "number"}
_RANGES = [
    {"type": "array", "minItems": 1},
    {"type": "object", "required": ["start", "stop"], "properties": dict.fromkeys(("start", "stop", "step"), _NUMBER)},
    {
        "type": "object",
        "required": ["low", "high"],
        "properties": {"low": _NUMBER, "high": _NUMBER, "log": {"type": "boolean"}},
    },
]
GRID = {"type": "object", "additionalProperties": {"anyOf": _RANGES}}
_BOUNDS = {"type": "object", "properties": {"min": _NUMBER, "max": _NUMBER}, "additionalProperties": False}
LIMITS = {"type": "object", "additionalProperties": _BOUNDS}
# Trials times accounts, and those times bars: some hours of a core where trials are compiled.
MOST_RUNS = 4_000_000
MOST_CELLS = 1_000_000_000_000


def resolve_sweep(
    body: Mapping[str, Any], catalog: Catalog, shelf: Shelf, standing: Standing = no_standing
) -> dict[str, Any]:
    """The request with every default filled in, checked as `resolve_backtest` does.

    Raises InvalidInput with the pointer of the offending field; for too large a search before anything is made of it.
    """
    strategy = shelf.get(body["strategy_id"])
    method, drawn = _method(body)
    space = _space(body, strategy, standing, lattice=method == "grid")
    trials = drawn.get("trials")
    some = Search(space, trials, int(body.get("seed") or 0)).first()
    run = {name: value for name, value in body.items() if name not in FIELDS}
    resolved = resolve_backtest({**run, "params": some}, catalog, shelf)
    if body.get("each_symbol") and strategy.legs:
        raise InvalidInput(f"{strategy.id} trades its symbols together.", pointer="/each_symbol", given=True)
    objectives, constraints = _objectives(body), _constraints(body)
    asked = {
        "method": method,
        "grid": space.told(),
        "trials": trials,
        **({"round": drawn.get("round") or ROUND} if method == "bayesian" else {}),
        "objective": objectives,
        "constraints": constraints,
        "each_symbol": bool(body.get("each_symbol")) and len(resolved["symbols"]) > 1,
        "top": body.get("top") or TOP,
        "figures": list(dict.fromkeys([*FIGURES, *objectives, *constraints])),
    }
    resolved = {**resolved, "params": dict(space.base), "sweep": asked}
    _refuse_work(size_of(resolved, catalog))
    return resolved


def search_of(request: Mapping[str, Any], strategy: Strategy) -> Search:
    """The candidates of a resolved sweep; those of a Bayesian one are found while it runs."""
    asked = request["sweep"]
    space = Space.of(strategy, asked["grid"], request["params"], lattice=asked["method"] == "grid")
    kind = Asked if asked["method"] == "bayesian" else Search
    return kind(space, asked["trials"], request["seed"])


def size_of(request: Mapping[str, Any], catalog: Catalog) -> dict[str, int]:
    """How much a resolved sweep asks for."""
    asked, size = request["sweep"], estimate(request, catalog)
    trials = asked["trials"] or math.prod(len(axis) for axis in asked["grid"].values())
    accounts = size["symbols"] if asked["each_symbol"] else 1
    return size | {"trials": trials, "runs": trials * accounts, "cells": trials * size["cells"]}


def _method(body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """How is searched, and what was said of it; of a grid nothing."""
    asked = [name for name in ("random", "bayesian") if body.get(name)]
    if len(asked) > 1:
        raise InvalidInput(
            "A search is random or Bayesian, not both.", pointer="/bayesian", given=body["bayesian"], allowed=asked
        )
    return (asked[0], body[asked[0]]) if asked else ("grid", {})


def _space(body: Mapping[str, Any], strategy: Strategy, standing: Standing, *, lattice: bool) -> Space:
    given, grid = body.get("params") or {}, body.get("grid") or {}
    twice = next((name for name in given if name in grid), None)
    if twice is not None:
        raise InvalidInput(f"{twice} is a parameter that stays, and an axis of the grid.", pointer=f"/grid/{twice}")
    base = {name: value for name, value in {**standing(strategy.id), **given}.items() if name not in grid}
    if grid:
        return Space.of(strategy, grid, base, lattice=lattice)
    if lattice:
        raise InvalidInput(
            "A sweep needs a grid: values for at least one parameter.",
            code="empty_sweep",
            pointer="/grid",
            allowed={"parameters": [item.name for item in strategy.parameters]},
        )
    return Space.whole(strategy, given)


def _objectives(body: Mapping[str, Any]) -> list[str]:
    asked = body.get("objective") or OBJECTIVE
    listed = [asked] if isinstance(asked, str) else list(asked)
    for position, name in enumerate(listed):
        pointer = "/objective" if isinstance(asked, str) else f"/objective/{position}"
        _refuse_comparing(name, pointer)
        if METRICS[name].better not in ("higher", "lower"):
            raise InvalidInput(f"Of {name} no value is better than another.", pointer=pointer, given=name)
    return list(dict.fromkeys(listed))


def _refuse_comparing(name: str, pointer: str) -> None:
    """Raise unless there is such a metric, and every trial has it: a benchmark stands beside the best one alone."""
    if name not in METRICS:
        raise UnknownName.of("metric", name, METRICS, pointer=pointer)
    if METRICS[name].compares:
        allowed = [each for each, metric in METRICS.items() if not metric.compares]
        text = f"{name} compares with a benchmark. Trials are judged alone; the best one has it among its metrics."
        raise InvalidInput(text, pointer=pointer, given=name, allowed=allowed)


def _constraints(body: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    return {name: _bounds(name, bounds) for name, bounds in (body.get("constraints") or {}).items()}


def _bounds(name: str, bounds: Any) -> dict[str, float]:
    where = f"/constraints/{name}"
    _refuse_comparing(name, where)
    if not isinstance(bounds, Mapping) or not bounds:
        raise InvalidInput(
            f"The constraint on {name} needs a min, a max or both.", pointer=where, allowed=["min", "max"]
        )
    sides = ("min", "max")
    refuse_unknown(bounds, sides, error=InvalidInput, where=where, kind="bound")
    found = {
        side: float(Parameter(side, "float", None).check(bounds[side], error=InvalidInput, where=where))  # type: ignore[arg-type]
        for side in sides
        if side in bounds
    }
    if len(found) == 2 and found["min"] > found["max"]:
        raise InvalidInput(
            f"No {name} is at least {found['min']:g} and at most {found['max']:g}.", pointer=where, given=found
        )
    return found


def _refuse_work(size: Mapping[str, int]) -> None:
    for what, most in (("runs", MOST_RUNS), ("cells", MOST_CELLS)):
        if size[what] > most:
            raise InvalidInput(
                f"The sweep has {size[what]:,} {what} (trials by accounts{' by bars' * (what == 'cells')}); at most "
                f"{most:,} are taken. Fewer trials, symbols or bars would fit.",
                code="sweep_too_large",
                pointer="/grid",
                given=size[what],
                allowed={"maximum": most},
            )
