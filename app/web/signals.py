"""Signals and standing parameters as clients see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from app import signals
from app.contracts import dataset_of
from app.errors import Conflict, Unknown
from app.events import iso
from app.store.signals import DAY_SECONDS
from app.web import named
from app.web.access import owner
from app.web.context import services
from engine.errors import InvalidParameter
from engine.strategy import Strategy

MOST_VERSIONS = 100
_PLAIN = ("strategy_id", "dataset_id", "symbol", "direction", "strength", "conviction", "weight", "z_score")
_VERSIONS = ("raw_value", "reason", "change", "strategy_version", "params_version", "dataset_version", "quality")


def of_all() -> dict[str, Any]:
    """The newest signals of every strategy on the shelf."""
    rows = services().store.signals.latest(_pairs(services().shelf.all()))
    return {"signals": [_signal(row) for row in rows], "missing": _missing()}


def of_one(strategy_id: str, days: int | None = None) -> dict[str, Any]:
    """The newest signals of a strategy, or those of some days. Raises Unknown, saying why there are none."""
    strategy = named.strategy(strategy_id)
    pair, store = (strategy.id, dataset_of(strategy)), services().store.signals
    rows = store.latest([pair]) if days is None else store.history(pair, days)
    if not rows:
        raise _no_signals(strategy)
    return {"strategy_id": pair[0], "dataset_id": pair[1], "signals": [_signal(row) for row in rows]}


def heat_map(days: int, end: str | None = None) -> dict[str, Any]:
    """Strategies by days, up to `end` or the newest signal. A day of many bars is told by its last one."""
    shelf = services().shelf.all()
    rows = services().store.signals.loudest(_pairs(shelf), days, before=None if end is None else _after(end))
    cells = {(row.strategy_id, str(iso(row.at))[:10]): row for row in rows}
    columns = sorted({day for _, day in cells})
    return {
        "days": columns,
        "strategies": [_heat_row(item, [cells.get((item.id, day)) for day in columns]) for item in shelf],
        "missing": _missing(),
    }


def params(strategy_id: str) -> dict[str, Any]:
    """The parameters that stand, and those that stood before."""
    strategy = named.strategy(strategy_id)
    history = services().store.params.history(strategy.id, limit=MOST_VERSIONS)
    standing = _standing(strategy, history[0] if history else None)
    return standing | {"history": [_version(row) for row in history]}


def put_params(strategy_id: str, given: Mapping[str, Any], if_match: str | None) -> dict[str, Any]:
    """Let other parameters stand. Raises InvalidParameter, and Conflict where another version stands than expected."""
    strategy = named.strategy(strategy_id)
    try:
        valid = strategy.validate(given)
    except InvalidParameter as error:
        error.pointer = (error.pointer or "").removeprefix("/params")  # the body is the parameters
        raise
    expected = None if if_match is None else int(if_match.strip('"'))
    chosen = {name: valid[name] for name in given}
    return _standing(strategy, services().store.params.put(strategy.id, chosen, by=owner(), expected=expected))


def _after(day: str) -> float:
    """The moment at which a UTC day is over, in seconds."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() + DAY_SECONDS


def _pairs(shelf: Iterable[Strategy]) -> list[tuple[str, str]]:
    return [(item.id, dataset_of(item)) for item in shelf]


def _missing() -> list[dict[str, Any]]:
    return [asdict(item) for item in signals.absent(services())]


def _no_signals(strategy: Strategy) -> Unknown:
    why = next((item.message for item in signals.absent(services()) if item.strategy_id == strategy.id), "")
    return Unknown(f"{strategy.id} has said nothing yet. {why}".rstrip(), code="no_signals", given=strategy.id)


def _signal(row: Row[Any]) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in (*_PLAIN, *_VERSIONS)}
    return told | {"time": iso(row.at), "computed_at": iso(row.computed_at)}


def _heat_row(strategy: Strategy, cells: list[Row[Any] | None]) -> dict[str, Any]:
    names = ("conviction", "symbol", "reason", "change")
    told = {name: [None if cell is None else getattr(cell, name) for cell in cells] for name in names}
    quality = next((cell.quality for cell in reversed(cells) if cell is not None), None)
    known = {"family": strategy.family, "dataset_id": dataset_of(strategy), "quality": quality}
    return {"strategy_id": strategy.id} | known | told


def _standing(strategy: Strategy, row: Row[Any] | None) -> dict[str, Any]:
    told = {"version": 0, "overrides": {}, "changed_by": None, "changed_at": None} if row is None else _version(row)
    try:
        return {"strategy_id": strategy.id, "params": strategy.validate(told["overrides"])} | told
    except InvalidParameter as error:  # they were right for an earlier version of it
        message = f"What was set as version {told['version']} does not fit {strategy.id} any more: {error.message}"
        raise Conflict(message, code="params_unfit", given=told["overrides"]) from error


def _version(row: Row[Any]) -> dict[str, Any]:
    told = {"version": row.version, "overrides": row.params}
    return told | {"changed_by": row.changed_by, "changed_at": iso(row.changed_at)}
