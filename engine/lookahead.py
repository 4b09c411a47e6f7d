"""Does a strategy look ahead? Take the future away, and see whether it still decides the same.

A strategy that is honest decides row t from what was known at the close of bar t, so cutting off what comes later
(later bars, and what was published later) changes none of its rows. The check compares its decisions on all bars with
those on several pasts. It cannot prove honesty, it finds dishonesty: a past ends right where a decision changes, since
that is where a look ahead shows, and at places spread over the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.errors import QueuantError, RunFailed
from engine.figures import Report
from engine.intake import told
from engine.strategy import BoundStrategy, Decision, Weights

# Sums whose order depends on the number of bars differ in their last bits: rounding is no look ahead.
TOLERANCE = 1e-9
# How many pasts are compared, half of them where decisions change. Each is one more call of the strategy.
CUTS = 12
_SERIES = ("weights", "score", "raw", "conviction")


@dataclass(frozen=True)
class Leak:
    """The first decision that was seen to change when the future was taken away."""

    what: str
    symbol: str | None
    at: str
    cut: str
    with_future: float | str | None
    without: float | str | None

    @property
    def sentence(self) -> str:
        """What was found, for people."""
        of = f" for {self.symbol}" if self.symbol else ""
        return (
            f"The {self.what}{of} at {self.at} is {_value(self.with_future)} when all bars are known, and "
            f"{_value(self.without)} when those after {self.cut} are not: it looks ahead."
        )


def find_leak(
    bars: Bars,
    bound: BoundStrategy,
    whole: Decision | None = None,
    *,
    cuts: int = CUTS,
    report: Report | None = None,
    anew: Callable[[], BoundStrategy] | None = None,
) -> Leak | None:
    """The first sign of a look ahead, or None when all decisions stand.

    Args:
        bars: the bars, with their panel.
        bound: the strategy with its parameters.
        whole: what it decided on all of the bars, where that is known already; what it leaves out is not compared.
        cuts: how many pasts are compared at most.
        report: called as `report(done, total, "verify")` before each past; what it raises ends the check.
        anew: makes the same strategy with nothing kept from earlier calls; each past asks one that is new, as what was
            kept from the whole would hide a look ahead.

    Raises:
        BadData, RunFailed: as `BoundStrategy.decide`, on all bars or on each of the pasts.
    """
    whole = bound.decide(bars) if whole is None else whole.on_every_bar(len(bars))
    pasts = _pasts(whole.weights, bound.lookback + 2, cuts)
    broken: QueuantError | None = None
    compared = 0
    for done, count in enumerate(pasts):
        if report is not None:
            report(done, len(pasts), "verify")
        try:
            part = (anew() if anew else bound).decide(bars.until(count))
        except QueuantError as error:  # it may need more bars than it says; that alone is no look ahead
            broken = error
            continue
        compared += 1
        leak = _first_difference(bars, whole, part, count)
        if leak is not None:
            return leak
    if broken is not None and not compared:
        raise RunFailed(f"Whenever later bars were taken away: {broken.message}", code=broken.code) from broken
    return None


def _pasts(weights: Weights, least: int, cuts: int) -> list[int]:
    """How many bars each past has, growing: right after changes of weights, and evenly spread."""
    total = len(weights)
    if total <= least:
        return []
    new = (weights[1:] != weights[:-1]) & ~np.isnan(weights[1:])
    changes = np.flatnonzero(new.any(axis=1)) + 2
    changes = changes[(changes >= least) & (changes < total)]
    some = changes[np.linspace(0, len(changes) - 1, min(len(changes), cuts // 2)).astype(int)] if len(changes) else []
    spread = np.linspace(least, total - 1, cuts - len(some)).astype(int)
    found: list[int] = np.unique(np.concatenate((some, spread)).astype(int)).tolist()
    return found


def _first_difference(bars: Bars, whole: Decision, part: Decision, count: int) -> Leak | None:
    for name in _SERIES:
        one, other = getattr(whole, name), getattr(part, name)
        if one is None:
            continue
        if other is None:
            other = np.full(count, np.nan)
        one = np.asarray(one, dtype=np.float64)[:count]
        wrong = _differ(one, other := np.broadcast_to(other, one.shape))
        if not wrong.any():
            continue
        row, *column = np.argwhere(wrong)[0]
        return Leak(
            what=name.removesuffix("s"),
            symbol=bars.symbols[column[0]] if column else None,
            at=told(bars.time[row]),
            cut=told(bars.time[count - 1]),
            with_future=_plain(one[(row, *column)]),
            without=_plain(other[(row, *column)]),
        )
    return _first_other_reason(bars, whole, part, count) if whole.reasons else None


def _first_other_reason(bars: Bars, whole: Decision, part: Decision, count: int) -> Leak | None:
    one, other = _sentences(whole, count), _sentences(part, count)
    rows = np.flatnonzero(one != other)
    if not len(rows):
        return None
    row = rows[0]
    return Leak("reason", None, told(bars.time[row]), told(bars.time[count - 1]), one[row], other[row])


def _sentences(decision: Decision, count: int) -> NDArray[np.object_]:
    """The reason that is told at each of the first bars: of several the first."""
    found = np.full(count, None, dtype=object)
    for text, holds in reversed(list(decision.reasons.items())):
        found[np.asarray(holds[:count], dtype=np.bool_)] = text
    return found


def _differ(one: Weights, other: Weights) -> NDArray[np.bool_]:
    both = np.isfinite(one) & np.isfinite(other)
    with np.errstate(invalid="ignore"):
        far = np.abs(one - other) > TOLERANCE * np.maximum(1.0, np.abs(one))
    odd: NDArray[np.bool_] = np.where(both, far, ~((one == other) | (np.isnan(one) & np.isnan(other))))
    return odd


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _value(value: float | str | None) -> str:
    if value is None:
        return "nothing"
    return f"'{value}'" if isinstance(value, str) else f"{value:.6g}"
