"""The paper book: what it is made of, and when it is due to go on.

There is one book. It follows the signals as they are stored: what each of its strategies said at a bar is decided
there and filled at the next. It is due when one of them has spoken of a bar that the book has not seen, and all signals
are at rest: what several strategies say of one bar is taken together. As with signals every supervisor finds that by
looking, and the key of the job that it queues names the job before.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from app import signals
from app.catalog import Catalog
from app.contracts import dataset_of
from app.shelf import Shelf
from app.store import TERMINAL, Store
from app.wiring import Services
from engine import ENGINE_VERSION
from engine.config import Config
from engine.errors import InvalidConfig, InvalidInput, UnknownName
from engine.parameters import Parameter
from engine.portfolio.mandate import EQUAL, FIXED, Mandate
from engine.risk.breaker import Breaker

log = logging.getLogger(__name__)

KIND = "book"
EVERY = "all"
CAPITAL = 1_000_000.0
# How far before the newest signal a book begins that is not told where: what it would have done is told apart from
# what it did. And of `all` strategies those are meant that have spoken in these days.
DAYS = 90
_DAY = 86_400.0
# What takes the place of a backtest's defaults. Data come one dataset after another, so an order may find no room where
# what is to be sold has no price yet; a book that looks at its drift makes it good at the next bar.
DEFAULTS: Mapping[str, Any] = {"rebalance": "drift", "drift_band": 0.01}
# What a configuration of a backtest can say that a book cannot.
NOT_OF_A_BOOK = ("initial_capital", "risk_free_rate")
_CAPITAL = Parameter("capital", "float", CAPITAL, 1.0, 1e12)
_WEIGHT = Parameter("weight", "float", None, 0.0, 100.0, optional=True)
# Reasons for which a strategy has no signals of its present versions that pass by themselves.
_COMING = ("queued", "running", "not_computed")


@dataclass(frozen=True)
class Mandated:
    """A configuration of the book; version 0 is the default. `strategies` is "all" or objects with a weight or None."""

    version: int
    strategies: str | Sequence[Mapping[str, Any]]
    capital: float
    start_date: str | None
    config: Config
    breaker: Breaker | None = None
    changed_by: str | None = None
    changed_at: float | None = None

    def names(self, shelf: Shelf) -> list[str]:
        """The strategies that it names."""
        if isinstance(self.strategies, str):
            return [item.id for item in shelf.all()]
        return [str(item["strategy_id"]) for item in self.strategies]


def standing(store: Store, version: int | None = None) -> Mandated:
    """The configuration that stands, or stood as some version."""
    row = store.book.version(version) if version != 0 else None
    if row is None:
        return Mandated(0, EVERY, CAPITAL, None, Config.parse(DEFAULTS))
    return Mandated(
        version=row.version,
        strategies=row.strategies,
        capital=row.capital,
        start_date=row.start_date,
        config=Config.parse(row.config),
        breaker=Breaker(**row.breaker) if row.breaker else None,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )


def resolve(body: Mapping[str, Any], stands: Mandated, catalog: Catalog, shelf: Shelf) -> dict[str, Any]:
    """The configuration that a request describes, checked; as the store keeps it.

    A capital or a start that it does not name is the one that stands. Raises InvalidInput with the pointer of the
    offending field.
    """
    given = dict(body.get("config") or {})
    for name in NOT_OF_A_BOOK:
        if name in given:
            raise InvalidConfig(f"A book has no {name}.", pointer=f"/config/{name}", given=given[name])
    config = Config.parse(given if "rebalance" in given else {**DEFAULTS, **given})
    if config.fill == "same_close":
        raise InvalidConfig(
            "The close of a bar is over when a signal is made of it.",
            code="fill_unavailable",
            pointer="/config/fill",
            given=config.fill,
            allowed=["next_open", "next_close"],
        )
    asked = body.get("strategies") or EVERY
    return {
        "strategies": asked if asked == EVERY else _listed(asked, config, catalog, shelf),
        "capital": float(str(_CAPITAL.check(body.get("capital", stands.capital), error=InvalidInput, where=""))),
        "start_date": body.get("start_date") or stands.start_date,
        "config": {name: value for name, value in config.as_dict().items() if name not in NOT_OF_A_BOOK},
        "breaker": asdict(Breaker(**body["breaker"])) if body.get("breaker") else None,
    }


def _listed(asked: Any, config: Config, catalog: Catalog, shelf: Shelf) -> list[dict[str, Any]]:
    if isinstance(asked, str):
        raise InvalidInput(
            "strategies is a list of objects, or the word 'all'.", pointer="/strategies", given=asked, allowed=EVERY
        )
    found: list[dict[str, Any]] = []
    for place, item in enumerate(asked):
        try:
            strategy = shelf.get(item["strategy_id"])
        except UnknownName as error:
            error.pointer = f"/strategies/{place}/strategy_id"
            raise
        if strategy.id in [each["strategy_id"] for each in found]:
            where = f"/strategies/{place}/strategy_id"
            raise InvalidInput(f"'{strategy.id}' is named twice.", pointer=where, given=strategy.id)
        _require_fill(config, catalog, strategy)
        weight = _WEIGHT.check(item.get("weight"), error=InvalidInput, where=f"/strategies/{place}")
        found.append({"strategy_id": strategy.id, "weight": weight})
    weights = tuple(each["weight"] for each in found)
    allocation = EQUAL if all(weight is None for weight in weights) else FIXED
    Mandate(allocation=allocation).fixed(weights, config.max_leverage)
    return found


def _require_fill(config: Config, catalog: Catalog, strategy: Any) -> None:
    """Opens can only be asked for where there are some."""
    if dataset_of(strategy) in catalog.ids():
        config.fitted(catalog.get(dataset_of(strategy)).all_bars)


def submit_due(services: Services) -> str | None:
    """Queue the step that is due; its job's id."""
    run = services.store.book.run(signals.OWNER)
    if (run is not None and run.status not in TERMINAL) or due(services) is None:
        return None
    waiting = [item for item in signals.absent(services) if item.reason in _COMING]
    if {item.strategy_id for item in waiting} & set(standing(services.store).names(services.shelf)):
        return None
    request = due(services)  # once more: the last of them may have spoken in between
    if request is None or (run is not None and run.status != "succeeded" and run.request == request):
        return None  # nothing is new since a step that could not be made
    return str(signals.submit_after(services, KIND, run, request).id)


def due(services: Services) -> dict[str, Any] | None:
    """The step that the stored signals ask for, as the request of a job; None where they say nothing new."""
    heads = services.store.signals.heads()
    book, state = standing(services.store), services.store.book.state()
    known = set(services.catalog.ids())
    sleeves = _sleeves(book, services.shelf, known, heads)
    if not sleeves:
        return None
    since = _since(book, state, sleeves)
    joins = state is not None and not since.keys() <= state.seen.keys()
    if not joins and all(item["newest"] <= since[item["dataset_id"]] for item in sleeves):
        return None
    return {
        "after": 0 if state is None else state.number,
        "book_version": book.version,
        "engine_version": ENGINE_VERSION,
        "sleeves": sleeves,
        "since": since,
        "datasets": {name: services.catalog.get(name).version for name in since if name in known},
    }


def _sleeves(
    book: Mandated, shelf: Shelf, known: Set[str], heads: Mapping[tuple[str, str], float]
) -> list[dict[str, Any]]:
    """The strategies of the book that have spoken of their present dataset, with their shares.

    Of `all` those that have been silent for longer than DAYS have none, nor have those whose dataset has gone; a
    strategy that is named keeps its own.
    """
    datasets = {item.id: dataset_of(item) for item in shelf.all()}
    spoken = {item: (name, heads.get((item, name))) for item, name in datasets.items() if name in known}
    named: list[tuple[str, float | None]]
    if isinstance(book.strategies, str):
        last = max((at for _, at in spoken.values() if at is not None), default=0.0)
        named = [(name, None) for name, (_, at) in spoken.items() if at is not None and at > last - DAYS * _DAY]
    else:
        named = [(str(item["strategy_id"]), item["weight"]) for item in book.strategies]
    return [
        {
            "strategy_id": name,
            "dataset_id": spoken[name][0],
            "share": 1.0 / len(named) if weight is None else weight,
            "newest": spoken[name][1],
        }
        for name, weight in named
        if name in spoken and spoken[name][1] is not None
    ]


def _since(book: Mandated, state: Row[Any] | None, sleeves: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The last bar that counts as seen, by dataset.

    One that joins an open book begins with what comes after all that its strategies have spoken of: nothing that is
    known when it joins is traded.
    """
    if state is None:
        begin = _beginning(book, max(item["newest"] for item in sleeves))
        return {item["dataset_id"]: begin for item in sleeves}
    since: dict[str, float] = dict(state.seen)
    for item in sleeves:
        name = item["dataset_id"]
        if name not in state.seen:
            since[name] = max(item["newest"], since.get(name, max(state.seen.values())))
    return since


def _beginning(book: Mandated, newest: float) -> float:
    """The time after which the first bars of a new book are."""
    if book.start_date is None:
        return newest - DAYS * _DAY
    return datetime.fromisoformat(book.start_date).replace(tzinfo=UTC).timestamp() - 1.0


def position(item: Mapping[str, Any], equity: float) -> dict[str, Any]:
    """A position of a mark, with what it is worth and what it has gained since it was entered."""
    value = item["quantity"] * item["price"]
    pnl = item["quantity"] * (item["price"] - item["average_price"])
    return {**item, "value": value, "weight": ratio(value, equity), "pnl": pnl}


def attributed(marks: Sequence[Any]) -> list[dict[str, Any]]:
    """Whose the gains of marks that follow each other were, the largest first; as parts of the equity before them."""
    gains: dict[str, float] = {}
    for mark in marks:
        for sleeve, gain in mark.sleeves.items():
            gains[sleeve] = gains.get(sleeve, 0.0) + gain
    before = equity_before(marks) if marks else 0.0
    order = sorted(gains, key=lambda name: (-gains[name], name))
    return [{"strategy_id": name, "pnl": gains[name], "contribution": ratio(gains[name], before)} for name in order]


def equity_before(marks: Sequence[Any]) -> float:
    """The equity at which the first of these marks began."""
    return float(marks[0].equity - marks[0].pnl)


def ratio(amount: float, equity: float) -> float | None:
    """Of nothing there is no part."""
    return amount / equity if equity > 0.0 else None
