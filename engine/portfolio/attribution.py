"""Whose money each gain was: every bar's change of equity, split over the sleeves, so that their sums are the whole.

A leg is one instrument of one sleeve. Whenever an instrument is traded, or a sleeve wants another share of it, each leg
takes the units that it wants at that price; what leverage, lots, volume, costs or a stop made of their sum is split
over them in proportion to what they want. So the units of the legs always sum to the position, and what two sleeves
trade against each other changes hands between them at the price of that moment without a cost. A fill's costs fall to
the legs in proportion to what each of them traded.

Borrow falls to the legs that are short, funding to those that are long, interest on cash to the shares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.book import MAX_HOLDING, SIGNAL
from engine.intake import Floats
from engine.jit import jit
from engine.ledger import Ledger

Places = NDArray[np.int64]


class Legs(NamedTuple):
    """Legs in the order of their instruments: those of n are `first[n]` to `first[n + 1]`.

    `sleeve` [L] is whose each is; `wanted` [T, L] the fraction of the book's equity that it wants, decided at bar t.
    """

    first: Places
    sleeve: Places
    wanted: Floats


class Account(NamedTuple):
    """What happened: the ledger's fills and series [T], the price of orders and the close [T, N], the first cash."""

    fills: NDArray[np.void]
    cash: Floats
    borrow: Floats
    funding: Floats
    interest: Floats
    order: Floats
    close: Floats
    capital: float
    at_open: bool
    delay: int


class State(NamedTuple):
    """Between bars: units and last wish of each leg [L], net units and last price of each instrument [N].

    `after`, `cost` and `ended` [N] gather the orders of a bar: the units after them, added up fill by fill as the
    ledger adds them, so that what was closed is 0 and no rounding. `next` [1] is the next fill.
    """

    held: Floats
    applied: Floats
    net: Floats
    mark: Floats
    after: Floats
    cost: Floats
    ended: NDArray[np.bool_]
    next: Places


@jit
def move(n: int, price: float, legs: Legs, state: State, gains: Floats) -> None:
    """Mark an instrument at a price."""
    for k in range(legs.first[n], legs.first[n + 1]):
        gains[legs.sleeve[k]] += state.held[k] * (price - state.mark[n])
    state.mark[n] = price


@jit
def charge(n: int, cost: float, sizes: Floats, legs: Legs, gains: Floats) -> None:
    """Take a cost from the legs of an instrument in proportion to sizes [L]; evenly where there are none."""
    first, stop = legs.first[n], legs.first[n + 1]
    whole = 0.0
    for k in range(first, stop):
        whole += abs(sizes[k])
    for k in range(first, stop):
        part = abs(sizes[k]) / whole if whole > 0.0 else 1.0 / (stop - first)
        gains[legs.sleeve[k]] -= cost * part


@jit
def settle(n: int, net: float, unit: float, row: int, legs: Legs, state: State, sizes: Floats) -> None:
    """Give the legs of an instrument their units of a new position; `sizes` [L] becomes what each traded.

    `unit` is how many units all of the equity would buy. A position that ended at its age and was taken again within
    the bar was traded out of and into, whatever it is in sum.
    """
    first, stop = legs.first[n], legs.first[n + 1]
    whole = summed = 0.0
    for k in range(first, stop):
        sizes[k] = state.held[k]
        state.applied[k] = legs.wanted[row, k]
        wanted = legs.wanted[row, k] * unit
        whole += abs(wanted)
        summed += wanted
    if whole > 0.0:
        for k in range(first, stop):
            wanted = legs.wanted[row, k] * unit
            state.held[k] = wanted + (net - summed) * abs(wanted) / whole
    else:  # nobody wants it: what is still there is what each had of it
        for k in range(first, stop):
            whole += abs(state.held[k])
            summed += state.held[k]
        for k in range(first, stop):
            part = abs(state.held[k]) / whole if whole > 0.0 else 1.0 / (stop - first)
            state.held[k] = state.held[k] + (net - summed) * part if net != 0.0 else 0.0
    for k in range(first, stop):
        sizes[k] = abs(state.held[k]) + abs(sizes[k]) if state.ended[n] else state.held[k] - sizes[k]
    state.net[n] = net


@jit
def leave(n: int, price: float, cost: float, legs: Legs, state: State, gains: Floats) -> None:
    """End a position, whoever has a part of it: stop, target or ruin."""
    move(n, price, legs, state, gains)
    charge(n, cost, state.held, legs, gains)
    for k in range(legs.first[n], legs.first[n + 1]):
        state.held[k] = 0.0
    state.net[n] = 0.0


@jit
def exits(t: int, account: Account, legs: Legs, state: State, gains: Floats) -> float:
    """Carry out the fills of bar t up to the next order, none of which a strategy decided; returns the cash they took.

    A fill's price without slippage is price - slippage / quantity.
    """
    taken = 0.0
    fills = account.fills
    while state.next[0] < fills.shape[0]:
        fill = fills[state.next[0]]
        if fill["bar"] != t or fill["reason"] == SIGNAL or fill["reason"] == MAX_HOLDING:
            break
        price = fill["price"] - fill["slippage"] / fill["quantity"]
        taken += fill["quantity"] * fill["price"] + fill["commission"]
        leave(fill["symbol"], price, fill["commission"] + fill["slippage"], legs, state, gains)
        state.next[0] += 1
    return taken


@jit
def orders(t: int, cash: float, account: Account, legs: Legs, state: State, sizes: Floats, gains: Floats) -> None:
    """Carry out the orders of bar t, and let sleeves that only changed places with each other do so."""
    fills, row = account.fills, t - account.delay
    for n in range(state.net.shape[0]):
        state.after[n] = state.net[n]
        state.cost[n] = 0.0
        state.ended[n] = False
    while state.next[0] < fills.shape[0]:
        fill = fills[state.next[0]]
        if fill["bar"] != t or (fill["reason"] != SIGNAL and fill["reason"] != MAX_HOLDING):
            break
        n = fill["symbol"]
        state.after[n] += fill["quantity"]
        state.cost[n] += fill["commission"] + fill["slippage"]
        state.ended[n] = state.ended[n] or fill["reason"] == MAX_HOLDING
        state.next[0] += 1
    equity = cash
    for n in range(state.net.shape[0]):
        price = account.order[t, n]
        equity += state.net[n] * (state.mark[n] if math.isnan(price) else price)
    for n in range(state.net.shape[0]):
        price = account.order[t, n]
        wish = False
        for k in range(legs.first[n], legs.first[n + 1]):
            wish = wish or (row >= 0 and legs.wanted[row, k] != state.applied[k])
        traded = state.after[n] != state.net[n] or state.cost[n] != 0.0
        if math.isnan(price) or not (traded or wish):
            continue
        net = state.after[n]
        if state.ended[n] and net == 0.0:
            leave(n, price, state.cost[n], legs, state, gains)
            continue
        move(n, price, legs, state, gains)
        settle(n, net, max(0.0, equity) / price, max(0, row), legs, state, sizes)
        charge(n, state.cost[n], sizes, legs, gains)


@jit
def accrued(t: int, account: Account, shares: Floats, legs: Legs, state: State, gains: Floats) -> None:
    """Split what holding cost or earned since the bar before."""
    short = long = 0.0
    for n in range(state.net.shape[0]):
        short += max(0.0, -state.net[n] * state.mark[n])
        for k in range(legs.first[n], legs.first[n + 1]):
            long += max(0.0, state.held[k] * state.mark[n])
    whole = 0.0
    for s in range(shares.shape[0]):
        whole += shares[s]
    for s in range(shares.shape[0]):
        part = shares[s] / whole
        gains[s] += account.interest[t] * part
        if long == 0.0:
            gains[s] -= account.funding[t] * part
    for n in range(state.net.shape[0]):
        first, stop = legs.first[n], legs.first[n + 1]
        owed = account.borrow[t] * max(0.0, -state.net[n] * state.mark[n]) / short if short > 0.0 else 0.0
        sold = 0.0
        for k in range(first, stop):
            sold += max(0.0, -state.held[k])
        for k in range(first, stop):
            s = legs.sleeve[k]
            if owed > 0.0 and sold > 0.0:  # a net position that is nobody's is the rounding of theirs
                gains[s] -= owed * max(0.0, -state.held[k]) / sold
            if long > 0.0:
                gains[s] -= account.funding[t] * max(0.0, state.held[k] * state.mark[n]) / long


@jit
def attribute(account: Account, shares: Floats, legs: Legs, state: State, sizes: Floats, gains: Floats) -> None:
    """Write the gains of each bar by sleeve [T, S] in money."""
    before = account.capital
    for t in range(gains.shape[0]):
        row = gains[t]
        row[:] = 0.0
        accrued(t, account, shares[max(0, t - account.delay)], legs, state, row)
        before += account.interest[t] - account.borrow[t] - account.funding[t]
        if not account.at_open:
            before -= exits(t, account, legs, state, row)
        orders(t, before, account, legs, state, sizes, row)
        exits(t, account, legs, state, row)
        for n in range(state.net.shape[0]):
            price = account.close[t, n]
            if not math.isnan(price):
                move(n, price, legs, state, row)
        exits(t, account, legs, state, row)
        before = account.cash[t]


def gains_of(bars: Bars, ledger: Ledger, shares: Floats, wanted: Sequence[Floats], columns: Sequence[Places]) -> Floats:
    """What each bar brought each sleeve, in money [T, S]; a row sums to the change of equity.

    Args:
        bars, ledger: of the book.
        shares: of the sleeves [T, S].
        wanted: of each sleeve, what it wants of the book's equity in each of its symbols [T, N_s].
        columns: of each sleeve, where its symbols are among those of the book [N_s].
    """
    size, count = len(bars.symbols), len(wanted)
    symbol = np.concatenate(columns)
    sleeve = np.repeat(np.arange(count), [len(column) for column in columns])
    order = np.argsort(symbol, kind="stable")
    first = np.searchsorted(symbol[order], np.arange(size + 1))
    legs = Legs(
        first.astype(np.int64), sleeve[order].astype(np.int64), np.concatenate(wanted, axis=1).take(order, axis=1)
    )
    at_open = ledger.fill == "next_open"
    account = Account(
        fills=ledger.fills,
        cash=ledger.cash,
        borrow=np.array(ledger.borrow),  # a row of its own, where the ledger has one zero for all bars
        funding=np.array(ledger.funding),
        interest=np.array(ledger.interest),
        order=bars.open if at_open else bars.close,
        close=bars.close,
        capital=ledger.initial_capital,
        at_open=at_open,
        delay=0 if ledger.fill == "same_close" else 1,
    )
    held, applied = np.zeros((2, len(order)))
    net, mark, after, cost = np.zeros((4, size))
    ended, following = np.zeros(size, dtype=np.bool_), np.zeros(1, dtype=np.int64)
    state = State(held, applied, net, mark, after, cost, ended, following)
    gains = np.empty((len(bars), count))
    attribute(account, shares, legs, state, np.zeros(len(order)), gains)
    return gains
