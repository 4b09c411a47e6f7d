"""What the paper book may lose, as clients see it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row

from app import paper, risk
from app.errors import Unknown
from app.events import iso
from app.risk import Used
from app.web import book
from app.web.access import owner
from app.web.context import services
from engine.risk.limits import STATUSES, Status

_ABOUT = ("observations", "start", "end", "coverage", "unmeasured", "paths", "seed", "degrees_of_freedom")


def losses(horizon: int) -> dict[str, Any]:
    """Value at risk and expected shortfall over so many sessions. Raises Unknown: `no_book`, `not_measured`."""
    mark, told, about = _measured()
    times = math.sqrt(horizon)
    return about | {
        "horizon_days": horizon,
        **{name: told["var"][name] for name in _ABOUT},
        "figures": [_figure(item, times, mark.equity) for item in told["var"]["figures"]],
    }


def stress() -> dict[str, Any]:
    """What each scenario would do. Raises Unknown: `no_book`, `not_measured`."""
    mark, told, about = _measured()
    scenarios = [item | {"pnl_fraction": paper.ratio(item["pnl"], mark.equity)} for item in told["stress"]["scenarios"]]
    return about | {**told["stress"], "scenarios": scenarios}


def _measured() -> tuple[Row[Any], Mapping[str, Any], dict[str, Any]]:
    """The last mark, what was measured after it, and what every reply says of both."""
    mark, state = book.newest()
    told = services().store.risk.of(mark.n)
    if told is None:
        raise Unknown("Nothing was measured after the book's last bar; the next step will be.", code="not_measured")
    about = {name: getattr(mark, name) for name in ("equity", "quality", "book_version")}
    return mark, told, about | {"as_of": book.now(state), "positions": told["positions"]}


def _figure(item: Mapping[str, Any], times: float, equity: float) -> dict[str, Any]:
    """A figure over a longer horizon: times the square root of it, and so are its parts."""
    losses = {name: None if item[name] is None else item[name] * times for name in ("var", "cvar")}
    fractions = {
        f"{name}_fraction": None if loss is None else paper.ratio(loss, equity) for name, loss in losses.items()
    }
    parts = {name: list(_scaled(item[name], times)) for name in ("instruments", "strategies")}
    return {**item, **losses, **fractions, **parts}


def _scaled(parts: Iterable[Mapping[str, Any]], times: float) -> Iterable[dict[str, Any]]:
    for part in parts:
        yield {**part, "var": part["var"] * times, "cvar": part["cvar"] * times}


def limits() -> dict[str, Any]:
    """The limits, and what is used of them. Nothing is used before the book is open."""
    stands, found = risk.used(services().store)
    return {
        "version": stands.version,
        "limits": stands.limits,
        "changed_by": stands.changed_by,
        "changed_at": iso(stands.changed_at),
        "usage": [_used(item) for item in found],
        "status": _worst([item.status for item in found]),
    }


def put_limits(body: Mapping[str, float | None]) -> dict[str, Any]:
    """Let these be the limits."""
    services().store.risk.put(risk.resolve(body), by=owner())
    return limits()


def _used(item: Used) -> dict[str, Any]:
    plain = {name: getattr(item, name) for name in ("limit", "value", "utilisation", "status", "reason")}
    about = {name: item.about.get(name) for name in ("dataset_id", "symbol", "strategy_id")}
    return {**plain, "bound": item.bound, **about}


def _worst(found: Iterable[Status | None]) -> Status | None:
    known = [item for item in found if item is not None]
    return max(known, key=STATUSES.index) if known else None
