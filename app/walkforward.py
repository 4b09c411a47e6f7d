"""What a request to walk forward means: a search, and the bars on which its trials are chosen and tested.

A resolved one is a resolved sweep with a field `walkforward`: months of training and test and how they move on, or the
groups of a combinatorial cross-validation; and the bars that are dropped between training and test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.catalog import Catalog
from app.contracts import Standing, load_bars, no_standing
from app.shelf import Shelf
from app.sweeps import resolve_sweep, search_of
from engine.bars import Bars
from engine.errors import BadData, InvalidInput
from engine.sweep.search import Search
from engine.sweep.splits import Fold, Groups, month_folds

KIND = "walkforward"
MONTHS = ("train_months", "test_months", "step_months", "anchored")
FIELDS = (*MONTHS, "purge", "embargo", "cpcv")
# Trials times choices; and those times bars, which a walk runs and a cross-validation only puts together.
MOST_RUNS = 4_000_000
MOST_CELLS = 1_000_000_000_000
MOST_JOINED = 50_000_000_000
# Trials times splits times groups of a cross-validation: pieces that are put together, some hours of a core.
MOST_PIECES = 50_000_000
# Numbers in the paths of a cross-validation, eight bytes each.
MOST_PATH_CELLS = 10_000_000
# Of a sweep, and without meaning here.
_UNUSED = ("each_symbol", "top")
# Candidates that are looked through at once for the longest lookback.
_LOOK = 10_000


def resolve_walkforward(
    body: Mapping[str, Any], catalog: Catalog, shelf: Shelf, standing: Standing = no_standing
) -> dict[str, Any]:
    """The request with every default filled in, checked as `resolve_sweep` does.

    Raises InvalidInput or BadData with the pointer of the offending field.
    """
    search = {name: value for name, value in body.items() if name not in FIELDS}
    resolved = resolve_sweep(search, catalog, shelf, standing)
    resolved["sweep"] = {name: value for name, value in resolved["sweep"].items() if name not in _UNUSED}
    bars, strategy = load_bars(resolved, catalog), shelf.get(resolved["strategy_id"])
    needed = longest_lookback(search_of(resolved, strategy))
    resolved["walkforward"] = _grouped(body, needed) if body.get("cpcv") else _by_months(body)
    plan = plan_of(resolved, bars)
    if not isinstance(plan, Groups):
        _require_bars(plan, resolved["walkforward"]["purge"], needed)
    _refuse_work(resolved, catalog, plan)
    return resolved


def plan_of(request: Mapping[str, Any], bars: Bars) -> tuple[Fold, ...] | Groups:
    """The folds of a resolved request on its bars, or its groups."""
    asked = request["walkforward"]
    if "cpcv" in asked:
        groups = asked["cpcv"]
        return Groups(len(bars), groups["groups"], groups["test_groups"], asked["purge"], asked["embargo"])
    return month_folds(
        bars.sessions,
        train=asked["train_months"],
        test=asked["test_months"],
        step=asked["step_months"],
        anchored=asked["anchored"],
        purge=asked["purge"],
    )


def size_of(request: Mapping[str, Any], catalog: Catalog) -> dict[str, int]:
    """How much a resolved request asks for."""
    bars = load_bars(request, catalog)
    plan, asked = plan_of(request, bars), request["sweep"]
    trials, symbols = asked["trials"] or _combinations(asked["grid"]), len(bars.symbols)
    size = {"bars": len(bars), "symbols": symbols, "trials": trials}
    if isinstance(plan, Groups):
        trained: Sequence[int] = plan.trained
        size |= {"folds": len(plan.splits), "paths": len(plan.paths)}
    else:
        trained = [fold.split - request["walkforward"]["purge"] - fold.first for fold in plan]
        size |= {"folds": len(plan)}
    return size | {"runs": trials * len(trained), "cells": trials * symbols * sum(trained)}


def longest_lookback(search: Search) -> int:
    """How many bars the first decision needs of the trial that needs most."""
    longest = 0
    for first in range(0, search.candidates, _LOOK):
        trials = search.stretch(first, min(search.candidates, first + _LOOK)).trials
        if trials is not None:
            longest = max(longest, trials.bound(trials.longest).lookback)
    return longest


def _combinations(grid: Mapping[str, Any]) -> int:
    count = 1
    for axis in grid.values():
        count *= len(axis)
    return count


def _by_months(body: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("train_months", "test_months"):
        if body.get(name) is None:
            raise InvalidInput(
                f"{name} is missing: a walk forward needs train_months and test_months, a cross-validation cpcv.",
                pointer=f"/{name}",
                allowed={"minimum": 1},
            )
    return {
        "train_months": body["train_months"],
        "test_months": body["test_months"],
        "step_months": body.get("step_months") or body["test_months"],
        "anchored": bool(body.get("anchored")),
        "purge": body.get("purge") or 0,
        "embargo": body.get("embargo") or 0,
    }


def _grouped(body: Mapping[str, Any], longest: int) -> dict[str, Any]:
    """Without an embargo in the request, no training begins with decisions that are made of the bars of a test."""
    months = next((name for name in MONTHS if body.get(name) is not None), None)
    if months is not None:
        raise InvalidInput(
            f"{months} is of a walk forward; with cpcv the groups say what is trained on and what is tested.",
            pointer=f"/{months}",
            given=body[months],
        )
    embargo = longest if body.get("embargo") is None else body["embargo"]
    return {"cpcv": dict(body["cpcv"]), "purge": body.get("purge") or 0, "embargo": embargo}


def _require_bars(folds: tuple[Fold, ...], purge: int, longest: int) -> None:
    least = min(fold.split - purge - fold.first for fold in folds)
    if least < longest + 2:
        raise BadData(
            f"A trial of this search needs {longest + 2} bars of training, the shortest training has {least}. Longer "
            "trainings would fit, or a search of shorter lookbacks.",
            code="not_enough_bars",
            pointer="/train_months",
            given=least,
            allowed={"minimum": longest + 2},
        )


def _refuse_work(request: Mapping[str, Any], catalog: Catalog, plan: tuple[Fold, ...] | Groups) -> None:
    size, grouped = size_of(request, catalog), isinstance(plan, Groups)
    limits = {"runs": MOST_RUNS, "cells": MOST_JOINED if grouped else MOST_CELLS}
    for what, most in limits.items():
        if size[what] > most:
            raise InvalidInput(
                f"That is {size[what]:,} {what} (trials by folds{' by their bars' * (what == 'cells')}); at most "
                f"{most:,} are taken. Fewer trials, folds or bars would fit.",
                code="sweep_too_large",
                pointer="/grid",
                given=size[what],
                allowed={"maximum": most},
            )
    if isinstance(plan, Groups) and size["runs"] * plan.count > MOST_PIECES:
        raise InvalidInput(
            f"That is {size['runs'] * plan.count:,} pieces (trials by splits by groups); at most {MOST_PIECES:,} are "
            "taken. Fewer trials or groups would fit.",
            code="sweep_too_large",
            pointer="/cpcv/groups",
            given=size["runs"] * plan.count,
            allowed={"maximum": MOST_PIECES},
        )
    if grouped and size["paths"] * size["bars"] > MOST_PATH_CELLS:
        raise InvalidInput(
            f"{size['paths']:,} paths of {size['bars']:,} bars are more than {MOST_PATH_CELLS:,} numbers.",
            code="too_many_folds",
            pointer="/cpcv",
            given=size["paths"],
            allowed={"maximum": MOST_PATH_CELLS // size["bars"]},
        )
