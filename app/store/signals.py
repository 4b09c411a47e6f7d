"""Signals: what strategies said of symbols, with the versions of what they said it from.

There is one row for each strategy, dataset, symbol and bar. A row is written over when another version of the strategy
or of its parameters is computed, or when other data make it say something else; what newer data leave as it was keeps
the version and the time with which it was first said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, func, literal_column, select, tuple_

from app.events import SIGNALS, Event, iso
from app.store.database import Database
from app.store.events import EventLog
from app.tables import jobs, signals

# A strategy and the dataset that it speaks of.
Pair: TypeAlias = tuple[str, str]

DAY_SECONDS = 86_400.0
# Two strategies contradict each other when both are at least so sure, at bars that are no further apart.
SURE = 0.5
CONTEMPORARY_SECONDS = 7 * DAY_SECONDS
# Of many new bars at once (minutes, after a weekend) the newest signals are told: a client reads the others.
MOST_TOLD = 1000
_TYPES = {"flip": "signal_flip", "surge": "conviction_surge", None: "signal_update"}
_KEY = ("strategy_id", "dataset_id", "symbol", "at")
_VERSIONS = ("strategy_version", "params_version")
_SAID = ("leg", "direction", "strength", "conviction", "weight", "z_score", "raw_value", "reason", "change", "quality")
_TOLD = ("strategy_id", "dataset_id", "symbol", *_SAID[1:8], "quality", *_VERSIONS, "dataset_version")


@dataclass(frozen=True)
class Spoken:
    """What one job computed: every signal of a strategy on a dataset from a time on."""

    strategy_id: str
    dataset_id: str
    strategy_version: str
    params_version: int
    dataset_version: str
    quality: str
    since: float
    rows: Sequence[Mapping[str, Any]]


class Signals:
    """Reads of signals. `save` writes them, in the transaction that finishes their job."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self, pairs: Iterable[Pair]) -> Sequence[Row[Any]]:
        """The signals at the newest bar of each pair."""
        pair = (signals.c.strategy_id, signals.c.dataset_id)
        newest = select(*pair, func.max(signals.c.at)).where(tuple_(*pair).in_(list(pairs))).group_by(*pair)
        return self._all(select(signals).where(tuple_(*pair, signals.c.at).in_(newest)))

    def heads(self) -> dict[Pair, float]:
        """The newest bar of which each strategy has spoken, by dataset."""
        pair = (signals.c.strategy_id, signals.c.dataset_id)
        with self._database.read() as tx:
            return {
                (row[0], row[1]): row[2] for row in tx.execute(select(*pair, func.max(signals.c.at)).group_by(*pair))
            }

    def since(self, pair: Pair, at: float) -> Sequence[Row[Any]]:
        """What stood at a time and everything that was said later, oldest first."""
        mine = _of(*pair)
        stood = select(func.max(signals.c.at)).where(mine, signals.c.at <= at).scalar_subquery()
        return self._all(select(signals).where(mine, signals.c.at >= func.coalesce(stood, at)))

    def history(self, pair: Pair, days: int) -> Sequence[Row[Any]]:
        """The signals of so many days up to the newest one, oldest first."""
        mine = _of(*pair)
        newest = select(func.max(signals.c.at)).where(mine).scalar_subquery()
        return self._all(select(signals).where(mine, signals.c.at > newest - days * DAY_SECONDS))

    def loudest(self, pairs: Iterable[Pair], days: int, *, before: float | None = None) -> Sequence[Row[Any]]:
        """Of each strategy and bar the signal with the largest conviction, of equal ones that of the first symbol.

        The days end with the newest signal of all these strategies, or with the newest before a moment.
        """
        mine: ColumnElement[bool] = tuple_(signals.c.strategy_id, signals.c.dataset_id).in_(list(pairs))
        if before is not None:
            mine = and_(mine, signals.c.at < before)
        newest = select(func.max(signals.c.at)).where(mine).scalar_subquery()
        rank = func.row_number().over(
            partition_by=(signals.c.strategy_id, signals.c.dataset_id, signals.c.at),
            order_by=(func.abs(signals.c.conviction).desc(), signals.c.leg),
        )
        ranked = select(signals, rank.label("rank")).where(mine, signals.c.at > newest - days * DAY_SECONDS).subquery()
        with self._database.read() as tx:
            return tx.execute(select(ranked).where(ranked.c.rank == 1).order_by(ranked.c.at)).all()

    def runs(self) -> dict[str, Row[Any]]:
        """The newest job on the signals of each strategy, whoever started it."""
        ours = jobs.c.kind == literal_column("'signals'")  # said in the statement: so the partial index serves
        key = (jobs.c.strategy_id, jobs.c.created_at)
        newest = select(jobs.c.strategy_id, func.max(jobs.c.created_at)).where(ours).group_by(jobs.c.strategy_id)
        with self._database.read() as tx:
            return {row.strategy_id: row for row in tx.execute(select(jobs).where(ours, tuple_(*key).in_(newest)))}

    def _all(self, query: Any) -> Sequence[Row[Any]]:
        with self._database.read() as tx:
            rows: Sequence[Row[Any]] = tx.execute(
                query.order_by(signals.c.at, signals.c.strategy_id, signals.c.leg)
            ).all()
            return rows


def save(tx: Connection, database: Database, log: EventLog, spoken: Spoken) -> list[Event]:
    """Write what is new or says something else, and remove what is said no more; the events of what is news.

    What was said with newer parameters stays: a job that was started before them may end after them. News is what is
    said of bars after the newest one so far, and of a first computation its newest bar.
    """
    log.hold(tx, SIGNALS)
    newest, before = _standing(tx, spoken)
    written = _write(tx, database, spoken)
    last = max((row["at"] for row in written), default=0.0)
    news = [row for row in written if (row["at"] == last if newest is None else row["at"] > newest)]
    news = sorted(news, key=lambda row: (row["at"], row["leg"]))[-MOST_TOLD:]
    events = log.append_all(tx, SIGNALS, [(_TYPES[row["change"]], _told(row)) for row in news])
    return events + log.append_all(tx, SIGNALS, _divergences(tx, spoken, news, before))


def _write(tx: Connection, database: Database, spoken: Spoken) -> list[dict[str, Any]]:
    """The rows that were written."""
    mine = and_(_of(spoken.strategy_id, spoken.dataset_id), signals.c.at >= spoken.since)
    mine = and_(mine, signals.c.params_version <= spoken.params_version)
    known = {(row.symbol, row.at): row for row in tx.execute(select(signals).where(mine))}
    told = {name: value for name, value in vars(spoken).items() if name not in ("since", "rows")}
    told["computed_at"] = tx.execute(select(database.now())).scalar_one()
    fresh = [{**told, **row} for row in spoken.rows]
    kept = {(row["symbol"], row["at"]) for row in fresh}
    if gone := [{"name": symbol, "then": at} for symbol, at in known.keys() - kept]:
        one = and_(signals.c.symbol == bindparam("name"), signals.c.at == bindparam("then"))
        tx.execute(delete(signals).where(_of(spoken.strategy_id, spoken.dataset_id), one), gone)
    written = [row for row in fresh if _differs(row, known.get((row["symbol"], row["at"])))]
    if written:
        insert = database.insert(signals)
        changes = {name: insert.excluded[name] for name in written[0] if name not in _KEY}
        newer = signals.c.params_version <= insert.excluded.params_version
        tx.execute(insert.on_conflict_do_update(index_elements=_KEY, set_=changes, where=newer), written)
    return written


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _TOLD} | {"bar_at": iso(row["at"])}


def _divergences(
    tx: Connection, spoken: Spoken, news: Sequence[Mapping[str, Any]], before: Mapping[str, float]
) -> list[tuple[str, dict[str, Any]]]:
    """The symbols of which this strategy's newest bar says the contrary of others, where its bar before did not."""
    if not news:
        return []
    at = news[-1]["at"]
    mine = {row["symbol"]: row["conviction"] for row in news if row["at"] == at}
    others = _others(tx, spoken, at)
    found = []
    for symbol, conviction in mine.items():
        said = others.get(symbol, {})
        now = _sides(said | {spoken.strategy_id: conviction})
        then = _sides(said | {spoken.strategy_id: before.get(symbol, 0.0)})
        if all(now) and not all(then):
            sides = dict(zip(("long", "short"), now, strict=True))
            names = {"symbol": symbol, "dataset_id": spoken.dataset_id, "bar_at": iso(at)}
            found.append(("signal_divergence", names | sides))
    return found


def _sides(convictions: Mapping[str, float]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Who is sure that it rises, and who that it falls."""
    ranked = sorted(convictions.items(), key=lambda item: (-abs(item[1]), item[0]))
    sure = [item for item in ranked if abs(item[1]) >= SURE]
    long = [{"strategy_id": name, "conviction": value} for name, value in sure if value > 0]
    short = [{"strategy_id": name, "conviction": value} for name, value in sure if value < 0]
    return long, short


def _others(tx: Connection, spoken: Spoken, at: float) -> dict[str, dict[str, float]]:
    """By symbol and strategy: the convictions of the others at their newest bars, where these are of about that time
    or later.
    """
    near = and_(signals.c.dataset_id == spoken.dataset_id, signals.c.at >= at - CONTEMPORARY_SECONDS)
    near = and_(near, signals.c.strategy_id != spoken.strategy_id)
    newest = select(signals.c.strategy_id, func.max(signals.c.at)).where(near).group_by(signals.c.strategy_id)
    rows = tx.execute(select(signals).where(near, tuple_(signals.c.strategy_id, signals.c.at).in_(newest)))
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row.symbol, {})[row.strategy_id] = row.conviction
    return found


def _standing(tx: Connection, spoken: Spoken) -> tuple[float | None, dict[str, float]]:
    """The newest bar that the strategy has spoken of, and its convictions there by symbol."""
    mine = _of(spoken.strategy_id, spoken.dataset_id)
    newest = tx.execute(select(func.max(signals.c.at)).where(mine)).scalar()
    rows = tx.execute(select(signals).where(mine, signals.c.at == newest)) if newest is not None else ()
    return newest, {row.symbol: row.conviction for row in rows}


def _differs(row: Mapping[str, Any], known: Row[Any] | None) -> bool:
    return known is None or any(row[name] != getattr(known, name) for name in (*_VERSIONS, *_SAID))


def _of(strategy_id: str, dataset_id: str) -> Any:
    return and_(signals.c.strategy_id == strategy_id, signals.c.dataset_id == dataset_id)
