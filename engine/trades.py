"""Round trips: the fills of a ledger as trades, one per time that a symbol's position leaves zero and returns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars, Floats
from engine.book import MAX_HOLDING, SIGNAL
from engine.jit import jit
from engine.ledger import Ledger
from engine.tables import said_all

EXIT_REASONS = ("signal", "stop_loss", "take_profit", "trailing_stop", "max_holding", "ruin", "open")
OPEN = 6

TRADE = np.dtype(
    [
        ("symbol", "i8"),
        ("side", "i8"),
        ("entry_bar", "i8"),
        ("exit_bar", "i8"),
        ("entry_price", "f8"),
        ("exit_price", "f8"),
        ("quantity", "f8"),
        ("pnl", "f8"),
        ("return", "f8"),
        ("costs", "f8"),
        ("bars_held", "i8"),
        ("exit_reason", "i8"),
        ("mae", "f8"),
        ("mfe", "f8"),
    ]
)

# Columns of the running sums of an open trade.
_HELD, _SIDE, _BOUGHT, _PAID, _SOLD, _RECEIVED, _COMMISSION, _SLIPPAGE, _CARRY = range(9)


@jit
def excursion(n: int, entry: int, stop: int, high: Floats, low: Floats, price: float) -> tuple[float, float]:
    """Lowest and highest price of symbol n over bars entry <= t < stop, and at the exit itself."""
    lowest = price
    highest = price
    for t in range(entry, stop):
        if not math.isnan(low[t, n]):
            lowest = min(lowest, low[t, n])
            highest = max(highest, high[t, n])
    return lowest, highest


@jit
def close(n: int, bar: int, reason: int, sums: Floats, entry: NDArray[np.int64], trade: NDArray[np.void]) -> None:
    """Write the trade of symbol n that ends (or is still open) at `bar`."""
    side = sums[n, _SIDE]
    quantity = sums[n, _BOUGHT]
    trade["symbol"] = n
    trade["side"] = int(side)
    trade["entry_bar"] = entry[n]
    trade["exit_bar"] = -1 if reason == OPEN else bar
    trade["entry_price"] = sums[n, _PAID] / quantity
    trade["exit_price"] = sums[n, _RECEIVED] / sums[n, _SOLD]
    trade["quantity"] = quantity
    pnl = side * (sums[n, _RECEIVED] - sums[n, _PAID]) - sums[n, _COMMISSION] - sums[n, _CARRY]
    trade["pnl"] = pnl
    trade["return"] = pnl / sums[n, _PAID]
    trade["costs"] = sums[n, _COMMISSION] + sums[n, _SLIPPAGE] + sums[n, _CARRY]
    trade["bars_held"] = bar - entry[n]
    trade["exit_reason"] = reason
    trade["mae"] = trade["mfe"] = 0.0


@jit
def collect(
    last: int,
    fills: NDArray[np.void],
    marks: Floats,
    open_carry: Floats,
    sums: Floats,
    entry: NDArray[np.int64],
    trades: NDArray[np.void],
) -> int:
    """Fill `trades` from the fills in order and return how many there are; positions open at bar `last` come last."""
    count = 0
    for i in range(fills.shape[0]):
        fill = fills[i]
        n = fill["symbol"]
        quantity = fill["quantity"]
        if sums[n, _HELD] == 0.0:
            sums[n, :] = 0.0
            sums[n, _SIDE] = 1.0 if quantity > 0.0 else -1.0
            entry[n] = fill["bar"]
        opens = sums[n, _SIDE] * quantity > 0.0
        sums[n, _BOUGHT if opens else _SOLD] += abs(quantity)
        sums[n, _PAID if opens else _RECEIVED] += abs(quantity) * fill["price"]
        sums[n, _COMMISSION] += fill["commission"]
        sums[n, _SLIPPAGE] += fill["slippage"]
        sums[n, _CARRY] += fill["carry"]
        sums[n, _HELD] += quantity
        if sums[n, _HELD] == 0.0:
            close(n, fill["bar"], fill["reason"], sums, entry, trades[count])
            count += 1
    for n in range(sums.shape[0]):
        if sums[n, _HELD] != 0.0:
            sums[n, _SOLD] += abs(sums[n, _HELD])
            sums[n, _RECEIVED] += abs(sums[n, _HELD]) * marks[n]
            sums[n, _CARRY] += open_carry[n]
            close(n, last, OPEN, sums, entry, trades[count])
            count += 1
    return count


@jit
def live(at_open: bool, high: Floats, low: Floats, trades: NDArray[np.void], out: NDArray[np.void]) -> None:
    """Copy trades, with how far each went against and for its position while it was held."""
    for i in range(trades.shape[0]):
        out[i] = trades[i]
        trade = out[i]
        n, side = trade["symbol"], float(trade["side"])
        reason = trade["exit_reason"]
        entry = trade["entry_bar"]
        bar = entry + trade["bars_held"]
        # The bar of a fill at the open is lived through after it; that of a fill at the close before it.
        first = entry if at_open else entry + 1
        last = bar + 1 if reason == OPEN or (not at_open and reason in (SIGNAL, MAX_HOLDING)) else bar
        lowest, highest = excursion(n, first, last, high, low, trade["exit_price"])
        worst = lowest if side > 0.0 else highest
        best = highest if side > 0.0 else lowest
        trade["mae"] = min(0.0, side * (worst / trade["entry_price"] - 1.0))
        trade["mfe"] = max(0.0, side * (best / trade["entry_price"] - 1.0))


def from_ledger(bars: Bars, ledger: Ledger) -> NDArray[np.void]:
    """The trades of a run, sorted by entry, then symbol: a structured array with the fields of `TRADE`.

    Entry and exit price are averages over all fills that raised and lowered the position, slippage included; a
    position that is open at the end is marked at its last price (`exit_bar` -1, reason "open"). `pnl` is net of
    commission and carry, so all of them and the interest on cash sum to final equity minus initial capital. `costs`
    is commission + slippage + carry; `return` is pnl / money paid in; `mae` and `mfe` are the worst and best price
    while the position was held, relative to the entry price.
    """
    return lived(bars, ledger, round_trips(ledger))


def lived(bars: Bars, ledger: Ledger, trades: NDArray[np.void]) -> NDArray[np.void]:
    """These trades, a copy, with `mae` and `mfe`."""
    found = np.empty(len(trades), dtype=TRADE)
    live(ledger.fill == "next_open", bars.high, bars.low, trades, found)
    return found


def round_trips(ledger: Ledger) -> NDArray[np.void]:
    """The trades with `mae` and `mfe` 0: these need every bar that a trade has seen, and no figure needs them."""
    size = len(ledger.marks)
    found = np.empty(len(ledger.fills) + size, dtype=TRADE)
    sums, entry = np.zeros((size, 9)), np.zeros(size, dtype=np.int64)
    last = len(ledger.equity) - 1
    count = collect(last, ledger.fills, ledger.marks, ledger.open_carry, sums, entry, found)
    trades = found[:count]
    # Those of one symbol come in order.
    return trades if size == 1 else trades[np.lexsort((trades["symbol"], trades["entry_bar"]))]


def rows(bars: Bars, trades: NDArray[np.void]) -> Iterator[dict[str, Any]]:
    """Trades as plain values for JSON: names for numbers, ISO 8601 times, `exit_time` None while open."""
    times = said_all(bars.time[np.concatenate((trades["entry_bar"], trades["exit_bar"]))])
    for trade, entry_time, exit_time in zip(trades.tolist(), times, times[len(trades) :], strict=False):
        symbol, side, _, exit_bar, entry_price, exit_price, quantity, pnl, gain, costs, held, reason, mae, mfe = trade
        yield {
            "symbol": bars.symbols[symbol],
            "side": "long" if side > 0 else "short",
            "entry_time": entry_time,
            "entry_price": entry_price,
            "exit_time": None if exit_bar < 0 else exit_time,
            "exit_price": exit_price,
            "quantity": quantity,
            "pnl": pnl,
            "return": gain,
            "costs": costs,
            "bars_held": held,
            "exit_reason": EXIT_REASONS[reason],
            "mae": mae,
            "mfe": mfe,
        }
