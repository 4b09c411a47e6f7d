"""Trials side by side: what orders do to their accounts, measured and not written down.

`carry_out` makes the same operations on the same numbers as `engine.kernel`, so trades and money are equal to the last
bit; only sums over returns are added up in another order. An order waits for the division of the one before; accounts
that wait together are worked on in the lanes of vector instructions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.bars import Floats
from engine.book import CASH_SLACK, DUST
from engine.costs import paid_price
from engine.jit import inlined, jit
from engine.sweep.course import CLOSE, GAINED, PRICE, SQUARED, Course, extremes
from engine.sweep.lanes import (
    AIM,
    AT,
    BEFORE,
    BOTTOM,
    CASH,
    CHUNK,
    EARNED,
    EARNED_SQUARED,
    FLOOR,
    LANES,
    OPENED,
    PAID,
    SLIPPED,
    SQUARE,
    SUM,
    THEN,
    TOP,
    UNITS,
    UNLIKE,
    WIDTH,
    WORST,
    Lanes,
)
from engine.sweep.stretches import invested


class Fees(NamedTuple):
    """Those of `Terms` that one symbol needs here, as numbers: an array might alias the sheet, and part the lanes."""

    commission: float
    per_share: float
    slippage: float
    leverage: float


@inlined
def fee_of(quantity: float, paid: float, fees: Fees) -> float:
    """`engine.costs.commission_of` for one symbol."""
    size = abs(quantity)
    return fees.commission * size * paid + fees.per_share * size


@inlined
def share_of(change: float, price: float, cash: float, units: float, fees: Fees) -> float:
    """`engine.costs.affordable` for one symbol, no least commission and no impact."""
    paid = paid_price(change, price, fees.slippage)
    linear = abs(change) * abs(paid - price) + fee_of(change, paid, fees)
    room = fees.leverage * (cash + units * price) - abs(units) * price
    best = room / (abs(change) * price + fees.leverage * linear)
    share = best if best * CASH_SLACK < 1.0 else 1.0
    return 0.0 if best <= 0.0 else share


@jit
def carry_out(count: int, sheet: Floats, fees: Fees) -> None:
    """The first `count` rows of the sheet: each order as `engine.kernel.trade` makes it, first reducing, then adding.

    There is no branch, so that lanes can stay together: what is not traded is a trade of nothing.
    """
    for k in range(count):
        for lane in range(LANES):
            row = k * WIDTH + lane
            cash, units, price = sheet[row + CASH], sheet[row + UNITS], sheet[row + AT]
            equity = cash + units * price
            goal = sheet[row + AIM] * equity / price
            change = goal - units
            dust = (goal != 0.0) & (abs(change) * price <= DUST * equity)
            change = 0.0 if dust else change
            less = change if abs(change) < abs(units) else -units
            less = less if units * change < 0.0 else 0.0
            sold = paid_price(less, price, fees.slippage)
            fee = fee_of(less, sold, fees)
            left = units + less
            money = cash - (less * sold + fee)
            more = change - less
            more *= share_of(more, price, money, left, fees)
            added = abs(more) * price > DUST * equity
            more = more if added else 0.0
            paid = paid_price(more, price, fees.slippage)
            charge = fee_of(more, paid, fees)
            money -= more * paid + charge
            held = left + more
            known = cash + units * sheet[row + BEFORE]
            worth = money + held * sheet[row + THEN]
            gain = worth / known - 1.0
            # Returns that are not those of the price are added up bar by bar: see `add_unlike`.
            like = invested(cash, units, sheet[row + FLOOR])
            after = row + WIDTH
            sheet[after + UNLIKE] = sheet[row + UNLIKE] + (0.0 if like | (units == 0.0) else 1.0)
            sheet[after + CASH] = money
            sheet[after + UNITS] = held
            sheet[after + FLOOR] = sheet[row + FLOOR]
            sheet[after + SUM] = sheet[row + SUM] + (sheet[row + EARNED] if like else 0.0) + gain
            earned = sheet[row + EARNED_SQUARED] if like else 0.0
            sheet[after + SQUARE] = sheet[row + SQUARE] + earned + gain * gain
            worse = worth if worth < equity else equity
            # What is too small for an order to nothing to sell it is left to the single run.
            worse = -1.0 if (sheet[row + AIM] == 0.0) & (held != 0.0) else worse
            sheet[after + WORST] = worse if worse < sheet[row + WORST] else sheet[row + WORST]
            sheet[after + OPENED] = sheet[row + OPENED] + (1.0 if (left == 0.0) & added else 0.0)
            sheet[after + PAID] = sheet[row + PAID] + fee + charge
            slipped = abs(less) * abs(sold - price) + abs(more) * abs(paid - price)
            sheet[after + SLIPPED] = sheet[row + SLIPPED] + slipped


@jit
def fill_in(deep: bool, course: Course, lanes: Lanes) -> int:
    """Look up what is known of the next orders of every lane; says how many the busiest lane has, at most CHUNK.

    What nobody will ask for is not looked up: the bars before an order from nothing, extremes without `deep`.
    """
    table, sheet = course.table, lanes.sheet
    most = 0
    for lane in range(LANES):
        done = lanes.done[lane]
        count = min(CHUNK, lanes.orders[lane] - done) if lanes.trial[lane] >= 0 else 0
        at, targets = lanes.at[lane, done : done + count], lanes.targets[lane, done : done + count]
        since, held = (int(lanes.at[lane, done - 1]), lanes.targets[lane, done - 1]) if done > 0 else (0, 0.0)
        for k in range(count):
            row = k * WIDTH + lane
            bar, target = int(at[k]), targets[k]
            now = np.uint64(bar)  # without a sign there is nothing to be counted from the end
            sheet[row + AT] = table[now, PRICE]
            sheet[row + AIM] = target
            sheet[row + THEN] = table[now, CLOSE]
            if held != 0.0:
                before, then = np.uint64(bar - 1), np.uint64(since)
                sheet[row + BEFORE] = table[before, CLOSE]
                sheet[row + EARNED] = table[before, GAINED] - table[then, GAINED]
                sheet[row + EARNED_SQUARED] = table[before, SQUARED] - table[then, SQUARED]
                if deep:
                    sheet[row + TOP], sheet[row + BOTTOM] = extremes(since, bar, course)
            since = bar
            held = target
        if deep and held != 0.0 and count < CHUNK:
            row = count * WIDTH + lane
            sheet[row + TOP], sheet[row + BOTTOM] = extremes(since, lanes.end[lane], course)
        most = max(most, count)
    return most
