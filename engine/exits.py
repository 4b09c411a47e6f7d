"""Ways out of a position that no strategy decides: stops and targets inside a bar, expiry, ruin."""

from __future__ import annotations

import math

import numpy as np

from engine.bars import Floats
from engine.book import (
    CHANGED,
    MAX_HOLDING,
    NOTHING,
    RUIN,
    RUINED,
    STOP_LOSS,
    TAKE_PROFIT,
    TRAILING_STOP,
    Book,
    Market,
    Out,
    Terms,
)
from engine.costs import fill
from engine.jit import inlined, jit


@jit
def liquidate(t: int, market: Market, terms: Terms, book: Book, out: Out) -> None:
    """Ruin: close everything at its mark; the run is over."""
    for n in range(book.units.shape[0]):
        if book.units[n] != 0.0:
            fill(n, -book.units[n], book.mark[n], RUIN, t, market, terms, book, out)
    book.counts[RUINED] = t


@inlined
def expired(n: int, t: int, terms: Terms, book: Book) -> bool:
    """Whether a position has been held for the longest allowed time."""
    return bool(terms.max_holding > 0.0 and book.units[n] != 0.0 and t - book.entry[n] >= terms.max_holding)


@inlined
def stay_flat(n: int, book: Book) -> None:
    """After an exit nothing is ordered until the target changes; a change that still waits for a price stands."""
    if book.pending[n] != CHANGED:
        book.blocked[n] = 1
        book.pending[n] = NOTHING


@jit
def expire(t: int, price: Floats, market: Market, terms: Terms, book: Book, out: Out) -> None:
    """Close what was held for the longest allowed time; it stays flat until its target changes."""
    for n in range(book.units.shape[0]):
        if expired(n, t, terms, book) and not math.isnan(price[t, n]):
            fill(n, -book.units[n], price[t, n], MAX_HOLDING, t, market, terms, book, out)
            stay_flat(n, book)


@inlined
def levels(n: int, side: float, terms: Terms, book: Book) -> tuple[float, float, int]:
    """Price of the tighter stop, price of the target, and which stop it is; infinite where there is none."""
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
    return level, take, reason


@inlined
def follow(n: int, t: int, market: Market, book: Book) -> None:
    """Remember the best price that the position has seen."""
    if book.units[n] > 0.0 and market.high[t, n] > book.best[n]:
        book.best[n] = market.high[t, n]
    elif book.units[n] < 0.0 and market.low[t, n] < book.best[n]:
        book.best[n] = market.low[t, n]


@inlined
def touched(n: int, t: int, market: Market, terms: Terms, book: Book) -> bool:
    """Whether a stop, a target or an expiry ends the position in symbol n in bar t."""
    if book.units[n] == 0.0:
        return False
    side = 1.0 if book.units[n] > 0.0 else -1.0
    level, take, _ = levels(n, side, terms, book)
    low, high = market.low[t, n], market.high[t, n]
    worst, favourable = (low, high) if side > 0.0 else (high, low)
    return side * worst <= side * level or side * favourable >= side * take or expired(n, t, terms, book)


@inlined
def untouched(t: int, stop: int, ahead: int, market: Market, terms: Terms, book: Book) -> int:
    """The first bar of t <= u < stop that ends the only position, or `stop`; trailing stops follow those before it.

    Levels that stay where they are need no branch to see what meets them, and look as far as `ahead` in any case: a
    loop that is as long as ever is guessed right.
    """
    if terms.max_holding > 0.0:
        stop = max(t, min(stop, book.entry[0] + math.ceil(terms.max_holding)))
    if terms.trailing > 0.0:
        while t < stop and not touched(0, t, market, terms, book):
            follow(0, t, market, book)
            t += 1
        return t
    side = 1.0 if book.units[0] > 0.0 else -1.0
    level, take, _ = levels(0, side, terms, book)
    floor, ceiling = (level, take) if side > 0.0 else (take, level)
    lows, highs = market.low[t:ahead], market.high[t:ahead]
    count = first = ahead - t
    for k in range(count):
        first = min(first, k if (lows[k, 0] <= floor) | (highs[k, 0] >= ceiling) else count)
    return min(stop, t + first)


@inlined
def exit_due(t: int, market: Market, terms: Terms, book: Book) -> bool:
    """Whether some position ends in bar t; else the trailing stops follow the bar."""
    for n in range(book.units.shape[0]):
        if touched(n, t, market, terms, book):
            return True
    if terms.trailing > 0.0:
        for n in range(book.units.shape[0]):
            follow(n, t, market, book)
    return False


@inlined
def stops(t: int, market: Market, terms: Terms, book: Book, out: Out) -> None:
    """Exits inside the bar. The open is known to come first; after it, the stop is taken to come before the target."""
    for n in range(book.units.shape[0]):
        first = market.open[t, n]
        if book.units[n] == 0.0 or math.isnan(first):
            continue
        side = 1.0 if book.units[n] > 0.0 else -1.0
        worst = market.low[t, n] if side > 0.0 else market.high[t, n]
        favourable = market.high[t, n] if side > 0.0 else market.low[t, n]
        level, take, reason = levels(n, side, terms, book)
        price = 0.0
        if side * first <= side * level:
            price = first
        elif side * first >= side * take:
            price, reason = first, TAKE_PROFIT
        elif side * worst <= side * level:
            price = level
        elif side * favourable >= side * take:
            price, reason = take, TAKE_PROFIT
        follow(n, t, market, book)
        if price > 0.0:
            fill(n, -book.units[n], price, reason, t, market, terms, book, out)
            stay_flat(n, book)
