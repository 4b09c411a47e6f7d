"""What trading and holding cost, and how much of an order the account can carry."""

from __future__ import annotations

import math

from engine.bars import Floats
from engine.book import CASH_SLACK, FILLED, LOT_SLACK, Book, Market, Out, Terms
from engine.jit import inlined, jit


@inlined
def commission_of(n: int, quantity: float, paid: float, terms: Terms) -> float:
    """Commission before the minimum: on traded notional, and per unit."""
    size = abs(quantity)
    return float(terms.commission[n] * size * paid + terms.per_share * size)


@inlined
def slippage_of(quantity: float, volume: float, terms: Terms) -> float:
    """Slippage as a fraction of the price: the fixed part, and impact x (quantity / volume)^2.

    The share of the volume ends at 1: more than what was traded has no known price. Unknown or no volume counts as
    a share of 1, the dearest.
    """
    if terms.impact == 0.0:
        return terms.slippage
    size = abs(quantity)
    share = size / volume if size < volume else 1.0
    return terms.slippage + terms.impact * share * share


@inlined
def paid_price(quantity: float, price: float, slippage: float) -> float:
    """Buys pay above the price, sells receive less."""
    return price * (1.0 + slippage) if quantity > 0.0 else price * (1.0 - slippage)


@inlined
def fill(
    n: int, quantity: float, price: float, reason: int, t: int, market: Market, terms: Terms, book: Book, out: Out
) -> None:
    """Trade `quantity` of symbol n. A fill never crosses zero: a reversal is two fills."""
    paid = paid_price(quantity, price, slippage_of(quantity, market.volume[t, n], terms))
    commission = max(commission_of(n, quantity, paid, terms), terms.minimum)
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
    row = out.fills[book.counts[FILLED]]
    row["bar"] = t
    row["symbol"] = n
    row["quantity"] = quantity
    row["price"] = paid
    row["commission"] = commission
    row["slippage"] = abs(quantity) * abs(paid - price)
    row["carry"] = book.carry[n]
    row["reason"] = reason
    book.carry[n] = 0.0
    book.counts[FILLED] += 1


@jit
def accrue(t: int, market: Market, terms: Terms, book: Book, out: Out) -> None:
    """Charge what holding cost since the previous bar: borrow on shorts, funding of negative cash to the longs.

    Positive cash, the proceeds of shorts included, earns interest, which belongs to the account and to no position.
    """
    years = market.years[t]
    longs = 0.0
    for n in range(book.units.shape[0]):
        if book.units[n] > 0.0:
            longs += book.units[n] * book.mark[n]
    owed = terms.funding * years * max(0.0, -book.cash[0])
    earned = terms.interest * years * max(0.0, book.cash[0])
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
    out.interest[t] = earned
    book.cash[0] += earned - owed


@inlined
def value(book: Book) -> float:
    """Equity: cash and positions at their marks."""
    equity = book.cash[0]
    for n in range(book.units.shape[0]):
        equity += book.units[n] * book.mark[n]
    return float(equity)


@inlined
def whole_lots(quantity: float, terms: Terms) -> float:
    """The quantity rounded towards zero to whole lots."""
    if terms.lot == 0.0:
        return quantity
    lots = math.floor(abs(quantity) / terms.lot * LOT_SLACK)
    return math.copysign(lots * terms.lot, quantity)


@inlined
def affordable(count: int, price: Floats, t: int, market: Market, terms: Terms, book: Book) -> float:
    """The common share k <= 1 of all increases that keeps gross exposure within leverage x equity after costs.

    The increases are those of the first `count` symbols that the book holds as `chosen`.

    gross + k growth = L (equity - k linear - fixed) solved for k. For one all-in purchase it is the textbook
    cash / (price (1 + costs)). A commission at its minimum does not shrink with k, so it counts as fixed; each
    round can only move more fills there, hence the loop ends. Impact is that of the full quantities; what is bought
    of them has less.
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
        for i in range(count):
            n = book.chosen[i]
            slippage = slippage_of(book.opening[n], market.volume[t, n], terms)
            paid = paid_price(book.opening[n], price[t, n], slippage)
            linear += abs(book.opening[n]) * abs(paid - price[t, n])
            commission = commission_of(n, book.opening[n], paid, terms)
            if share * commission < terms.minimum:
                fixed += terms.minimum
            else:
                linear += commission
        best = (terms.leverage * (equity - fixed) - gross) / (growth + terms.leverage * linear)
        if best <= 0.0:
            return 0.0
        # Said this way round, the loop ends too when money has overflowed to NaN, which the end of the run refuses.
        if not best * CASH_SLACK < share:
            return share
        share = best
