"""The simulation, bar by bar: what one session does to positions and cash. Nothing here knows a date or a name.

Order of events within bar t, fills at the open:  carry · orders at the open · stops inside the bar · mark at close.
Fills at the close:  carry · stops inside the bar (for what was held before) · orders at the close · mark.

Every loop is plain Python that `engine.jit` compiles; `run.twin` is what it means.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.jit import jit

# What a plan asks of a symbol at a bar.
NOTHING, REBALANCE, CHANGED = 0, 1, 2
# Why a fill was made.
SIGNAL, STOP_LOSS, TAKE_PROFIT, TRAILING_STOP, MAX_HOLDING, RUIN = range(6)
# At most: one expiry, a reduction and an increase by order, a stop, a liquidation.
FILLS_PER_SYMBOL = 5
# Orders below this fraction of equity are rounding of floats, not intentions.
DUST = 1e-10
# Forgive the last bits when a quantity is a whole number of lots, and when an order takes exactly what there is.
LOT_SLACK = 1.0 + 1e-12
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
    """Per fill bar: the target weight in force (never NaN) and what is asked (NOTHING, REBALANCE, CHANGED)."""

    target: Floats
    order: NDArray[np.int8]


class Terms(NamedTuple):
    """The configuration as numbers: rates as fractions, 0 where a feature is off."""

    at_open: float
    same_close: float
    drift: float
    commission: float
    per_share: float
    minimum: float
    slippage: float
    borrow: float
    funding: float
    leverage: float
    stop_loss: float
    take_profit: float
    trailing: float
    max_holding: float
    lot: float
    volume_limit: float


class Book(NamedTuple):
    """The state between bars, per symbol [N]; `cash` [1]; `counts` [2]: fills in the buffer, bar of ruin or -1."""

    units: Floats
    mark: Floats
    average: Floats
    best: Floats
    carry: Floats
    opening: Floats
    entry: NDArray[np.int64]
    pending: NDArray[np.int8]
    blocked: NDArray[np.int8]
    cash: Floats
    counts: NDArray[np.int64]


class Out(NamedTuple):
    """What a run writes: series [T], positions in units [T, N], and a buffer of fills."""

    equity: Floats
    cash: Floats
    gross: Floats
    borrow: Floats
    funding: Floats
    positions: Floats
    fills: NDArray[np.void]


@jit
def commission_of(quantity: float, paid: float, terms: Terms) -> float:
    """Commission before the minimum: on traded notional, and per unit."""
    size = abs(quantity)
    return terms.commission * size * paid + terms.per_share * size


@jit
def paid_price(quantity: float, price: float, terms: Terms) -> float:
    """Buys pay above the price, sells receive less."""
    return price * (1.0 + terms.slippage) if quantity > 0.0 else price * (1.0 - terms.slippage)


@jit
def fill(n: int, quantity: float, price: float, reason: int, t: int, terms: Terms, book: Book, out: Out) -> None:
    """Trade `quantity` of symbol n. A fill never crosses zero: a reversal is two fills."""
    paid = paid_price(quantity, price, terms)
    commission = max(commission_of(quantity, paid, terms), terms.minimum)
    held = book.units[n]
    if held == 0.0:
        book.entry[n] = t
        book.average[n] = paid
        book.best[n] = price
    elif held * quantity > 0.0:
        size = abs(held) + abs(quantity)
        book.average[n] = (book.average[n] * abs(held) + paid * abs(quantity)) / size
    book.units[n] = held + quantity
    book.cash[0] -= quantity * paid + commission
    row = out.fills[book.counts[0]]
    row["bar"] = t
    row["symbol"] = n
    row["quantity"] = quantity
    row["price"] = paid
    row["commission"] = commission
    row["slippage"] = abs(quantity) * abs(paid - price)
    row["carry"] = book.carry[n]
    row["reason"] = reason
    book.carry[n] = 0.0
    book.counts[0] += 1


@jit
def accrue(t: int, market: Market, terms: Terms, book: Book, out: Out) -> None:
    """Charge what holding cost since the previous bar: borrow on shorts, funding of negative cash to the longs."""
    years = market.years[t]
    longs = 0.0
    for n in range(book.units.shape[0]):
        if book.units[n] > 0.0:
            longs += book.units[n] * book.mark[n]
    owed = terms.funding * years * max(0.0, -book.cash[0])
    for n in range(book.units.shape[0]):
        value = book.units[n] * book.mark[n]
        if value < 0.0:
            fee = -value * terms.borrow * years
            book.carry[n] += fee
            book.cash[0] -= fee
            out.borrow[t] += fee
        elif value > 0.0 and owed > 0.0:
            book.carry[n] += owed * value / longs
    out.funding[t] = owed
    book.cash[0] -= owed


@jit
def value(book: Book) -> float:
    """Equity: cash and positions at their marks."""
    equity = book.cash[0]
    for n in range(book.units.shape[0]):
        equity += book.units[n] * book.mark[n]
    return float(equity)


@jit
def mark(t: int, price: Floats, book: Book) -> None:
    """Mark at these prices; a symbol without one keeps its last."""
    for n in range(book.units.shape[0]):
        if not math.isnan(price[t, n]):
            book.mark[n] = price[t, n]


@jit
def strayed(t: int, plan: Plan, terms: Terms, book: Book) -> bool:
    """Whether some weight is further from its target than the drift band allows."""
    equity = value(book)
    if terms.drift == 0.0 or equity <= 0.0:
        return False
    for n in range(book.units.shape[0]):
        # What is about to be ordered, still waits for a price or was stopped out has not drifted.
        if plan.order[t, n] != NOTHING or book.pending[n] != 0 or book.blocked[n] != 0:
            continue
        if abs(book.units[n] * book.mark[n] / equity - plan.target[t, n]) > terms.drift:
            return True
    return False


@jit
def liquidate(t: int, terms: Terms, book: Book, out: Out) -> None:
    """Ruin: close everything at its mark; the run is over."""
    for n in range(book.units.shape[0]):
        if book.units[n] != 0.0:
            fill(n, -book.units[n], book.mark[n], RUIN, t, terms, book, out)
    book.counts[1] = t


@jit
def whole_lots(quantity: float, terms: Terms) -> float:
    """The quantity rounded towards zero to whole lots."""
    if terms.lot == 0.0:
        return quantity
    lots = math.floor(abs(quantity) / terms.lot * LOT_SLACK)
    return math.copysign(lots * terms.lot, quantity)


@jit
def change_of(
    n: int, t: int, equity: float, price: float, market: Market, plan: Plan, terms: Terms, book: Book
) -> float:
    """Units to trade towards the target. An order that the volume limit cuts stays pending for the next bar."""
    goal = whole_lots(plan.target[t, n] * equity / price, terms)
    change = goal - float(book.units[n])
    book.pending[n] = 0
    if goal != 0.0 and abs(change) * price <= DUST * equity:
        return 0.0
    if terms.volume_limit > 0.0:
        volume = market.volume[t, n]
        most = 0.0 if math.isnan(volume) else terms.volume_limit * volume
        if abs(change) > most:
            book.pending[n] = 1
            change = whole_lots(math.copysign(most, change), terms)
    return change


@jit
def affordable(price: Floats, t: int, terms: Terms, book: Book) -> float:
    """The common share k <= 1 of all increases that keeps gross exposure within leverage x equity after costs.

    gross + k growth = L (equity - k linear - fixed) solved for k. For one all-in purchase it is the textbook
    cash / (price (1 + costs)). A commission at its minimum does not shrink with k, so it counts as fixed; each
    round can only move more fills there, hence the loop ends.
    """
    gross = 0.0
    growth = 0.0
    for n in range(book.units.shape[0]):
        gross += abs(book.units[n]) * book.mark[n]
        growth += abs(book.opening[n]) * book.mark[n]
    equity = value(book)
    share = 1.0
    while True:
        linear = 0.0
        fixed = 0.0
        for n in range(book.units.shape[0]):
            if book.opening[n] == 0.0:
                continue
            paid = paid_price(book.opening[n], price[t, n], terms)
            linear += abs(book.opening[n]) * abs(paid - price[t, n])
            commission = commission_of(book.opening[n], paid, terms)
            if share * commission < terms.minimum:
                fixed += terms.minimum
            else:
                linear += commission
        best = (terms.leverage * (equity - fixed) - gross) / (growth + terms.leverage * linear)
        if best <= 0.0:
            return 0.0
        if best * CASH_SLACK >= share:
            return share
        share = best


@jit
def expire(t: int, price: Floats, plan: Plan, terms: Terms, book: Book, out: Out) -> None:
    """Close what was held for the longest allowed time; it stays flat until its target changes."""
    for n in range(book.units.shape[0]):
        old = book.units[n] != 0.0 and t - book.entry[n] >= terms.max_holding
        if old and not math.isnan(price[t, n]):
            fill(n, -book.units[n], price[t, n], MAX_HOLDING, t, terms, book, out)
            if plan.order[t, n] != CHANGED:
                book.blocked[n] = 1
                book.pending[n] = 0


@jit
def trade(t: int, price: Floats, drifted: bool, market: Market, plan: Plan, terms: Terms, book: Book, out: Out) -> None:
    """Carry out the orders of bar t at `price`: reductions first, then increases as far as they are affordable."""
    size = book.units.shape[0]
    waiting = 0
    for n in range(size):
        if plan.order[t, n] == CHANGED:
            book.blocked[n] = 0
        if (plan.order[t, n] != NOTHING or drifted) and book.blocked[n] == 0:
            book.pending[n] = 1
        waiting += book.pending[n]
    if waiting == 0 and terms.max_holding == 0.0:
        return
    mark(t, price, book)
    equity = value(book)
    if equity <= 0.0:
        liquidate(t, terms, book, out)
        return
    if terms.max_holding > 0.0:
        expire(t, price, plan, terms, book, out)
    increases = 0
    for n in range(size):
        book.opening[n] = 0.0
        if book.pending[n] == 0 or math.isnan(price[t, n]):
            continue
        change = change_of(n, t, equity, price[t, n], market, plan, terms, book)
        held = book.units[n]
        if held * change < 0.0:
            closing = -held if abs(change) >= abs(held) else change
            fill(n, closing, price[t, n], SIGNAL, t, terms, book, out)
            change -= closing
        if change != 0.0:
            book.opening[n] = change
            increases += 1
    if increases == 0:
        return
    share = affordable(price, t, terms, book)
    for n in range(size):
        quantity = whole_lots(book.opening[n] * share, terms)
        if abs(quantity) * price[t, n] > DUST * equity:
            fill(n, quantity, price[t, n], SIGNAL, t, terms, book, out)


@jit
def stops(t: int, market: Market, terms: Terms, book: Book, out: Out) -> None:
    """Exits inside the bar. The open is known to come first; after it, the stop is taken to come before the target."""
    for n in range(book.units.shape[0]):
        first = market.open[t, n]
        if book.units[n] == 0.0 or math.isnan(first):
            continue
        side = 1.0 if book.units[n] > 0.0 else -1.0
        worst = market.low[t, n] if side > 0.0 else market.high[t, n]
        favourable = market.high[t, n] if side > 0.0 else market.low[t, n]
        level = -side * np.inf
        reason = STOP_LOSS
        if terms.stop_loss > 0.0:
            level = book.average[n] * (1.0 - side * terms.stop_loss)
        if terms.trailing > 0.0:
            trail = book.best[n] * (1.0 - side * terms.trailing)
            if side * trail > side * level:
                level = trail
                reason = TRAILING_STOP
        take = side * np.inf
        if terms.take_profit > 0.0:
            take = book.average[n] * (1.0 + side * terms.take_profit)
        price = 0.0
        if side * first <= side * level:
            price = first
        elif side * first >= side * take:
            price, reason = first, TAKE_PROFIT
        elif side * worst <= side * level:
            price = level
        elif side * favourable >= side * take:
            price, reason = take, TAKE_PROFIT
        if side * favourable > side * book.best[n]:
            book.best[n] = favourable
        if price > 0.0:
            fill(n, -book.units[n], price, reason, t, terms, book, out)
            book.blocked[n] = 1
            book.pending[n] = 0


@jit
def session(t: int, market: Market, plan: Plan, terms: Terms, book: Book, out: Out) -> None:
    """What happens in bar t before its last mark."""
    if terms.borrow > 0.0 or terms.funding > 0.0:
        accrue(t, market, terms, book, out)
    watch = terms.stop_loss > 0.0 or terms.take_profit > 0.0 or terms.trailing > 0.0
    # Drift is a decision like any other: seen at the previous close, or at this one when that is where it fills.
    drifted = False
    if terms.same_close == 0.0:
        drifted = strayed(t, plan, terms, book)
    if terms.at_open > 0.0:
        trade(t, market.open, drifted, market, plan, terms, book, out)
        if watch:
            stops(t, market, terms, book, out)
    else:
        if watch:
            stops(t, market, terms, book, out)
        mark(t, market.close, book)
        if terms.same_close > 0.0:
            drifted = strayed(t, plan, terms, book)
        trade(t, market.close, drifted, market, plan, terms, book, out)


@jit
def run(start: int, stop: int, market: Market, plan: Plan, terms: Terms, book: Book, out: Out) -> int:
    """Simulate bars start <= t < stop; returns the next bar, earlier than `stop` when the fill buffer is full.

    A bar on which nothing can happen is only marked. It is told apart here, in arrays that are already at hand,
    because passing the whole state to a function costs more than such a bar.
    """
    size = book.units.shape[0]
    units, last, pending, cash = book.units, book.mark, book.pending, book.cash
    close, order, positions = market.close, plan.order, out.positions
    watched = terms.stop_loss + terms.take_profit + terms.trailing + terms.max_holding > 0.0
    watched = watched or terms.borrow > 0.0 or terms.funding > 0.0
    for t in range(start, stop):
        if book.counts[0] + FILLS_PER_SYMBOL * size > out.fills.shape[0]:
            return t
        busy = terms.drift > 0.0
        for n in range(size):
            if order[t, n] != NOTHING or pending[n] != 0 or (watched and units[n] != 0.0):
                busy = True
        if busy and book.counts[1] < 0:
            session(t, market, plan, terms, book, out)
        equity = cash[0]
        gross = 0.0
        for n in range(size):
            if not math.isnan(close[t, n]):
                last[n] = close[t, n]
            equity += units[n] * last[n]
            gross += abs(units[n]) * last[n]
        if equity <= 0.0 and book.counts[1] < 0:
            liquidate(t, terms, book, out)
            equity = cash[0]
            gross = 0.0
        out.equity[t] = equity
        out.cash[t] = cash[0]
        out.gross[t] = gross
        for n in range(size):
            positions[t, n] = units[n]
    return stop
