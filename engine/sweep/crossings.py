"""Trials of a strategy that holds the crosses of two averages: the sums of each window are shared, trials compiled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.indicators import rolling_sum
from engine.strategy import Crossing
from engine.sweep.account import Account
from engine.sweep.kernel import Crosses, cross
from engine.sweep.trials import Trials

# Most sums (windows x bars) that all trials share: 24 MiB. Beyond it each block of trials has its own.
SHARED = 3 * 2**20
_WEIGHTS = {"long": (1.0, 0.0), "short": (0.0, -1.0), "both": (1.0, -1.0)}


@dataclass(frozen=True, eq=False)
class Crossings:
    """Windows [n] and targets [n] after a cross up or down of every trial; `shared` where all windows fit."""

    account: Account
    fast: NDArray[np.int64]
    slow: NDArray[np.int64]
    up: Floats
    down: Floats
    fills: NDArray[np.int64]
    shared: tuple[NDArray[np.int64], Floats] | None

    @classmethod
    def of(cls, account: Account, trials: Trials, names: Crossing, size: int) -> Crossings:
        """Read the parameters that `names` says; blocks will have at most `size` trials."""
        fast = trials.columns[names.fast].astype(np.int64)
        slow = trials.columns[names.slow].astype(np.int64)
        up, down = np.empty(len(trials)), np.empty(len(trials))
        sides = np.full(len(trials), "long") if names.side is None else trials.columns[names.side]
        for side, weights in _WEIGHTS.items():
            chosen = sides == side
            up[chosen], down[chosen] = account.levels(list(weights))
        windows = np.unique(np.concatenate((fast, slow)))
        fits = len(windows) * len(account.rows) <= SHARED or len(trials) <= size
        shared = (windows, _sums(account, windows)) if fits else None
        return cls(account, fast, slow, up, down, account.fills(), shared)

    def measure(self, first: int, stop: int, rows: Floats) -> None:
        """Trials first <= at < stop into their rows."""
        part = slice(first, stop)
        fast, slow = self.fast[part], self.slow[part]
        if self.shared is None:
            windows = np.unique(np.concatenate((fast, slow)))
            sums = _sums(self.account, windows)
        else:
            windows, sums = self.shared
        crosses = Crosses(
            sums=sums,
            fast=np.searchsorted(windows, fast),
            slow=np.searchsorted(windows, slow),
            windows=windows,
            up=self.up[part],
            down=self.down[part],
            fills=self.fills,
        )
        total = len(self.fills)
        words = np.zeros(total // 8 + 1, dtype=np.uint64)
        at, targets = np.empty(total + 1, dtype=np.int64), np.empty(total + 1)
        capital = self.account.config.initial_capital
        cross(crosses, capital, self.account.course, self.account.terms, words.view(np.int8), words, at, targets, rows)


def _sums(account: Account, windows: NDArray[np.int64]) -> Floats:
    """Rolling sums of closes, one row per window."""
    closes = account.course.close.reshape(-1, 1)
    sums = np.empty((len(windows), len(closes)))
    for row, window in zip(sums, windows.tolist(), strict=True):
        row[:] = rolling_sum(closes, window)[:, 0]
    return sums
