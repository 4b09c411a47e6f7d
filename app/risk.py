"""Limits of the paper book: which ones stand, and what is used of them after its last bar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from app.store import Store
from engine.risk.limits import LIMITS, Status, status, utilisation

_UNMEASURED = "Nothing was measured after the last bar."
_RUINED = "There is no equity that it would be a part of."


@dataclass(frozen=True)
class Limits:
    """Limits by name, each a part of equity or None for none; version 0 are the defaults."""

    version: int
    limits: Mapping[str, float | None]
    changed_by: str | None = None
    changed_at: float | None = None


@dataclass(frozen=True)
class Used:
    """What one thing uses of a limit. `value` is None where it is not known, and `reason` says why.

    A limit of each instrument or strategy is used by every one of them: `about` names it.
    """

    limit: str
    bound: float | None
    value: float | None
    reason: str | None
    about: Mapping[str, str]

    @property
    def utilisation(self) -> float | None:
        return None if self.value is None or self.bound is None else utilisation(self.value, self.bound)

    @property
    def status(self) -> Status | None:
        """None where there is no limit, or no value."""
        return None if self.utilisation is None else status(self.utilisation)

    @property
    def entity(self) -> str:
        """The limit and what uses it, as a text."""
        return " ".join([self.limit, *self.about.values()])


@dataclass(frozen=True)
class Figure:
    """A figure of the book as a part of its equity; None where it is not known, and why."""

    value: float | None
    reason: str | None = None
    method: str | None = None


def standing(store: Store, *, by: float | None = None) -> Limits:
    """The limits that stand, or stood at a time. What was not known when they were given has its default."""
    row = store.risk.limits(by=by)
    defaults = {name: item.default for name, item in LIMITS.items()}
    if row is None:
        return Limits(0, defaults)
    return Limits(row.version, {**defaults, **row.limits}, row.changed_by, row.changed_at)


def resolve(body: Mapping[str, float | None]) -> dict[str, float | None]:
    """The limits that a request describes: what it leaves out has its default, null is no limit."""
    return {name: _number(body.get(name, item.default)) for name, item in LIMITS.items()}


def used(store: Store) -> tuple[Limits, list[Used]]:
    """What is used of each limit; nothing before the book is open."""
    stands, mark = standing(store), store.book.newest()
    if mark is None:
        return stands, []
    return stands, uses(stands, mark, store.risk.of(mark.n))


def uses(stands: Limits, mark: Row[Any], told: Mapping[str, Any] | None) -> list[Used]:
    """What is used of limits after a mark, with what was measured after it."""
    figures = _figures(mark, told)
    return [Used(name, stands.limits[name], figure.value, figure.reason, about) for name, figure, about in figures]


def drawdown(mark: Row[Any]) -> Figure:
    """The fall from the highest equity so far: 0 or more."""
    return Figure(max(-mark.drawdown, 0.0))


def value_at_risk(mark: Row[Any], told: Mapping[str, Any] | None, level: float) -> Figure:
    """Of one session: the largest that a method finds. Where one of them finds none it is not known."""
    if told is None:
        return Figure(None, _UNMEASURED)
    figures = [item for item in told["var"]["figures"] if item["level"] == level]
    for item in figures:
        if item["var"] is None:
            return Figure(None, item["reason"])
    worst = max(figures, key=lambda item: float(item["var"]))
    return _part(worst["var"], mark, method=worst["method"])


def _figures(mark: Row[Any], told: Mapping[str, Any] | None) -> Iterator[tuple[str, Figure, dict[str, str]]]:
    """What each limit is about, with the strategy or instrument where there are several."""
    yield "gross", _part(mark.gross, mark), {}
    yield "net", _part(abs(mark.net), mark), {}
    for item in mark.positions:
        if item["quantity"]:
            about = {name: item[name] for name in ("dataset_id", "symbol")}
            yield "instrument", _part(abs(item["quantity"] * item["price"]), mark), about
    for item in told["gross"] if told else ():
        yield "strategy", _part(item["gross"], mark), {"strategy_id": item["strategy_id"]}
    yield "var_95", value_at_risk(mark, told, 0.95), {}
    yield "var_99", value_at_risk(mark, told, 0.99), {}
    yield "drawdown", drawdown(mark), {}
    worst = min((item["pnl"] for item in told["stress"]["scenarios"]), default=0.0) if told else None
    yield "stress", Figure(None, _UNMEASURED) if worst is None else _part(-worst, mark), {}


def _part(amount: float, mark: Row[Any], *, method: str | None = None) -> Figure:
    if amount == 0.0:
        return Figure(0.0, method=method)
    return Figure(amount / mark.equity, method=method) if mark.equity > 0.0 else Figure(None, _RUINED)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
