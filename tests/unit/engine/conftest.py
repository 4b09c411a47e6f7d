"""Small bars by hand, and runs of hand-written weights over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from engine import Bars, Config, simulate
from engine.ledger import Ledger

Rows = Sequence[Any]


def business_days(count: int, start: str = "2024-01-01") -> np.ndarray:
    return np.busday_offset(start, np.arange(count), roll="forward").astype("datetime64[ns]")


@pytest.fixture
def bars() -> Callable[..., Bars]:
    """bars(open, close, high=None, low=None, volume=None): one column for a flat list, else rows of symbols."""

    def build(
        open: Rows,
        close: Rows,
        *,
        high: Rows | None = None,
        low: Rows | None = None,
        volume: Rows | None = None,
        start: str = "2024-01-01",
    ) -> Bars:
        first, last = np.asarray(open, dtype=float), np.asarray(close, dtype=float)
        top = np.maximum(first, last) if high is None else high
        bottom = np.minimum(first, last) if low is None else low
        count = 1 if last.ndim == 1 else last.shape[1]
        names = tuple("ABCDEFGH"[:count])
        return Bars.from_arrays(business_days(len(last), start), first, top, bottom, last, volume, symbols=names)

    return build


@pytest.fixture
def run() -> Callable[..., Ledger]:
    """run(bars, weights, **config): no costs unless said."""

    def simulated(bars: Bars, weights: Rows, **config: Any) -> Ledger:
        rows = np.asarray(weights, dtype=float)
        rows = rows.reshape(-1, 1) if rows.ndim == 1 else rows
        free = {"initial_capital": 1000.0, "commission_bps": 0.0, "slippage_bps": 0.0}
        return simulate(bars, rows, Config(**(free | config)))

    return simulated
