"""Carry out the orders of a bar, symbols side by side: each pass asks one thing of all of them, without a branch.

What an order is decides which symbols a pass takes, and that is like the toss of a coin: a branch on it would be
guessed wrong at every other symbol. So their numbers are written down first, and then gone through.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.book import CHANGED, DUST, LOT_SLACK, NOTHING, REBALANCE, SIGNAL, Book, Market, Out, Terms
from engine.costs import affordable, fill, value, whole_lots
from engine.exits import expire, expired, liquidate
from engine.jit import inlined


@inlined
def mark(t: int, price: Floats, book: Book) -> None:
    """Mark at these prices; a symbol without one keeps its last."""
    for n in range(book.units.shape[0]):
        if not math.isnan(price[t, n]):
            book.mark[n] = price[t, n]


@inlined
def due(t: int, price: Floats, drifted: bool, terms: Terms, book: Book) -> bool:
    """Queue the orders of bar t; says whether one of them, or an expiry, has a price to be filled at."""
    fillable = False
    for n in range(book.units.shape[0]):
        if book.order[n] == CHANGED:
            book.blocked[n] = 0
            book.pending[n] = CHANGED
        elif (book.order[n] != NOTHING or drifted) and book.blocked[n] == 0 and book.pending[n] == NOTHING:
            book.pending[n] = REBALANCE
        if (book.pending[n] != NOTHING or expired(n, t, terms, book)) and not math.isnan(price[t, n]):
            fillable = True
    return fillable


@inlined
def aim(t: int, price: Floats, equity: float, terms: Terms, book: Book) -> None:
    """Write into `opening` the units to trade towards each target; 0 without an order or a price."""
    opening, target, units, pending = book.opening, book.target, book.units, book.pending
    for n in range(units.shape[0]):
        ordered = (pending[n] != NOTHING) & (not math.isnan(price[t, n]))
        goal = whole_lots(target[n] * equity / price[t, n], terms) if ordered else 0.0
        change = goal - units[n]
        dust = (goal != 0.0) & (abs(change) * price[t, n] <= DUST * equity)
        opening[n] = change if ordered & (not dust) else 0.0
        pending[n] = NOTHING if ordered else pending[n]


@inlined
def limit(t: int, market: Market, terms: Terms, book: Book) -> None:
    """Cut what is to be traded to the volume limit. What is cut stays pending for the next bar."""
    for n in range(book.units.shape[0]):
        change, volume = book.opening[n], market.volume[t, n]
        most = 0.0 if math.isnan(volume) else terms.volume_limit * volume
        if abs(change) > most:
            book.pending[n] = REBALANCE
            book.opening[n] = whole_lots(math.copysign(most, change), terms)


@inlined
def reductions(opening: Floats, units: Floats, chosen: NDArray[np.int64]) -> int:
    """Write down which symbols' positions are to be reduced; says how many."""
    count = 0
    for n in range(units.shape[0]):
        chosen[count] = n
        count += 1 if units[n] * opening[n] < 0.0 else 0
    return count


@inlined
def increases(opening: Floats, chosen: NDArray[np.int64]) -> int:
    """Write down which symbols' positions are to be increased; says how many."""
    count = 0
    for n in range(opening.shape[0]):
        chosen[count] = n
        count += 1 if opening[n] != 0.0 else 0
    return count


@inlined
def trade(t: int, price: Floats, drifted: bool, market: Market, terms: Terms, book: Book, out: Out) -> None:
    """Carry out the orders of bar t at `price`: reductions first, then increases as far as they are affordable."""
    if not due(t, price, drifted, terms, book):
        return
    mark(t, price, book)
    equity = value(book)
    if equity <= 0.0:
        liquidate(t, market, terms, book, out)
        return
    if terms.max_holding > 0.0:
        expire(t, price, market, terms, book, out)
    aim(t, price, equity, terms, book)
    if terms.volume_limit > 0.0:
        limit(t, market, terms, book)
    opening, chosen = book.opening, book.chosen
    slack = LOT_SLACK if terms.lot > 0.0 else 1.0  # lots that were bought one by one do not add up to the last bit
    for i in range(reductions(opening, book.units, chosen)):
        n = chosen[i]
        held, change = book.units[n], opening[n]
        closing = -held if abs(change) * slack >= abs(held) else change
        fill(n, closing, price[t, n], SIGNAL, t, market, terms, book, out)
        opening[n] = change - closing
    count = increases(opening, chosen)
    if count == 0:
        return
    share = affordable(count, price, t, market, terms, book)
    for i in range(count):
        n = chosen[i]
        # Whole lots already; rounding again would lose one where the difference of large numbers has lost bits.
        quantity = opening[n] if share == 1.0 else whole_lots(opening[n] * share, terms)
        if abs(quantity) * price[t, n] > DUST * equity:
            fill(n, quantity, price[t, n], SIGNAL, t, market, terms, book, out)
