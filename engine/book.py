"""What the kernels of a simulation share: the state between bars, what they read, what they write, their constants."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats

# What is asked of a symbol at a bar.
NOTHING, REBALANCE, CHANGED = 0, 1, 2
# Why a fill was made.
SIGNAL, STOP_LOSS, TAKE_PROFIT, TRAILING_STOP, MAX_HOLDING, RUIN = range(6)
# At most: one expiry, a reduction and an increase by order, a stop, a liquidation.
FILLS_PER_SYMBOL = 5
# Orders below this fraction of equity are rounding of floats, not intentions.
DUST = 1e-10
# Where `counts` has what.
FILLED, RUINED, REFUSED, SCALED = range(4)
# Forgive the last bits when a quantity is a whole number of lots, when targets such as 3 x 1/3 add up to the leverage,
# and when an order takes exactly what there is.
LOT_SLACK = 1.0 + 1e-12
LEVERAGE_SLACK = 1.0 + 1e-12
CASH_SLACK = 1.0 + 1e-14

FILL = np.dtype(
    [
        ("bar", "i8"),
        ("symbol", "i8"),
        ("quantity", "f8"),
        ("price", "f8"),
        ("commission", "f8"),
        ("slippage", "f8"),
        ("carry", "f8"),
        ("reason", "i8"),
    ]
)


class Market(NamedTuple):
    """Prices [T, N], and `years` [T]: time since the previous bar as a fraction of 365 days."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    years: Floats


class Plan(NamedTuple):
    """What the strategy said, when it is filled, and where the calendar asks for every symbol's target (`due` [T]).

    Row r of `weights` [K, N] is decided at bar r and filled at bar r + `delay`; NaN where there was no opinion. Fewer
    rows than bars mean that nothing new was said after them. Where `row_at` [T] is not empty it says which row is
    decided at each bar, -1 for none; for one symbol it is empty.
    """

    weights: Floats
    delay: int
    due: NDArray[np.bool_]
    row_at: NDArray[np.int64]


class Terms(NamedTuple):
    """The configuration as numbers: rates as fractions, 0 where a feature is off; `commission` per symbol [N]."""

    at_open: float
    same_close: float
    drift: float
    short: float
    commission: Floats
    per_share: float
    minimum: float
    slippage: float
    impact: float
    borrow: float
    funding: float
    interest: float
    leverage: float
    stop_loss: float
    take_profit: float
    trailing: float
    max_holding: float
    lot: float
    volume_limit: float


class Book(NamedTuple):
    """The state between bars, per symbol [N].

    `said` is the strategy's last word, `target` what became of it within the limits, `order` what is asked of the
    symbol at this bar (NOTHING, REBALANCE, CHANGED) and `pending` what still waits. `cash` [1]; `counts` [4]: fills in
    the buffer, bar of ruin or -1, whether a short target was refused, whether targets were scaled to the leverage.
    """

    said: Floats
    target: Floats
    order: NDArray[np.int8]
    units: Floats
    mark: Floats
    average: Floats
    best: Floats
    carry: Floats
    opening: Floats
    entry: NDArray[np.int64]
    chosen: NDArray[np.int64]
    pending: NDArray[np.int8]
    blocked: NDArray[np.int8]
    cash: Floats
    counts: NDArray[np.int64]


class Out(NamedTuple):
    """What a run writes: series [T], and a buffer of fills."""

    equity: Floats
    cash: Floats
    gross: Floats
    borrow: Floats
    funding: Floats
    interest: Floats
    fills: NDArray[np.void]
