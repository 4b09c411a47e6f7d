"""The report of a day, made once, whoever looks first.

The report of a date tells the 24 hours up to that date's `QUEUANT_REPORT_AT`, UTC. It is due a minute later: by then
every transaction that was under way is seen. A supervisor that was away makes the last one that is due and no earlier
ones; those are made by asking for them. What is written is never changed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from app.reports import own, platform
from app.reports.book import paper_book
from app.reports.parts import Period, Section
from app.reports.risk import paper_risk
from app.reports.said import signals
from app.wiring import Services
from engine.errors import InvalidInput

DAY_SECONDS = 86_400.0
SETTLED_SECONDS = 60.0
# How far back a report is made by asking for it.
MOST_DAYS = 366

Shared: TypeAlias = Callable[[Services, Period], Section]
Owned: TypeAlias = Callable[[Services, Period, str], Section]

# In the order in which they are read: what everybody may know, then what concerns an owner alone.
SHARED: tuple[Shared, ...] = (paper_book, paper_risk, signals, platform.data, platform.jobs, platform.workers)
OWNED: tuple[Owned, ...] = (own.alerts, own.jobs)


def make_due(services: Services) -> str | None:
    """Make the last report that is due; its date, or None where it stands already or nobody wants any."""
    last = last_due(services)
    if last is None or services.store.reports.made(last.date):
        return None
    return last.date if _make(services, last) else None


def make(services: Services, day: str | None) -> str:
    """Make the report of a date, or the last one that is due, unless it stands already; its date.

    Raises InvalidInput for a day that is not over (`not_due`) or too long ago, and where no reports are made.
    """
    last = last_due(services)
    if last is None:
        raise InvalidInput("No reports are made here: QUEUANT_REPORT_AT is 'never'.", code="no_reports")
    period = last if day is None else period_of(services, day)
    first = (date.fromisoformat(last.date) - timedelta(days=MOST_DAYS - 1)).isoformat()
    if not first <= period.date <= last.date:
        raise InvalidInput(
            f"A report can be made of the days from {first} to {last.date}, and of a later one when it is over.",
            code="not_due",
            pointer="/date",
            given=period.date,
            allowed={"first": first, "last": last.date},
        )
    if not services.store.reports.made(period.date):
        _make(services, period)
    return period.date


def last_due(services: Services) -> Period | None:
    """The newest day that is over by the clock of the database; None where no reports are made."""
    if services.settings.report_seconds is None:
        return None
    settled = services.store.now() - SETTLED_SECONDS - services.settings.report_seconds
    return period_of(services, datetime.fromtimestamp(settled, UTC).date().isoformat())


def period_of(services: Services, day: str) -> Period:
    """The 24 hours of a date."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    end = midnight + (services.settings.report_seconds or 0)
    return Period(day, end - DAY_SECONDS, end)


def _make(services: Services, period: Period) -> bool:
    """Write it, unless somebody has in between."""
    shared = [section(services, period).document() for section in SHARED]
    owned = {
        owner: [section(services, period, owner).document() for section in OWNED]
        for owner in services.store.access.owners()
    }
    return services.store.reports.put(period.date, (period.start, period.end), shared, owned)
