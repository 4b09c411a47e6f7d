"""Signals: what strategies said of symbols, with the versions of what they said it from.

There is one row for each strategy, dataset, symbol and bar. A row is written over when another version of the strategy
or of its parameters is computed, or when other data make it say something else; what newer data leave as it was keeps
the version and the time with which it was first said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, literal_column, select, tuple_

from app.store.database import Database
from app.tables import jobs, signals

# A strategy and the dataset that it speaks of.
Pair: TypeAlias = tuple[str, str]

DAY_SECONDS = 86_400.0
_KEY = ("strategy_id", "dataset_id", "symbol", "at")
_VERSIONS = ("strategy_version", "params_version")
_SAID = ("leg", "direction", "strength", "conviction", "weight", "z_score", "raw_value", "reason", "change", "quality")


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

    def history(self, pair: Pair, days: int) -> Sequence[Row[Any]]:
        """The signals of so many days up to the newest one, oldest first."""
        mine = _of(*pair)
        newest = select(func.max(signals.c.at)).where(mine).scalar_subquery()
        return self._all(select(signals).where(mine, signals.c.at > newest - days * DAY_SECONDS))

    def loudest(self, pairs: Iterable[Pair], days: int) -> Sequence[Row[Any]]:
        """Of each strategy and bar the signal with the largest conviction, of equal ones that of the first symbol.

        The days end with the newest signal of all these strategies.
        """
        mine = tuple_(signals.c.strategy_id, signals.c.dataset_id).in_(list(pairs))
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


def save(tx: Connection, database: Database, spoken: Spoken) -> None:
    """Write what is new or says something else, and remove what is said no more.

    What was said with newer parameters stays: a job that was started before them may end after them.
    """
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


def _differs(row: Mapping[str, Any], known: Row[Any] | None) -> bool:
    return known is None or any(row[name] != getattr(known, name) for name in (*_VERSIONS, *_SAID))


def _of(strategy_id: str, dataset_id: str) -> Any:
    return and_(signals.c.strategy_id == strategy_id, signals.c.dataset_id == dataset_id)
