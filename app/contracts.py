"""What a request means. The API checks it here before queueing, and the worker reads the same resolved form.

A resolved request is JSON: it names strategy and version, all parameters, dataset and version, symbols, the first and
last bar, the whole configuration and the engine, so its hash stands for the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeAlias

import numpy as np

from app.catalog import Catalog
from app.dataset import Dataset, iso_day
from app.quality import require_clean
from app.shelf import Shelf
from engine import ENGINE_VERSION, Bars, Config
from engine.errors import BadData, InvalidConfig, InvalidInput, UnknownName, nearest
from engine.strategy import Strategy

KIND = "backtest"
DEFAULT_DATASET = "fx_daily"

# By strategy: the parameters that stand in place of its defaults (`PUT /strategies/{id}/params`).
Standing: TypeAlias = Callable[[str], Mapping[str, Any]]


def no_standing(_: str) -> Mapping[str, Any]:
    """Nothing stands in place of a strategy's defaults."""
    return {}


def resolve_backtest(
    body: Mapping[str, Any], catalog: Catalog, shelf: Shelf, standing: Standing = no_standing
) -> dict[str, Any]:
    """The request with every default filled in, checked against strategy, data and configuration.

    A parameter that the request does not give is the standing one, else the strategy's default.

    Raises InvalidInput or BadData with the pointer of the offending field, what is allowed, and the nearest match.
    """
    strategy = shelf.get(body["strategy_id"])
    bound = strategy.bind(**{**standing(strategy.id), **_object(body, "params")})
    dataset = catalog.get(body.get("dataset") or dataset_of(strategy))
    everything = dataset.all_bars
    symbols = _symbols(body, strategy, dataset.id, everything)
    beside = _beside(strategy, dataset.id, everything, symbols)
    _require_series(strategy, dataset, everything)
    config = config_of(body, strategy.defaults)
    benchmark = body.get("benchmark")
    if benchmark is not None and benchmark not in everything.symbols:
        raise UnknownName.of("symbol", benchmark, everything.symbols, pointer="/benchmark")
    bars = _range(everything, body, symbols)
    start, end = iso_day(bars.time[0]), iso_day(bars.time[-1])
    require_clean(dataset.findings, {*symbols, benchmark or symbols[0]}, start, end)
    _require_bars(bars, bound.lookback + 2, strategy.id)
    config = config.fitted(bars)
    return {
        "strategy_id": strategy.id,
        "strategy_version": strategy.version,
        "params": bound.params,
        "dataset_id": dataset.id,
        "dataset_version": dataset.version,
        "symbols": list(symbols),
        "start_date": start,
        "end_date": end,
        "config": config.as_dict(),
        "benchmark": benchmark,
        "seed": int(body.get("seed") or 0),
        "engine_version": ENGINE_VERSION,
        # Only where there are some: what other strategies asked for before keeps its hash.
        **({"beside": beside} if beside else {}),
    }


def dataset_of(strategy: Strategy) -> str:
    """The dataset on which a strategy runs when a request names none."""
    return strategy.dataset or DEFAULT_DATASET


def estimate(request: Mapping[str, Any], catalog: Catalog) -> dict[str, int]:
    """How much a resolved request asks for."""
    bars = load_bars(request, catalog)
    symbols = len(bars.symbols)
    return {"bars": len(bars), "symbols": symbols, "cells": len(bars) * symbols}


def load_bars(request: Mapping[str, Any], catalog: Catalog) -> Bars:
    """The bars that a resolved request names, at the version that it names, and beside them those that it reads."""
    name = f"{request['dataset_id']}@{request['dataset_version']}"
    dates = (request["start_date"], request["end_date"])
    bars = catalog.bars(name, request["symbols"], *dates)
    return bars.with_beside(catalog.bars(name, request["beside"], *dates)) if request.get("beside") else bars


def _object(body: Mapping[str, Any], field: str) -> dict[str, Any]:
    value = body.get(field)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{field} must be an object.", pointer=f"/{field}", given=type(value).__name__)
    return dict(value)


def _symbols(body: Mapping[str, Any], strategy: Strategy, dataset_id: str, bars: Bars) -> tuple[str, ...]:
    asked = body.get("symbols")
    if strategy.legs:
        return _legs(asked, strategy, dataset_id, bars)
    if asked is None:
        return strategy.symbols if strategy.symbols and dataset_id == strategy.dataset else bars.symbols
    if not asked:
        raise InvalidInput("symbols must name at least one symbol.", pointer="/symbols", allowed=list(bars.symbols))
    for position, name in enumerate(asked):
        if name not in bars.symbols:
            raise UnknownName.of("symbol", name, bars.symbols, pointer=f"/symbols/{position}")
        if name in asked[:position]:
            raise InvalidInput(f"'{name}' is named twice.", pointer=f"/symbols/{position}", given=name)
    return tuple(asked)


def _legs(asked: Any, strategy: Strategy, dataset_id: str, bars: Bars) -> tuple[str, ...]:
    """The symbols of a strategy that trades them by name: those, and no others."""
    legs = strategy.symbols
    missing = [name for name in legs if name not in bars.symbols]
    if missing:
        raise InvalidInput(
            f"{strategy.id} trades {', '.join(legs)}; dataset '{dataset_id}' has no {missing[0]}.",
            code="missing_symbol",
            pointer="/dataset",
            given=dataset_id,
            allowed=[strategy.dataset],
        )
    if asked is not None and sorted(asked) != sorted(legs):
        raise InvalidInput(
            f"{strategy.id} trades {', '.join(legs)}, and nothing else.",
            pointer="/symbols",
            given=list(asked)[:20],
            allowed=list(legs),
        )
    return legs


def _beside(strategy: Strategy, dataset_id: str, bars: Bars, symbols: tuple[str, ...]) -> list[str]:
    """The symbols that the strategy looks at and does not trade."""
    for name in strategy.beside:
        if name not in bars.symbols:
            raise InvalidInput(
                f"{strategy.id} reads {name}, which dataset '{dataset_id}' does not have.",
                code="missing_symbol",
                pointer="/dataset",
                given=dataset_id,
                allowed={"symbols": list(strategy.beside)},
                nearest=nearest(name, bars.symbols),
            )
    return [name for name in strategy.beside if name not in symbols]


def _require_series(strategy: Strategy, dataset: Dataset, bars: Bars) -> None:
    """Every series that the strategy cannot do without, in the unit that it counts on."""
    for need in strategy.series:
        keys = need.keys(bars.panel)
        if not keys and not need.optional:
            raise InvalidInput(
                f"{strategy.id} reads the series {need.key}, which dataset '{dataset.id}' does not have.",
                code="missing_series",
                pointer="/dataset",
                given=dataset.id,
                allowed={"series": sorted(item.key for item in strategy.series if not item.optional)},
                nearest=nearest(need.key, bars.panel.series),
            )
        for key in keys:
            bars.panel.get(key, need.unit)


def config_of(body: Mapping[str, Any], defaults: Mapping[str, Any]) -> Config:
    """The configuration of a request, `initial_capital` included; what it leaves out is that of `defaults`."""
    given = {**defaults, **_object(body, "config")}
    if body.get("initial_capital") is not None:
        if given.get("initial_capital", body["initial_capital"]) != body["initial_capital"]:
            raise InvalidConfig(
                "initial_capital is given twice, with two values.",
                pointer="/initial_capital",
                given=body["initial_capital"],
            )
        given["initial_capital"] = body["initial_capital"]
    try:
        return Config.parse(given)
    except InvalidConfig as error:
        if error.pointer == "/config/initial_capital" and body.get("initial_capital") is not None:
            error.pointer = "/initial_capital"  # where the client wrote it
        raise


def _range(bars: Bars, body: Mapping[str, Any], symbols: tuple[str, ...]) -> Bars:
    """The part of the bars between the asked dates, from the first to the last bar that any symbol has."""
    start, end = (_asked_date(body, name) for name in ("start_date", "end_date"))
    if start and end and start > end:
        raise InvalidInput(
            f"start_date {start} comes after end_date {end}.",
            code="invalid_date_range",
            pointer="/start_date",
            given=start,
            allowed={"latest": end},
        )
    first = 0 if start is None else int(bars.sessions.searchsorted(np.datetime64(start)))
    stop = len(bars) if end is None else int(bars.sessions.searchsorted(np.datetime64(end), side="right"))
    # A choice of columns is a copy of their closes: of no more rows than are asked for, and of none for all symbols.
    columns = slice(None) if symbols == bars.symbols else [bars.symbols.index(name) for name in symbols]
    known = np.isfinite(bars.close[first:stop, columns])
    absent = np.flatnonzero(~known.any(axis=0))
    if len(absent):
        raise _no_data(bars, symbols[absent[0]], start, end)
    rows = first + np.flatnonzero(known.any(axis=1))
    if len(rows) < 2:
        raise BadData(
            "The range has a single bar; a backtest needs at least two.",
            code="not_enough_bars",
            pointer="/start_date",
            given=len(rows),
            allowed={"minimum": 2},
        )
    return bars.select(symbols, bars.time[rows[0]], bars.time[rows[-1]])


def _no_data(bars: Bars, name: str, start: str | None, end: str | None) -> BadData:
    covered = bars.time[np.isfinite(bars.close[:, bars.symbols.index(name)])]
    return BadData(
        f"{name} has no bars between {start or 'the beginning'} and {end or 'the end'}.",
        code="no_data_in_range",
        pointer="/start_date" if start else "/end_date",
        given={"start_date": start, "end_date": end},
        allowed={"start": iso_day(covered[0]), "end": iso_day(covered[-1])},
    )


def _asked_date(body: Mapping[str, Any], field: str) -> str | None:
    value = body.get(field)
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError as error:
        raise InvalidInput(
            f"{field} is not a date.", pointer=f"/{field}", given=str(value)[:40], allowed="YYYY-MM-DD"
        ) from error


def _require_bars(bars: Bars, needed: int, strategy_id: str) -> None:
    if len(bars) < needed:
        raise BadData(
            f"{strategy_id} needs {needed} bars with these parameters; the range has {len(bars)}.",
            code="not_enough_bars",
            pointer="/start_date",
            given=len(bars),
            allowed={"minimum": needed},
        )
