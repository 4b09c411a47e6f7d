"""Rules: what fires an alert, and how loud it is. Each kind has a built-in one; owners change these and add theirs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from app.alerts.finding import Finding
from app.alerts.kinds import KINDS, Kind
from app.errors import Unknown
from app.events import iso
from app.store.alerts import NewAlert
from app.store.rules import refuse_other
from app.wiring import Services
from engine.errors import InvalidInput, UnknownName, nearest


@dataclass(frozen=True)
class Rule:
    """A rule as it stands for one owner. `changed_at` is None for a built-in one that nobody has changed."""

    owner: str
    rule_id: str
    kind: str
    threshold: float | None
    severity: str
    cooldown_seconds: float
    enabled: bool = True
    filter: Mapping[str, str] = field(default_factory=dict)
    changed_at: float | None = None
    changed_by: str | None = None

    @property
    def built_in(self) -> bool:
        return self.rule_id in KINDS

    def fires(self, found: Finding) -> bool:
        """At the threshold and above it."""
        enough = self.threshold is None or found.value is None or found.value >= self.threshold
        return found.known and enough and found.passes(self.filter)

    def alert(self, found: Finding) -> NewAlert:
        plain = (self.owner, self.rule_id, self.kind, self.severity, found.entity, found.message)
        return NewAlert(*plain, found.value, self.threshold, self.cooldown_seconds, found.data)


def standing(services: Services, owner: str) -> list[Rule]:
    """The rules of an owner: the built-in ones, then their own by name."""
    return _rules(owner, services.store.rules.of(owner))


def enabled(services: Services, owners: Iterable[str]) -> list[Rule]:
    """The enabled rules of these owners."""
    changes = services.store.rules.everyone()
    return [rule for owner in owners for rule in _rules(owner, changes.get(owner, {})) if rule.enabled]


def get(services: Services, owner: str, rule_id: str) -> Rule:
    """Raises Unknown, with the nearest name."""
    found = {rule.rule_id: rule for rule in standing(services, owner)}
    if rule_id not in found:
        error = UnknownName.of("rule", rule_id, found)
        raise Unknown(error.message, code=error.code, given=error.given, allowed=error.allowed, nearest=error.nearest)
    return found[rule_id]


def put(services: Services, owner: str, rule_id: str, given: Mapping[str, Any], *, expected: str | None = None) -> Rule:
    """Change a built-in rule, or write one of the owner's own; what is left out is as the kind has it.

    Args:
        given: fields of a rule, of their types; a rule of the owner's own names its `kind`.
        expected: the `changed_at` that was read ("" for none).

    Raises:
        InvalidInput, UnknownName: with a pointer to the field.
        Conflict: `rule_changed`, another change stands than the expected one.
        Overloaded: `too_many_rules`.
    """
    kind = _kind_of(rule_id, given)
    _check_threshold(kind, given)
    _check_filter(services, given.get("filter", {}))
    rule = {name: value for name, value in given.items() if name != "kind"}
    if rule_id not in KINDS:
        rule["kind"] = kind.name

    def check(stood: Row[Any] | None) -> None:
        refuse_other(stood, expected, iso)
        if stood is not None and stood.rule.get("kind") != rule.get("kind"):
            raise InvalidInput(
                f"The rule is of the kind '{stood.rule['kind']}'; delete it before you write one of another kind.",
                code="kind_fixed",
                pointer="/kind",
                given=kind.name,
                allowed=[stood.rule["kind"]],
            )

    return _rule(owner, rule_id, kind, services.store.rules.put(owner, rule_id, rule, by=owner, check=check))


def _rules(owner: str, changes: Mapping[str, Row[Any]]) -> list[Rule]:
    built_in = [_rule(owner, name, kind, changes.get(name)) for name, kind in KINDS.items()]
    own = [
        _rule(owner, name, KINDS[row.rule["kind"]], row)
        for name, row in changes.items()
        if name not in KINDS and row.rule["kind"] in KINDS  # a kind may have gone with an extension
    ]
    return built_in + own


def _rule(owner: str, rule_id: str, kind: Kind, row: Row[Any] | None) -> Rule:
    fields: dict[str, Any] = {name: getattr(kind, name) for name in ("threshold", "severity", "cooldown_seconds")}
    if row is not None:
        fields |= {name: value for name, value in row.rule.items() if name != "kind"}
        fields |= {"changed_at": row.changed_at, "changed_by": row.changed_by}
    return Rule(owner, rule_id, kind.name, **fields)


def _kind_of(rule_id: str, given: Mapping[str, Any]) -> Kind:
    name = given.get("kind", rule_id if rule_id in KINDS else None)
    if name is None:
        raise InvalidInput(
            f"'{rule_id}' is no built-in rule, so it is one of your own: say its kind.",
            code="missing_kind",
            pointer="/kind",
            allowed=sorted(KINDS),
            nearest=nearest(rule_id, KINDS),
        )
    if name not in KINDS:
        raise UnknownName.of("kind", name, KINDS, pointer="/kind")
    if rule_id in KINDS and name != rule_id:
        raise InvalidInput(
            f"The built-in rule '{rule_id}' is of its own kind; give yours another id.",
            code="kind_fixed",
            pointer="/kind",
            given=name,
            allowed=[rule_id],
        )
    return KINDS[name]


def _check_threshold(kind: Kind, given: Mapping[str, Any]) -> None:
    value = given.get("threshold")
    if kind.unit is None and value is not None:
        raise InvalidInput(
            f"A rule of the kind '{kind.name}' has no threshold: it fires whenever that happens.",
            code="invalid_threshold",
            pointer="/threshold",
            given=value,
        )
    if kind.unit is not None and "threshold" in given and (value is None or not 0 <= value <= kind.most):
        bounds = {"minimum": 0.0} | ({"maximum": kind.most} if math.isfinite(kind.most) else {})
        until = f"0 to {kind.most:g}" if len(bounds) > 1 else "0 or more"
        raise InvalidInput(
            f"The threshold of '{kind.name}' is a number, {kind.unit}: {until}.",
            code="invalid_threshold",
            pointer="/threshold",
            given=value,
            allowed=bounds,
        )


def _check_filter(services: Services, wanted: Mapping[str, str]) -> None:
    """Raise UnknownName for a strategy or dataset that there is not."""
    try:
        if "strategy_id" in wanted:
            services.shelf.get(wanted["strategy_id"])
        if "dataset_id" in wanted:
            services.catalog.versions(wanted["dataset_id"])
    except UnknownName as error:
        error.pointer = "/filter/strategy_id" if error.code == "unknown_strategy" else "/filter/dataset_id"
        raise
