"""Verdicts: whether a strategy at a version, with these parameters on this data, was seen to look ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, func, select

from app.store.database import Database
from app.tables import verdicts

CLEAN, LOOKS_AHEAD = "clean", "looks_ahead"


@dataclass(frozen=True)
class Checked:
    """What a verdict is about."""

    strategy_id: str
    strategy_version: str
    dataset_id: str
    dataset_version: str
    params_hash: str


class Verdicts:
    """One for each thing that was checked. A look ahead that is found later takes the place of a clean one for good."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, about: Checked) -> Row[Any] | None:
        same = and_(*(verdicts.c[name] == value for name, value in vars(about).items()))
        with self._database.read() as tx:
            row: Row[Any] | None = tx.execute(select(verdicts).where(same)).first()
            return row

    def clean_otherwise(self, about: Checked) -> bool:
        """Whether this version was found clean on these data with other parameters, and never otherwise."""
        same = {name: value for name, value in vars(about).items() if name != "params_hash"}
        query = select(verdicts.c.verdict).where(and_(*(verdicts.c[name] == value for name, value in same.items())))
        with self._database.read() as tx:
            return set(tx.execute(query.distinct()).scalars()) == {CLEAN}

    def put(self, about: Checked, verdict: str, detail: Mapping[str, Any]) -> None:
        values = {**vars(about), "verdict": verdict, "detail": dict(detail), "checked_at": self._database.now()}
        insert = self._database.insert(verdicts).values(**values)
        statement = insert.on_conflict_do_update(
            index_elements=[*vars(about)],
            set_={name: insert.excluded[name] for name in ("verdict", "detail", "checked_at")},
            where=(verdicts.c.verdict == CLEAN) & (insert.excluded.verdict == LOOKS_AHEAD),
        )
        with self._database.write(durable=False) as tx:  # lost in a power cut, it is found again
            tx.execute(statement)

    def standing(self) -> dict[tuple[str, str], str]:
        """By strategy and version the verdict: a look ahead that was seen once counts more than all that is clean."""
        about = (verdicts.c.strategy_id, verdicts.c.strategy_version)
        # "looks_ahead" comes after "clean" in the alphabet.
        query = select(*about, func.max(verdicts.c.verdict)).group_by(*about)
        with self._database.read() as tx:
            return {(strategy, version): verdict for strategy, version, verdict in tx.execute(query)}

    def worst(self, strategy_id: str, strategy_version: str) -> Row[Any] | None:
        """The newest verdict on this version of the strategy; one that found a look ahead comes before all others."""
        query = select(verdicts).where(
            verdicts.c.strategy_id == strategy_id, verdicts.c.strategy_version == strategy_version
        )
        query = query.order_by(verdicts.c.verdict.desc(), verdicts.c.checked_at.desc()).limit(1)
        with self._database.read() as tx:
            row: Row[Any] | None = tx.execute(query).first()
            return row
