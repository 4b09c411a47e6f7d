"""From what the strategy said to what is asked of each symbol: last words, short sales, leverage."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars, Floats
from engine.book import CHANGED, LEVERAGE_SLACK, NOTHING, REBALANCE, REFUSED, SCALED, Book, Terms
from engine.intake import beyond, told
from engine.jit import inlined

# Bars in their order.
Rows: TypeAlias = NDArray[np.intp]
# No weight is larger: one that is, is a mistake, and sums of such weights would leave the range of a float.
LARGEST = 1e6


@inlined
def permitted(weight: float, terms: Terms) -> float:
    """The weight, zero where it is short and shorts are not allowed."""
    return 0.0 if weight < 0.0 and terms.short == 0.0 else weight


@inlined
def excessive(row: int, weights: Floats) -> bool:
    """Whether a row holds a weight that is infinite or larger than any that is meant."""
    found = False
    for n in range(weights.shape[1]):
        found |= abs(weights[row, n]) > LARGEST
    return found


def disordered(rows: Any, total: int) -> str | None:
    """What is wrong with rows that should be some of so many bars, as the end of a sentence; None when nothing is."""
    whole = type(rows) is np.ndarray and rows.ndim == 1 and rows.dtype.kind in "iu"
    if whole and (not len(rows) or (rows[0] >= 0 and rows[-1] < total and (rows[1:] > rows[:-1]).all())):
        return None
    return f"rows that are not bars: an array of integers from 0 to {total - 1}, each larger than the one before"


def on_every_bar(weights: Floats, rows: Rows, total: int) -> Floats:
    """Weights [K, N] that are decided at some bars as a table of all of them [total, N]: NaN says nothing."""
    table = np.full((total, weights.shape[1]), np.nan)
    table[rows] = weights
    table.flags.writeable = False
    return table


def absurd(weights: Floats, bars: Bars, first: int = 0, rows: Rows | None = None) -> str | None:
    """Which weight from row `first` on is `excessive`, as the end of a sentence; None when none is.

    `rows` are the bars of the weights, where those are not the first ones.
    """
    at = beyond(weights[first:], LARGEST)
    if at < 0:
        return None
    row, column = divmod(at, weights.shape[1])
    row += first
    time = bars.time[row if rows is None else rows[row]]
    return (
        f"a weight of {weights[row, column]:g} for {bars.symbols[column]} at {told(time)}; "
        f"no weight may be larger than {LARGEST:g}, whatever its sign"
    )


@inlined
def news(row: int, weights: Floats, said: Floats) -> bool:
    """Whether a row of weights says something else than what was said last. NaN says nothing."""
    new = False
    for n in range(said.shape[0]):
        new |= weights[row, n] != said[n] and not math.isnan(weights[row, n])
    return new


@inlined
def decide(row: int, weights: Floats, terms: Terms, book: Book) -> None:
    """Targets after a new row. NaN keeps the last word; targets whose sum is above the leverage shrink together.

    Scaling to the leverage moves targets that the strategy left alone: an order, but no new opinion.
    """
    gross = 0.0
    for n in range(book.said.shape[0]):
        weight = weights[row, n]
        if not math.isnan(weight):
            if weight < 0.0 and terms.short == 0.0:
                book.counts[REFUSED] = 1
            if permitted(weight, terms) != permitted(book.said[n], terms):
                book.order[n] = CHANGED
            book.said[n] = weight
        gross += abs(permitted(book.said[n], terms))
    scale = 1.0
    if gross > terms.leverage * LEVERAGE_SLACK:
        scale = terms.leverage / gross
        book.counts[SCALED] = 1
    for n in range(book.said.shape[0]):
        target = permitted(book.said[n], terms) * scale
        if target != book.target[n] and book.order[n] == NOTHING:
            book.order[n] = REBALANCE
        book.target[n] = target


@inlined
def remind(order: NDArray[np.int8]) -> None:
    """Ask for every symbol's target, as the calendar does."""
    for n in range(order.shape[0]):
        if order[n] == NOTHING:
            order[n] = REBALANCE
