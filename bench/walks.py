"""Generated bars for measurements: geometric random walks from fixed seeds, the same numbers for whoever asks.

Only numpy is needed here, because other libraries are measured on these bars in environments of their own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SESSION = 390  # minutes


class Walk(NamedTuple):
    """Times [T], prices and volume [T, N]."""

    time: NDArray[np.datetime64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def symbol(self, n: int) -> Walk:
        """The bars of one symbol, in arrays of their own."""
        return Walk(self.time, *(np.ascontiguousarray(values[:, n : n + 1]) for values in self[1:]))

    def between(self, first: int, stop: int) -> Walk:
        """Bars first <= t < stop."""
        return Walk(*(values[first:stop] for values in self))


def daily(seed: int, total: int, size: int = 1, start: str = "2004-01-01") -> Walk:
    """Business days with 19 % volatility and 8 % drift a year."""
    days = np.busday_offset(start, np.arange(total), roll="forward").astype("datetime64[ns]")
    return _walk(days, size, np.random.default_rng(seed), drift=0.0003, volatility=0.012, gap=0.003, wick=0.003)


def minutes(seed: int, total: int) -> Walk:
    """One-minute bars of sessions of 390 minutes; a stop of 2 % is hit now and then, and never in the entry bar."""
    sessions = np.busday_offset("2014-01-01", np.arange(-(-total // SESSION)), roll="forward").astype("datetime64[m]")
    times = (sessions[:, None] + 570 + np.arange(SESSION)).ravel()[:total].astype("datetime64[ns]")
    return _walk(times, 1, np.random.default_rng(seed), drift=2e-6, volatility=0.0012, gap=0.0002, wick=0.0003)


def _walk(
    time: NDArray[np.datetime64],
    size: int,
    rng: np.random.Generator,
    *,
    drift: float,
    volatility: float,
    gap: float,
    wick: float,
) -> Walk:
    shape = (len(time), size)
    close = 100 * np.exp(np.cumsum(rng.normal(drift, volatility, shape), axis=0))
    before = np.concatenate((np.full((1, size), 100.0), close[:-1]))
    open = before * np.exp(rng.normal(0, gap, shape))
    high, low = np.maximum(open, close) * (1 + wick), np.minimum(open, close) * (1 - wick)
    return Walk(time, open, high, low, close, np.full(shape, 1e6))
