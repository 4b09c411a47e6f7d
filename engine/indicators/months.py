"""The calendar of decisions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.bars import Times


def month_ends(time: Times) -> NDArray[np.bool_]:
    """The bar of each month at which to take a month-end decision, told without looking at any later bar.

    That is the first bar of the month's last weekday; where that day has no bar (a holiday), the first bar after the
    month. A calendar knows which day is the last weekday, while only the next bar knows which bar was last: of the
    bars within that day it is the first.
    Unit: truth. Source: the rule is ours. Warm-up: row 0. NaN: times are never missing.
    """
    days = time.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    last_day = (months + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    weekday = (last_day.astype(np.int64) + 3) % 7  # Monday 0; 1970-01-01 was a Thursday
    on_day = days == last_day - np.maximum(weekday - 4, 0).astype("timedelta64[D]")
    return decided(days, on_day, months)


def decided(days: Times, due: NDArray[np.bool_], periods: NDArray[np.generic]) -> NDArray[np.bool_]:
    """The first bar of each day on which a period's decision is due; in a period without one, the first bar after it.

    Args:
        days, due, periods: the day of each bar, whether its period's decision is due on it, and the period. [T]
    """
    first_of_day = np.concatenate(([True], days[1:] != days[:-1]))
    found: NDArray[np.bool_] = due & first_of_day
    # A decision that came late belongs to the period before: it says nothing of the end of the one that begins with it.
    starts = np.flatnonzero(periods[1:] != periods[:-1]) + 1
    counts = np.concatenate(([0], np.cumsum(found)))
    missed = np.diff(counts[np.concatenate(([0], starts))]) == 0
    found[starts[missed]] = True
    return found
