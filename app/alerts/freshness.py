"""How old the data are, counted in sessions of their own calendar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from app.alerts.finding import Finding
from app.dataset import Dataset
from app.wiring import Services
from engine.bars import Times
from engine.errors import BadData

# A dataset whose newest bar was older than so many sessions when its version was made is a sample that ends there.
LIVE_SESSIONS = 5
# Days with bars by which the calendar is told, and how far apart they are at least in data that are not daily.
_KNOWN, _NOT_DAILY = 260, 4.0


def stale_data(services: Services) -> Iterator[Finding]:
    """How many sessions have ended since the newest bar of each dataset.

    Data that are watched came from outside and reached to the present when they came. Samples, whatever is synthetic
    and what ended long before it was taken are told to rules that name them.
    """
    today = _day(services.store.now())
    changed = services.store.rules.everyone().values()
    named = {row.rule.get("filter", {}).get("dataset_id") for rows in changed for row in rows.values()}
    for dataset in services.catalog.datasets():
        try:
            live = _is_live(dataset)
            missed = sessions_missed(dataset.times, today) if live or dataset.id in named else None
        except BadData:  # its file is gone, cut off or another one: its age is not known
            yield Finding(dataset.id, None, "", {}, known=False)
            continue
        if missed is not None:
            data = {"dataset_id": dataset.id, "dataset_version": dataset.version, "newest": dataset.end}
            message = f"The newest bar of {dataset.id} is of {dataset.end}: {missed} sessions have ended since."
            yield Finding(dataset.id, missed, message, data, named_only=not live)


def sessions_missed(times: Times, today: np.datetime64) -> int | None:
    """Sessions that ended before `today` and after the newest bar; None where nothing tells the calendar.

    The weekdays on which the data have bars are sessions, holidays included: no data tell the holidays to come. Of
    data that are further apart (weeks, months) it is whole spacings, by their median.
    """
    days = np.unique(times.astype("datetime64[D]"))[-_KNOWN:]
    if len(days) < 2:
        return None
    spacing = float(np.median(np.diff(days).astype(np.int64)))
    if spacing >= _NOT_DAILY:
        return max(0, int((int((today - days[-1]).astype(np.int64)) - 1) // spacing))
    weekdays = np.bincount((days.astype(np.int64) + 3) % 7, minlength=7)  # 1970-01-01 was a Thursday
    open_on = weekdays >= 0.2 * weekdays.max()
    return max(0, int(np.busday_count(days[-1] + np.timedelta64(1, "D"), today, weekmask=open_on)))


def _is_live(dataset: Dataset) -> bool:
    made = dataset.manifest.get("created_at")
    if made is None or dataset.quality == "synthetic":
        return False
    missed = sessions_missed(dataset.times, _day(made))
    return missed is not None and missed <= LIVE_SESSIONS


def _day(seconds: float) -> np.datetime64:
    return np.datetime64(datetime.fromtimestamp(seconds, UTC).date())
