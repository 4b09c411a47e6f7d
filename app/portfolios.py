"""What the request of a portfolio means: each sleeve is a backtest's request, and what they share stands beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from app.catalog import Catalog
from app.contracts import Standing, config_of, load_bars, resolve_backtest
from app.dataset import Dataset
from app.quality import require_clean
from app.shelf import Shelf
from engine import ENGINE_VERSION
from engine.bars import Bars
from engine.errors import BadData, InvalidInput, QueuantError, UnknownName
from engine.parameters import Parameter
from engine.portfolio.joining import by_day, fitted
from engine.portfolio.mandate import EQUAL, FIXED, MOST_SLEEVES, Mandate, described

KIND = "portfolio"
# What a sleeve says of itself; all else is said of the book.
_OWN = ("strategy_id", "params", "dataset", "symbols")
# Bars x symbols, summed over the sleeves: 80 MB for each array of them.
MOST_CELLS = 10_000_000
# A benchmark may have had its last close so long before the book ends: a weekend with holidays around it.
MOST_SILENCE = np.timedelta64(7, "D")
_WEIGHT = Parameter("weight", "float", None, 0.0, 100.0, optional=True)


def resolve_portfolio(body: Mapping[str, Any], catalog: Catalog, shelf: Shelf, standing: Standing) -> dict[str, Any]:
    """The request with every default filled in, checked against strategies, data and configuration.

    The book runs from the latest of the first to the earliest of the last bars of its sleeves, and fills at opens only
    where all of them have opens. Raises as `resolve_backtest`, with pointers such as `/strategies/1/params/fast`.
    """
    asked = body["strategies"]
    if not 1 <= len(asked) <= MOST_SLEEVES:
        raise InvalidInput(
            f"A portfolio has 1 to {MOST_SLEEVES} strategies, this one {len(asked)}.",
            pointer="/strategies",
            given=len(asked),
            allowed={"minimum": 1, "maximum": MOST_SLEEVES},
        )
    names, weights = _names(asked), _weights(asked)
    mandate, config = _mandate(body, weights), config_of(body, {})
    mandate.fixed(weights, config.max_leverage)
    common = {name: body[name] for name in ("start_date", "end_date", "initial_capital", "seed") if body.get(name)}
    common["config"] = dict(body.get("config") or {})
    sleeves = [_sleeve(place, said, common, catalog, shelf, standing) for place, said in enumerate(asked)]
    every = [load_bars(sleeve, catalog) for sleeve in sleeves]
    by_day(every)
    config = fitted(config, every)
    common |= _shared_range(names, sleeves)
    common["config"]["fill"] = config.fill
    sleeves = [_sleeve(place, said, common, catalog, shelf, standing) for place, said in enumerate(asked)]
    every = [load_bars(sleeve, catalog) for sleeve in sleeves]
    _require_room(every)
    benchmark = _benchmark(body.get("benchmark"), sleeves, every, catalog)
    return {
        "sleeves": [
            {"name": name, "weight": weight} | sleeve
            for name, weight, sleeve in zip(names, weights, sleeves, strict=True)
        ],
        "mandate": mandate.as_dict(),
        "config": config.as_dict(),
        "start_date": common["start_date"],
        "end_date": common["end_date"],
        "seed": int(body.get("seed") or 0),
        "engine_version": ENGINE_VERSION,
        # Only where there is one: what other books asked for before keeps its hash.
        **({"benchmark": benchmark} if benchmark else {}),
    }


def estimate(request: Mapping[str, Any], catalog: Catalog) -> dict[str, int]:
    """How much a resolved request asks for."""
    every = [load_bars(sleeve, catalog) for sleeve in request["sleeves"]]
    return {
        "sleeves": len(every),
        "bars": max(len(bars) for bars in every),
        "symbols": len({(sleeve["dataset_id"], name) for sleeve in request["sleeves"] for name in sleeve["symbols"]}),
        "cells": sum(bars.close.size for bars in every),
    }


def benchmark_bars(request: Mapping[str, Any], catalog: Catalog) -> Bars | None:
    """The bars of the symbol that a resolved request compares with: all up to the book's end."""
    asked = request.get("benchmark")
    return None if asked is None else catalog.bars(dataset_name(asked), [asked["symbol"]], None, request["end_date"])


def dataset_name(item: Mapping[str, Any]) -> str:
    """The dataset of a sleeve or benchmark, at its version."""
    return f"{item['dataset_id']}@{item['dataset_version']}"


def _benchmark(
    asked: str | None, sleeves: Sequence[Mapping[str, Any]], every: Sequence[Bars], catalog: Catalog
) -> dict[str, Any] | None:
    """The symbol to compare with, found and checked: the book's days are within those of its closes."""
    if asked is None:
        return None
    own = [catalog.get(name) for name in dict.fromkeys(map(dataset_name, sleeves))]
    dataset, symbol = _holder(asked, own, catalog)
    start, end = sleeves[0]["start_date"], sleeves[0]["end_date"]
    bars = dataset.all_bars.select([symbol])
    require_clean(dataset.findings, {symbol}, start, end)
    try:
        by_day([*every, bars])
    except BadData as error:
        error.pointer = "/benchmark"
        raise
    days = bars.sessions[np.isfinite(bars.close[:, 0])]
    if not len(days) or days[0] > np.datetime64(start) or days[-1] < np.datetime64(end) - MOST_SILENCE:
        raise BadData(
            f"The book runs from {start} to {end}, and {asked} has no closes for all of it.",
            code="bad_benchmark",
            pointer="/benchmark",
            given=asked,
            allowed={"start": str(days[0]), "end": str(days[-1])} if len(days) else None,
        )
    return {"dataset_id": dataset.id, "dataset_version": dataset.version, "symbol": symbol}


def _holder(asked: str, own: Sequence[Dataset], catalog: Catalog) -> tuple[Dataset, str]:
    """The dataset of a symbol, and the symbol: of one of the sleeves' datasets, or of the one that is named."""
    holders = [dataset for dataset in own if asked in dataset.all_bars.symbols]
    if len(holders) > 1:
        raise InvalidInput(
            f"{asked} is in {len(holders)} datasets of the book: say which one.",
            code="ambiguous_symbol",
            pointer="/benchmark",
            given=asked,
            allowed=[f"{dataset.id}@{dataset.version}:{asked}" for dataset in holders],
        )
    if holders:
        return holders[0], asked
    head, colon, symbol = asked.partition(":")
    if not colon:
        every = [name for dataset in own for name in dataset.all_bars.symbols]
        raise UnknownName.of("symbol", asked, every, pointer="/benchmark")
    try:
        dataset = catalog.get(head)
    except QueuantError as error:
        error.pointer = "/benchmark"
        raise
    if symbol not in dataset.all_bars.symbols:
        raise UnknownName.of("symbol", symbol, dataset.all_bars.symbols, pointer="/benchmark")
    return dataset, symbol


def _names(asked: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What each sleeve is called: as it says, else by its strategy, and by `#2` where that is taken."""
    found: list[str] = [said.get("name") or "" for said in asked]
    for place, name in enumerate(found):
        if name and name in found[:place]:
            raise InvalidInput(f"Two sleeves are called '{name}'.", pointer=f"/strategies/{place}/name", given=name)
    for place, said in enumerate(asked):
        name = found[place] or said["strategy_id"]
        count = 1
        while not found[place] and name in found:
            count += 1
            name = f"{said['strategy_id']}#{count}"
        found[place] = name
    return tuple(found)


def _weights(asked: Sequence[Mapping[str, Any]]) -> tuple[float | None, ...]:
    found: list[float | None] = []
    for place, said in enumerate(asked):
        value = _WEIGHT.check(said.get("weight"), error=InvalidInput, where=f"/strategies/{place}")
        found.append(None if value is None else float(str(value)))
    return tuple(found)


def _mandate(body: Mapping[str, Any], weights: Sequence[float | None]) -> Mandate:
    """How the account is split: weights that are given and not otherwise explained are fixed ones."""
    given = {item.name: body[item.name] for item in described() if body.get(item.name) is not None}
    given.setdefault("allocation", EQUAL if all(weight is None for weight in weights) else FIXED)
    return Mandate.parse(given)


def _sleeve(
    place: int, said: Mapping[str, Any], common: Mapping[str, Any], catalog: Catalog, shelf: Shelf, standing: Standing
) -> dict[str, Any]:
    with _pointing_at(place):
        own = {name: said[name] for name in _OWN if said.get(name) is not None}
        return resolve_backtest({**own, **common}, catalog, shelf, standing)


@contextmanager
def _pointing_at(place: int) -> Iterator[None]:
    """Let an error about what a sleeve says point at that sleeve."""
    try:
        yield
    except QueuantError as error:
        head = (error.pointer or "").split("/")[1:2]
        if not head or head[0] in _OWN:
            error.pointer = f"/strategies/{place}{error.pointer or ''}"
        raise


def _shared_range(names: Sequence[str], sleeves: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The days on which all of the sleeves have begun and none has ended."""
    last = max(range(len(sleeves)), key=lambda place: str(sleeves[place]["start_date"]))
    first = min(range(len(sleeves)), key=lambda place: str(sleeves[place]["end_date"]))
    start, end = sleeves[last]["start_date"], sleeves[first]["end_date"]
    if start >= end:
        raise BadData(
            f"The sleeves have no days in common: {names[last]} begins on {start}, {names[first]} ends on {end}.",
            code="no_common_range",
            pointer=f"/strategies/{last}/dataset",
            given={"start": start, "end": end},
        )
    return {"start_date": start, "end_date": end}


def _require_room(every: Sequence[Bars]) -> None:
    cells = sum(bars.close.size for bars in every)
    if cells > MOST_CELLS:
        raise InvalidInput(
            f"Bars × symbols of all sleeves are {cells:,}; a portfolio takes at most {MOST_CELLS:,}.",
            code="too_much_data",
            pointer="/strategies",
            given=cells,
            allowed={"maximum": MOST_CELLS},
        )
