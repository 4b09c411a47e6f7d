"""One round of a supervisor: raise what rules find, resolve what is over.

Nothing is kept in memory. Events are followed by cursors in the database, which move in the transaction that raises
what follows; how things stand is looked at anew each time. So any number of supervisors may do this at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from app.alerts import rules
from app.alerts.finding import Finding
from app.alerts.kinds import KINDS, Kind
from app.alerts.rules import Rule
from app.bus import publish
from app.errors import DatasetsUnavailable
from app.events import SIGNALS, WORKERS, Event, owner_channel
from app.signals import OWNER as SYSTEM
from app.store.alerts import Cursor
from app.wiring import Services
from engine.errors import BadData, InvalidInput

log = logging.getLogger(__name__)

# Events of one channel that are read in one round; the next round reads on.
MOST_EVENTS = 2000


def evaluate(services: Services) -> int:
    """Raise and resolve; how many alerts changed. Raises StoreUnavailable."""
    owners = services.store.access.owners()
    found = rules.enabled(services, owners)
    changed = follow(services, owners, found) + watch(services, found)
    publish(services.bus, *changed)
    return len(changed)


def follow(services: Services, owners: Iterable[str], found: Sequence[Rule]) -> list[Event]:
    """Raise what follows from events that nobody has read yet."""
    mine = {owner_channel(owner) for owner in owners}
    raised: list[Event] = []
    for behind in services.store.alerts.behind({SIGNALS, WORKERS, owner_channel(SYSTEM)} | mine):
        events = services.store.events.since(behind.channel, behind.before, limit=MOST_EVENTS)
        if not events or events[-1].seq is None:
            continue
        read = Cursor(behind.channel, behind.before, events[-1].seq)
        alerts = [rule.alert(said) for event in events for rule, said in _heard(event, found)]
        raised += services.store.alerts.raise_all(alerts, read=read)
    return raised


def watch(services: Services, found: Sequence[Rule]) -> list[Event]:
    """Raise what stands badly now, and resolve what does no more."""
    kinds = [kind for kind in KINDS.values() if kind.look and any(rule.kind == kind.name for rule in found)]
    open_ones = services.store.alerts.unresolved([kind.name for kind in kinds])
    known = {(row.owner, row.rule_id, row.entity) for row in open_ones}
    alerts, over = [], []
    for kind in kinds:
        seen = _look(services, kind)
        if seen is None:
            continue
        unsaid = {one.entity for one in seen if not one.known}
        for rule in found:
            if rule.kind == kind.name:
                firing = {one.entity: one for one in seen if rule.fires(one)}
                alerts += [new for new in map(rule.alert, firing.values()) if new.key not in known]
                mine = [row for row in open_ones if (row.owner, row.rule_id) == (rule.owner, rule.rule_id)]
                over += [row.id for row in mine if row.entity not in firing.keys() | unsaid]
    return services.store.alerts.settle(over) + services.store.alerts.raise_all(alerts)


def _look(services: Services, kind: Kind) -> list[Finding] | None:
    """What is to be said of how things stand; None when it cannot be known now: nothing is raised or resolved then."""
    assert kind.look is not None  # noqa: S101 - the caller has chosen those that have one
    try:
        return list(kind.look(services))
    except (InvalidInput, BadData, DatasetsUnavailable) as error:  # what the files of data do ends no other kind
        log.warning("alerts of the kind %s cannot be looked for: %s", kind.name, error)
        return None


def _heard(event: Event, found: Sequence[Rule]) -> Iterable[tuple[Rule, Finding]]:
    """The rules that fire at an event. What belongs to one owner is told to that one, all else to everybody."""
    kind = KINDS.get(event.type)
    if kind is None or kind.of_event is None:
        return
    owner = event.data.get("owner") or event.channel.partition(":")[2] or SYSTEM
    said = kind.of_event(event)
    for rule in found:
        if rule.kind == kind.name and owner in (SYSTEM, rule.owner) and rule.fires(said):
            yield rule, said
