"""From a rule to weights: what price strategies share. Row t is made of rows up to t."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine import indicators
from engine.bars import Bars, Floats, Times
from engine.errors import BadData

__all__ = ["Side", "chosen", "last_of_month", "require_daily", "sided"]

Side: TypeAlias = Literal["long", "short", "both"]
# Where a position opens, and where it ends.
Turns: TypeAlias = tuple[NDArray[np.bool_], NDArray[np.bool_]]


def sided(side: str, long: Turns, short: Turns) -> Floats:
    """1 while a long position is held, -1 while a short one is, else 0 [T, N]; `side` says which of them there are.

    Each opens and ends as its two conditions say; a bar on which both hold opens it.
    """
    held = np.zeros(long[0].shape)
    if side != "short":
        held += indicators.latch(*long)
    if side != "long":
        held -= indicators.latch(*short)
    return held


def chosen(scores: Floats, side: str, *, share: float, count: int = 0) -> Floats:
    """Weights that hold the symbols of the highest scores, or sell those of the lowest, or half of equity in each.

    `count` symbols on a side, or where it is 0 the `share` of those with a score, rounded down; at least one, and for
    both sides at most half of them. All of a side weigh the same. Of equal scores the later column counts as higher.
    Without a second symbol there is nothing to compare: 0. Unit: fraction of equity. NaN: takes no part. [M, N]
    """
    known = np.isfinite(scores)
    total = known.sum(axis=1, keepdims=True)
    wanted = np.full(total.shape, count) if count else np.floor(total * share + 1e-9)  # 0.29 x 100 is 28.99…
    size = np.clip(wanted, 1, np.maximum(total // 2 if side == "both" else total, 1))
    rank = np.empty(scores.shape)
    order = np.argsort(np.where(known, scores, np.inf), axis=1, kind="stable")
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(scores.shape[1], dtype=float), scores.shape), axis=1)
    high = (known & (rank >= total - size)) / size
    low = (known & (rank < size)) / size
    weights = {"long": high, "short": -low, "both": 0.5 * (high - low)}[side]
    return np.where(total < 2, 0.0, weights)


def last_of_month(time: Times, values: Floats, at: NDArray[np.intp], months: int = 0, *, only: bool = False) -> Floats:
    """The last known value of the month `months` before the one that ended at each row of `at`. [M, N]

    `at` are rows of `indicators.month_ends` of daily bars: a decision that a holiday moved into the next month still
    counts from the month that ended. Where that month had no value it is an earlier one's, or NaN with `only`. No row
    after the decision is read. Unit: that of the values. NaN: skipped; NaN too before the first value.
    """
    rows = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))[:, None]), axis=0)
    calendar, month = time.astype("datetime64[M]"), np.timedelta64(1, "M")
    ended = np.where(calendar[at] == calendar[np.maximum(at - 1, 0)], calendar[at], calendar[at] - month)
    wanted = ended - months * month
    last = np.minimum(np.searchsorted(calendar, wanted, side="right") - 1, at)
    found = np.where(last[:, None] < 0, -1, rows[np.maximum(last, 0)])
    if only:
        found = np.where(calendar[np.maximum(found, 0)] == wanted[:, None], found, -1)
    return np.where(found < 0, np.nan, np.take_along_axis(values, np.maximum(found, 0), axis=0))


def require_daily(bars: Bars, who: str) -> None:
    """Refuse bars of another frequency. Raises BadData, `wrong_frequency`."""
    if not 200.0 <= bars.periods_per_year <= 366.0:
        raise BadData(f"{who} needs daily bars.", code="wrong_frequency")
