"""The workloads that every library runs: their bars, their parameters, and what is known about their bounds.

Only numpy is needed here: this file is read in the environment of the peers too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import walks
from bench.walks import Walk

CASH = 100_000.0
COST = 0.001  # commission of W1, W2, W2b, W4 and W5
SLIPPAGE = 0.0005  # of W4
MINUTE_COST = 0.0001  # of W3: eleven thousand trades at 0.1 % would leave nothing to compare
STOP, TARGET = 0.02, 0.04
FAST, SLOW = 20, 50
VOLATILITY = 63  # bars
# Figures of portfolios are compared with some cash left, because purchases that the cash does not cover are cut: by
# vectorbt the last ones, by us all of them alike.
INVESTED = 0.98
WITH_CASH = {"invested": INVESTED}
CUTS = "compared at 98 % invested: at 100 % it cuts the last purchases for which cash is short, ours all of them alike"
TRAIN, TEST = 504, 126
DAYS = 252.0
MINUTES = 252.0 * walks.SESSION

Figures = dict[str, list[float]]


@dataclass(frozen=True)
class Job:
    """One way to do a workload.

    `run` is timed, `figures` reads what it gave. `like` are settings of ours under which the figures mean the same;
    `differs` says what does not; figures further apart than `tolerance` end the measurement. Without figures there
    is nothing to compare, and `differs` says why.
    """

    run: Callable[[], Any]
    figures: Callable[[Any], Figures] | None
    like: dict[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-9
    differs: str = ""
    check: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Size:
    """How large the workloads are."""

    single: int = 2520
    windows: tuple[int, int] = (2, 101)
    symbols: int = 100
    fast: tuple[int, int, int] = (5, 23, 2)
    slow: tuple[int, int, int] = (30, 125, 5)
    minutes: int = 1_000_000
    assets: int = 500
    days: int = 5040
    train: int = TRAIN
    test: int = TEST

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """All pairs fast < slow of the windows of W2, in the order of a grid."""
        first, last = self.windows
        return [(fast, slow) for fast in range(first, last) for slow in range(fast + 1, last + 1)]

    @property
    def few_pairs(self) -> list[tuple[int, int]]:
        """The pairs of W2b, in the order of a grid."""
        fasts, slows = (range(first, last + 1, step) for first, last, step in (self.fast, self.slow))
        return [(fast, slow) for fast in fasts for slow in slows]

    @property
    def folds(self) -> list[tuple[int, int, int]]:
        """(first bar of training, first of testing, one after testing), W5."""
        return [
            (first, first + self.train, first + self.train + self.test)
            for first in range(0, self.single - self.train - self.test + 1, self.test)
        ]


FULL = Size()
SMALL = Size(
    single=260,
    windows=(2, 9),
    symbols=2,
    fast=(3, 5, 2),
    slow=(8, 12, 4),
    minutes=2000,
    assets=4,
    days=300,
    train=120,
    test=40,
)
SIZES = {"full": FULL, "small": SMALL}

TEXT = {
    "W1": "SMA 20/50 crossing, long only, next open, 0.1 %, {single:,} daily bars: every metric, every trade",
    "W2": "the same for all {pairs:,} pairs of windows {windows[0]} to {windows[1]}: four figures each",
    "W2b": "{symbols} symbols x {single:,} bars x {few_pairs} pairs: four figures each",
    "W3": "{minutes:,} one-minute bars, crossing with stop-loss 2 % and take-profit 4 %, 1 bp",
    "W4": "{assets} symbols x {days:,} days, monthly back to equal weights, 0.1 % and 0.05 % slippage",
    "W4iv": "the same to inverse 63-day volatility, decided at month ends",
    "W5": "walk-forward of W2: train {train}, test {test} with its training in view, {folds} folds",
}

# Milliseconds, and how many times faster than the fastest peer that does the same.
GOALS = {
    "W1": (0.1, 2.5),
    "W2": (10.0, 90.0),
    "W2b": (70.0, 65.0),
    "W3": (8.0, 24.0),
    "W4": (6.0, 300.0),
    "W4iv": (12.0, 135.0),
    "W5": (20.0, 200.0),
}
# 1.2 cycles of a port per bar and trial at 3.1 GHz.
_PER_BAR = 1.2 / 3.1e9


def text(name: str, size: Size) -> str:
    """What the workload is, in a line."""
    counts = {"pairs": len(size.pairs), "few_pairs": len(size.few_pairs), "folds": len(size.folds)}
    return TEXT[name].format(**(vars(size) | counts))


def bound(name: str, size: Size, bandwidth: float) -> tuple[float, str] | None:
    """Seconds that the machine needs at least on one core, and why; `bandwidth` in bytes per second is measured."""
    if name in ("W2", "W2b", "W5"):
        trials = {"W2": len(size.pairs), "W2b": size.symbols * len(size.few_pairs), "W5": len(size.pairs)}[name]
        return _PER_BAR * trials * size.single, f"{trials:,} x {size.single:,} at 1.2 cycles"
    if name in ("W3", "W4", "W4iv"):
        count = 4 * size.minutes if name == "W3" else size.assets * size.days
        return 8 * count / bandwidth, f"{8e-6 * count:.0f} MB read once at {bandwidth / 1e9:.1f} GB/s"
    return None


@cache
def one(size: Size) -> Walk:
    """The bars of W1, W2 and W5."""
    return walks.daily(20, size.single, start="2014-01-01")


@cache
def several(size: Size) -> Walk:
    """The bars of W2b."""
    return walks.daily(21, size.single, size.symbols, start="2014-01-01")


@cache
def by_minute(size: Size) -> Walk:
    """The bars of W3."""
    return walks.minutes(22, size.minutes)


@cache
def many(size: Size) -> Walk:
    """The bars of W4 and W4iv."""
    return walks.daily(23, size.days, size.assets)


def last_of_month(time: NDArray[np.datetime64]) -> NDArray[np.intp]:
    """The rows after which another month begins."""
    months = time.astype("datetime64[M]")
    return np.flatnonzero(months[1:] != months[:-1])


def crosses(fast: NDArray[np.float64], slow: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where `fast` came above `slow`, and where below."""
    above, below = fast > slow, fast < slow
    up, down = np.zeros(fast.shape, np.bool_), np.zeros(fast.shape, np.bool_)
    up[1:], down[1:] = above[1:] & below[:-1], below[1:] & above[:-1]
    return up, down


def carried(up: NDArray[np.bool_], down: NDArray[np.bool_], split: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Crosses [T] from bar `split` on; who had bought before, or buys then, buys at its close."""
    bought, sold = (np.flatnonzero(rows[: split + 1]) for rows in (up, down))
    entries, exits = up[split:].copy(), down[split:].copy()
    entries[0], exits[0] = len(bought) > 0 and (len(sold) == 0 or bought[-1] > sold[-1]), False
    return entries, exits


def later(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows one bar later, the first of them empty."""
    moved = np.zeros_like(rows)
    moved[1:] = rows[:-1]
    return moved
