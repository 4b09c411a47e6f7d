"""One trial in one pass: what one symbol's orders do to an account, measured on the way and not written down.

`follow` goes from order to order. It makes the same operations on the same numbers as `engine.kernel`, so trades and
money are equal to the last bit; only sums over returns are added up in another order. `cross` finds the orders of a
crossing of two averages as `engine.indicators` defines it. Both see only the bars on which the symbol traded.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.book import CASH_SLACK, DUST, Terms
from engine.costs import commission_of, paid_price
from engine.indicators.crossing import TIE
from engine.jit import jit

# Columns of what a trial leaves behind. SOUND is 0 where the single run has to decide (ruin, overflow, no variance).
FINAL, GAINS, SQUARES, DEPTH, TRADES, COMMISSION, SLIPPAGE, SOUND = range(8)
COLUMNS = 8
# An account whose cash is this much of its position or less earns what the price earns.
INVESTED = 1e-13
# Bars that a drawdown takes in one step while it makes no new peak.
STRIDE = 8
# Eight relations in one word.
_ABOVE, _BELOW = np.uint64(0x0101010101010101), np.uint64(0xFFFFFFFFFFFFFFFF)


class Course(NamedTuple):
    """The traded bars of a symbol: where orders fill, closes, and running sums of its returns and their squares.

    `tops` and `bottoms` are the highest and lowest of the STRIDE closes from each bar on.
    """

    price: Floats
    close: Floats
    tops: Floats
    bottoms: Floats
    gains: Floats
    squares: Floats
    lowest: float


class Crosses(NamedTuple):
    """Crossings to try: sums by window [W, T], rows and windows of each trial, and its targets after either cross.

    `fills` says at which bar a decision is carried out; from the length on, at none.
    """

    sums: Floats
    fast: NDArray[np.int64]
    slow: NDArray[np.int64]
    windows: NDArray[np.int64]
    up: Floats
    down: Floats
    fills: NDArray[np.int64]


@jit
def share_of(change: float, price: float, cash: float, units: float, terms: Terms) -> float:
    """`engine.costs.affordable` for one symbol and no least commission."""
    paid = paid_price(change, price, terms.slippage)
    linear = abs(change) * abs(paid - price) + commission_of(0, change, paid, terms)
    room = terms.leverage * (cash + units * price) - abs(units) * price
    best = room / (abs(change) * price + terms.leverage * linear)
    if best <= 0.0:
        return 0.0
    return best if best * CASH_SLACK < 1.0 else 1.0


@jit
def order(target: float, price: float, cash: float, units: float, terms: Terms, row: Floats) -> tuple[float, float]:
    """Cash and units after an order, as `engine.kernel.trade` carries it out: the reduction, then the increase."""
    equity = cash + units * price
    goal = target * equity / price
    change = goal - units
    if goal != 0.0 and abs(change) * price <= DUST * equity:
        return cash, units
    if units * change < 0.0:
        closing = -units if abs(change) >= abs(units) else change
        paid = paid_price(closing, price, terms.slippage)
        commission = commission_of(0, closing, paid, terms)
        units += closing
        cash -= closing * paid + commission
        row[COMMISSION] += commission
        row[SLIPPAGE] += abs(closing) * abs(paid - price)
        change -= closing
    if change != 0.0:
        change *= share_of(change, price, cash, units, terms)
        if abs(change) * price > DUST * equity:
            paid = paid_price(change, price, terms.slippage)
            commission = commission_of(0, change, paid, terms)
            row[TRADES] += 1.0 if units == 0.0 else 0.0
            units += change
            cash -= change * paid + commission
            row[COMMISSION] += commission
            row[SLIPPAGE] += abs(change) * abs(paid - price)
    return cash, units


@jit
def sink(
    first: int, stop: int, cash: float, units: float, course: Course, peak: float, low: float, depth: float
) -> tuple[float, float, float]:
    """Follow the drawdown while units are held: the peak, the lowest equity since, and the least low / peak before.

    Equity rises or falls with the close, rounding included, so its extremes are where those of the closes are.
    """
    t = first
    while t < stop:
        end = stop
        if t + STRIDE <= stop:
            end = t + STRIDE
            one, other = cash + units * course.tops[t], cash + units * course.bottoms[t]
            if max(one, other) <= peak:
                low = min(low, one, other)
                t = end
                continue
        while t < end:
            equity = cash + units * course.close[t]
            if equity > peak:
                depth = min(depth, low / peak)
                peak = equity
                low = equity
            low = min(low, equity)
            t += 1
    return peak, low, depth


@jit
def earn(first: int, stop: int, cash: float, units: float, close: Floats, before: float) -> tuple[float, float, float]:
    """Sum of returns, of their squares, and the lowest equity while units are held beside cash."""
    gains = 0.0
    squares = 0.0
    lowest = before
    for t in range(first, stop):
        equity = cash + units * close[t]
        gain = equity / before - 1.0
        gains += gain
        squares += gain * gain
        lowest = min(lowest, equity)
        before = equity
    return gains, squares, lowest


@jit
def follow(
    count: int, at: NDArray[np.int64], targets: Floats, capital: float, course: Course, terms: Terms, row: Floats
) -> None:
    """Carry out `count` orders: `targets[k]` at bar `at[k]`. Writes the columns of `row`."""
    close, price = course.close, course.price
    cash = capital
    units = 0.0
    before = capital  # equity at the last close that was looked at
    peak = capital
    low = capital
    depth = 1.0
    gains = 0.0
    squares = 0.0
    done = 0
    row[:] = 0.0
    for k in range(count + 1):
        stop = at[k] if k < count else close.shape[0]
        if units != 0.0 and done < stop:
            peak, low, depth = sink(done, stop, cash, units, course, peak, low, depth)
            if units > 0.0 and abs(cash) <= INVESTED * units * course.lowest:
                gains += course.gains[stop - 1] - course.gains[done - 1]
                squares += course.squares[stop - 1] - course.squares[done - 1]
            else:
                more, raised, lowest = earn(done, stop, cash, units, close, before)
                gains += more
                squares += raised
                if lowest <= 0.0:
                    return
            before = cash + units * close[stop - 1]
        if k == count:
            break
        if cash + units * price[stop] <= 0.0:
            return
        cash, units = order(targets[k], price[stop], cash, units, terms, row)
        equity = cash + units * close[stop]
        if equity <= 0.0:
            return
        gain = equity / before - 1.0
        gains += gain
        squares += gain * gain
        peak, low, depth = sink(stop, stop + 1, cash, units, course, peak, low, depth)
        before = equity
        done = stop + 1
    row[FINAL] = before
    row[GAINS] = gains
    row[SQUARES] = squares
    row[DEPTH] = min(depth, low / peak)
    row[SOUND] = 1.0 if math.isfinite(squares) and math.isfinite(peak) and math.isfinite(before) else 0.0


@jit
def relate(fast: int, slow: int, ahead: Floats, behind: Floats, relation: NDArray[np.int8]) -> None:
    """`engine.indicators.compare_averages` of two rows of sums: 1 above, -1 below, 0 tie or too early."""
    for t in range(ahead.shape[0]):
        other = fast * behind[t]
        gap = slow * ahead[t] - other
        tie = TIE * abs(other)
        relation[t] = np.int8(gap > tie) - np.int8(gap < -tie)


@jit
def turns(start: int, total: int, relation: NDArray[np.int8], words: NDArray[np.uint64], at: NDArray[np.int64]) -> int:
    """Bars of the crosses, alternately up and down; `words` are the bytes of `relation`, eight at a time, 0 at the end.

    `start` is the second bar on which both averages are there. The first cross is a change; from then on the next
    bar on the other side is one, whatever ties were between.
    """
    t = start
    while t < total and relation[t] * (relation[t] - relation[t - 1]) <= 0:
        t += 1
    if t >= total:
        return 0
    state = relation[t]
    at[0] = t
    count = 1
    # What came before the first cross must not be taken for one.
    relation[8 * (t >> 3) : t] = 0
    for word in range(t >> 3, words.shape[0]):
        if words[word] == (_ABOVE if state > 0 else _BELOW):
            continue
        # Eight steps without a branch are cheaper than one branch that was guessed wrong.
        for byte in range(8 * word, 8 * word + 8):
            turned = relation[byte] == -state
            at[count] = byte
            count += 1 if turned else 0
            state = -state if turned else state
    return count


@jit
def orders(
    count: int,
    up: float,
    down: float,
    relation: NDArray[np.int8],
    fills: NDArray[np.int64],
    at: NDArray[np.int64],
    targets: Floats,
) -> int:
    """Turn crosses into orders in place: at which bar each is filled and its target, where that changes."""
    target = 0.0
    kept = 0
    for k in range(count):
        bar = at[k]
        wanted = up if relation[bar] > 0 else down
        if wanted != target and fills[bar] < fills.shape[0]:
            at[kept] = fills[bar]
            targets[kept] = wanted
            kept += 1
            target = wanted
    return kept


@jit
def cross(
    crosses: Crosses,
    capital: float,
    course: Course,
    terms: Terms,
    relation: NDArray[np.int8],
    words: NDArray[np.uint64],
    at: NDArray[np.int64],
    targets: Floats,
    rows: Floats,
) -> None:
    """Every trial of a block, from its averages to its row of `rows`; the other arrays are room to work in."""
    for i in range(rows.shape[0]):
        fast, slow = crosses.windows[crosses.fast[i]], crosses.windows[crosses.slow[i]]
        relate(fast, slow, crosses.sums[crosses.fast[i]], crosses.sums[crosses.slow[i]], relation)
        start = max(fast, slow)
        count = turns(start, crosses.fills.shape[0], relation, words, at)
        count = orders(count, crosses.up[i], crosses.down[i], relation, crosses.fills, at, targets)
        follow(count, at, targets, capital, course, terms, rows[i])
