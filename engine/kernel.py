"""The simulation, bar by bar: what one session does to positions and cash. Nothing here knows a date or a name.

Order of events within bar t, fills at the open:  carry · orders at the open · stops inside the bar · mark at close.
Fills at the close:  carry · stops inside the bar (for what was held before) · orders at the close · mark.

Every loop is plain Python that `engine.jit` compiles; `run.twin` is what it means.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.book import (
    FILLED,
    FILLS_PER_SYMBOL,
    NOTHING,
    RUINED,
    Book,
    Market,
    Out,
    Plan,
    Terms,
)
from engine.costs import accrue, value
from engine.decisions import decide, excessive, news, remind
from engine.exits import exit_due, liquidate, stops, untouched
from engine.jit import inlined, jit
from engine.orders import mark, trade
from engine.prefetch import fetch_column, fetch_row

# Bars that `coast` looks at in one step.
STRIDE = 64


@inlined
def strayed(terms: Terms, book: Book) -> bool:
    """Whether some weight is further from its target than the drift band allows."""
    equity = value(book)
    if terms.drift == 0.0 or equity <= 0.0:
        return False
    for n in range(book.units.shape[0]):
        # What is about to be ordered, still waits for a price or was stopped out has not drifted.
        if book.order[n] != NOTHING or book.pending[n] != NOTHING or book.blocked[n] != 0:
            continue
        if abs(book.units[n] * book.mark[n] / equity - book.target[n]) > terms.drift:
            return True
    return False


@inlined
def session(t: int, market: Market, terms: Terms, book: Book, out: Out) -> None:
    """What happens in bar t before its last mark."""
    if terms.borrow > 0.0 or terms.funding > 0.0 or terms.interest > 0.0:
        accrue(t, market, terms, book, out)
    watch = terms.stop_loss > 0.0 or terms.take_profit > 0.0 or terms.trailing > 0.0
    at_open = terms.at_open > 0.0
    price = market.open if at_open else market.close
    # Drift is a decision like any other: seen at the previous close, or at this one when that is where it fills.
    drifted = False
    if terms.same_close == 0.0:
        drifted = strayed(terms, book)
    if not at_open:
        if watch:
            stops(t, market, terms, book, out)
        mark(t, price, book)
        if terms.same_close > 0.0:
            drifted = strayed(terms, book)
    trade(t, price, drifted, market, terms, book, out)
    if at_open and watch:
        stops(t, market, terms, book, out)


@inlined
def active(pending: NDArray[np.int8], units: Floats) -> tuple[bool, bool]:
    """Whether an order still waits, and whether anything is held."""
    waiting = False
    holding = False
    for n in range(units.shape[0]):
        waiting = waiting or pending[n] != NOTHING
        holding = holding or units[n] != 0.0
    return waiting, holding


@inlined
def valued(t: int, close: Floats, units: Floats, last: Floats) -> tuple[float, float]:
    """Mark at the closes of bar t; the positions' value, and the sum of its sizes.

    Four sums at a time, because each addition has to wait for the one before.
    """
    size = units.shape[0]
    for n in range(size):
        price = close[t, n]
        last[n] = last[n] if math.isnan(price) else price
    v0 = v1 = v2 = v3 = 0.0
    g0 = g1 = g2 = g3 = 0.0
    whole = size & ~3
    for n in range(0, whole, 4):
        a, b, c, d = (
            units[n] * last[n],
            units[n + 1] * last[n + 1],
            units[n + 2] * last[n + 2],
            units[n + 3] * last[n + 3],
        )
        v0, v1, v2, v3 = v0 + a, v1 + b, v2 + c, v3 + d
        g0, g1, g2, g3 = g0 + abs(a), g1 + abs(b), g2 + abs(c), g3 + abs(d)
    for n in range(whole, size):
        v0 += units[n] * last[n]
        g0 += abs(units[n] * last[n])
    return (v0 + v1) + (v2 + v3), (g0 + g1) + (g2 + g3)


@inlined
def unsaid(t: int, stop: int, said: float, plan: Plan) -> int:
    """The first bar of t <= u < stop at which one symbol hears something new or the calendar asks, or `stop`."""
    reminders = plan.due[t:stop]
    first = reminders.shape[0]
    for k in range(reminders.shape[0]):
        first = min(first, k if reminders[k] else reminders.shape[0])
    stop = t + first
    row = max(0, t - plan.delay)
    words = plan.weights[row : max(row, stop - plan.delay)]
    count = first = words.shape[0]
    for k in range(count):
        first = min(first, k if (words[k, 0] != said) & (words[k, 0] == words[k, 0]) else count)
    return stop if first == count else row + first + plan.delay


@inlined
def solvent(t: int, stop: int, cash: float, units: float, close: Floats) -> int:
    """The first bar of t <= u < stop at whose close the account is ruined, or `stop`."""
    closes = close[t:stop]
    count = first = stop - t
    for k in range(count):
        first = min(first, k if cash + units * closes[k, 0] <= 0.0 else count)
    return t + first


@inlined
def unbroken(closes: Floats) -> bool:
    """Whether there is a price at every bar."""
    missing = False
    for k in range(closes.shape[0]):
        missing |= math.isnan(closes[k, 0])
    return not missing


@inlined
def coast(t: int, stop: int, limited: bool, market: Market, plan: Plan, terms: Terms, book: Book, out: Out) -> int:
    """Mark one symbol bar by bar while nothing else happens; returns the first bar on which something does.

    What could happen is looked for in some bars at a time, each cause on its own, so that the compiler can take
    several of them in one step.
    """
    said, units, last, cash = book.said[0], book.units[0], book.mark[0], book.cash[0]
    price = market.open if terms.at_open > 0.0 else market.close
    ready = limited and units == 0.0  # lows and highs too, for the stops of what will be held
    limited = limited and units != 0.0
    if cash + units * last <= 0.0:
        return t
    while t < stop:
        end = ahead = min(stop, t + STRIDE)
        fetch_column(price, t, end)  # a fill that has to wait for its price takes twice as long
        if ready:
            fetch_column(market.low, t, end)
            fetch_column(market.high, t, end)
        end = unsaid(t, end, said, plan)
        if units < 0.0 or cash < 0.0:
            end = solvent(t, end, cash, units, market.close)
        if limited:
            end = untouched(t, end, ahead, market, terms, book)
        if unbroken(market.close[t:ahead]):
            # Bars from `end` on too, to be written again: loops that are as long as ever are guessed right.
            closes, equity, held, gross = (
                market.close[t:ahead],
                out.equity[t:ahead],
                out.cash[t:ahead],
                out.gross[t:ahead],
            )
            for k in range(closes.shape[0]):
                worth = units * closes[k, 0]
                equity[k] = cash + worth
                held[k] = cash
                gross[k] = abs(worth)
            last = market.close[end - 1, 0] if end > t else last
        else:
            closes, equity, held, gross = market.close[t:end], out.equity[t:end], out.cash[t:end], out.gross[t:end]
            for k in range(closes.shape[0]):
                last = last if math.isnan(closes[k, 0]) else closes[k, 0]
                equity[k] = cash + units * last
                held[k] = cash
                gross[k] = abs(units * last)
        t = end
        if end < ahead:
            break
    book.mark[0] = last
    return t


@inlined
def through(start: int, stop: int, market: Market, plan: Plan, terms: Terms, book: Book, out: Out) -> int:
    """What `run` does.

    A bar on which nothing can happen is only marked. It is told apart here, in arrays that are already at hand,
    because passing the whole state to a function costs more than such a bar.
    """
    room = out.fills.shape[0] - FILLS_PER_SYMBOL * book.units.shape[0]
    close, weights, due_at, counts, cash = market.close, plan.weights, plan.due, book.counts, book.cash
    said, units, last, equity, gross, held = book.said, book.units, book.mark, out.equity, out.gross, out.cash
    always = terms.drift > 0.0 or terms.interest > 0.0
    charged = terms.borrow > 0.0 or terms.funding > 0.0
    limited = terms.stop_loss + terms.take_profit + terms.trailing + terms.max_holding > 0.0
    waiting, holding = active(book.pending, units)
    t = start
    while t < stop:
        calm = not (waiting or always or (holding and charged))
        if calm and units.shape[0] == 1:
            t = coast(t, stop, limited, market, plan, terms, book, out)
            if t == stop:
                break
        if counts[FILLED] > room:
            break
        ordered = False
        row = t - plan.delay
        if 0 <= row < plan.row_at.shape[0]:
            row = plan.row_at[row]
        if 0 <= row < weights.shape[0] and news(row, weights, said):
            if excessive(row, weights):
                break
            decide(row, weights, terms, book)
            ordered = True
        if due_at[t]:
            remind(book.order)
            ordered = True
        busy = ordered or not calm
        if not busy and holding and limited:
            busy = exit_due(t, market, terms, book)
        if busy and counts[RUINED] < 0:
            session(t, market, terms, book, out)
            waiting, holding = active(book.pending, units)
        if ordered:
            book.order[:] = NOTHING
        fetch_row(close, t)
        value, size = valued(t, close, units, last)
        if cash[0] + value <= 0.0 and counts[RUINED] < 0:
            liquidate(t, market, terms, book, out)
            holding = False
            value = size = 0.0
        equity[t] = cash[0] + value
        held[t] = cash[0]
        gross[t] = size
        t += 1
    return t


@jit
def run(start: int, stop: int, market: Market, plan: Plan, terms: Terms, book: Book, out: Out) -> int:
    """Simulate bars start <= t < stop; returns the next bar.

    It is earlier than `stop` when the fill buffer is full, or when what is decided for it is `excessive`.
    """
    if book.units.shape[0] == 1:
        # The same once more, for the compiler: of what it knows to be one it makes no loop.
        return through(start, stop, market, plan, terms, book, out)
    return through(start, stop, market, plan, terms, book, out)
