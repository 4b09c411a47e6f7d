"""Rules of alerts as owners have changed them. What a rule may say, and the built-in ones: `app.alerts`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Row, and_, delete, func, select

from app.errors import Conflict, Overloaded
from app.store.database import Database
from app.tables import alert_rules

MOST_RULES = 100


class AlertRules:
    """Changes by owner and rule. The time of a change is its version."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, owner: str) -> dict[str, Row[Any]]:
        """The changes of an owner by rule, in the order of their names."""
        return self.everyone(owner).get(owner, {})

    def everyone(self, owner: str | None = None) -> dict[str, dict[str, Row[Any]]]:
        """The changes of all owners."""
        query = select(alert_rules).order_by(alert_rules.c.owner, alert_rules.c.rule_id)
        if owner is not None:
            query = query.where(alert_rules.c.owner == owner)
        found: dict[str, dict[str, Row[Any]]] = {}
        with self._database.read() as tx:
            for row in tx.execute(query):
                found.setdefault(row.owner, {})[row.rule_id] = row
        return found

    def put(
        self,
        owner: str,
        rule_id: str,
        rule: Mapping[str, Any],
        *,
        by: str,
        check: Callable[[Row[Any] | None], None],
    ) -> Row[Any]:
        """Let this be the rule. `check` may refuse it for what stands. The same again changes nothing.

        Raises Overloaded (`too_many_rules`).
        """
        with self._database.write_alone(alert_rules) as tx:
            standing: Row[Any] | None = tx.execute(select(alert_rules).where(_one(owner, rule_id))).first()
            check(standing)
            if standing is not None and standing.rule == rule:
                return standing
            mine = select(func.count()).select_from(alert_rules).where(alert_rules.c.owner == owner)
            if standing is None and tx.execute(mine).scalar_one() >= MOST_RULES:
                text = f"You have {MOST_RULES} rules already; delete one first."
                raise Overloaded(text, retry_after=60, code="too_many_rules")
            values = {"rule": dict(rule), "changed_by": by, "changed_at": self._database.now()}
            row = self._database.insert(alert_rules).values(owner=owner, rule_id=rule_id, **values)
            put = row.on_conflict_do_update(index_elements=["owner", "rule_id"], set_=values)
            return tx.execute(put.returning(alert_rules)).one()

    def delete(self, owner: str, rule_id: str) -> bool:
        """Forget a change, or a rule of the owner's own; whether there was one."""
        statement = delete(alert_rules).where(_one(owner, rule_id)).returning(alert_rules.c.rule_id)
        with self._database.write() as tx:
            return tx.execute(statement).first() is not None


def refuse_other(standing: Row[Any] | None, expected: str | None, told: Callable[[float], str | None]) -> None:
    """Raise Conflict (`rule_changed`) when another change stands than the one that was read."""
    found = None if standing is None else told(standing.changed_at)
    if expected is not None and expected != (found or ""):
        raise Conflict(
            "The rule was changed meanwhile. Read it again before you change it.",
            code="rule_changed",
            given=expected,
            allowed=[found or ""],
        )


def _one(owner: str, rule_id: str) -> Any:
    return and_(alert_rules.c.owner == owner, alert_rules.c.rule_id == rule_id)
