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
    first_of_day = np.concatenate(([True], days[1:] != days[:-1]))
    decided: NDArray[np.bool_] = on_day & first_of_day
    # A decision that came late belongs to the month before: that a month begins with one says nothing of its own end.
    starts = np.flatnonzero(months[1:] != months[:-1]) + 1
    counts = np.concatenate(([0], np.cumsum(decided)))
    missed = np.diff(counts[np.concatenate(([0], starts))]) == 0
    decided[starts[missed]] = True
    return decided
