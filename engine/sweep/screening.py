"""Which trials may have the best Sharpe ratio on a window of bars, told from sums: only these have to be run.

A trial that goes all in and all out, without debt, earns what the price does but on the bars of its orders. With G[t]
the running sum of the price's returns, bought at bar a and sold at bar b it earns entered[a] + (G[b - 1] - G[a]) +
left[b]: one term of a alone, one of b alone (`weigh`). Running sums of these terms give any window as a difference of
two (`sum_windows`); rounding is bounded (`estimate`). Whose upper bound is below another's lower bound is not the best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.book import DUST
from engine.costs import paid_price
from engine.jit import jit
from engine.sweep.account import Account
from engine.sweep.course import CLOSE, GAINED, PRICE, SQUARED, Course
from engine.sweep.crossings import Crosses, Pairs, find, rolled, warm_up
from engine.sweep.orders import Fees, fee_of, share_of
from engine.sweep.turns import Averages, seek

# Columns of the terms: what an order at a bar adds to the sums of returns and of their squares.
ENTERED, ENTERED_SQUARED, LEFT, LEFT_SQUARED = range(4)
# Of a trial on a window: the sum of returns, that of their squares, the number of orders.
GAIN, SQUARES, ORDERS = range(3)
# Unit roundoff of float64, and the factor by which bounds are widened.
_ROUNDING, _SAFETY = 2.0**-53, 8.0
# How much cash may be beside a position of all, in roundoffs of equity: `engine.book.CASH_SLACK`.
_BESIDE = 100.0
# Stricter than `Sums.sound`: what is bounded here is never left to the single run for its variance.
_CLEAR = 1e-2
_SMALLEST = 1e-18


class Windows(NamedTuple):
    """Traded bars `first` <= t < `ends` of each window [F], and how its sums become a ratio: its bars, traded or not,
    the riskless rate of a bar, the root of how many bars make a year.
    """

    first: NDArray[np.int64]
    ends: NDArray[np.int64]
    bars: Floats
    rate: Floats
    root: Floats


class Room(NamedTuple):
    """Where a trial is worked on: running sums over its orders [T + 1, 2], and what it does on every window [3, F]."""

    sums: Floats
    found: Floats


@jit
def weigh(course: Course, fees: Fees, terms: Floats, noise: Floats) -> None:
    """Terms [T, 4] of the sums: what buying with all cash, and selling all, earns on each bar, less or plus the running
    sums of the price. And `noise` [2]: how far a sum of returns may be off, and one of squares.
    """
    sizes = squared = 0.0
    highest, lowest = 0.0, np.inf
    for t in range(terms.shape[0]):
        price, close = course.table[t, PRICE], course.table[t, CLOSE]
        before = course.table[t - 1, CLOSE] if t > 0 else close
        units = 1.0 / price
        units *= share_of(units, price, 1.0, 0.0, fees)
        paid = paid_price(units, price, fees.slippage)
        entered = units * close - (units * paid + fee_of(units, paid, fees))
        paid = paid_price(-1.0, price, fees.slippage)
        left = (paid - fee_of(1.0, paid, fees)) / before - 1.0
        if not (units * price > DUST and entered > -1.0 and left > -1.0):
            sizes = np.inf  # costs take it all: no sums speak for the account
        gain = close / before - 1.0
        sizes += abs(gain) + abs(entered) + abs(left)
        squared += gain * gain + entered * entered + left * left
        highest, lowest = max(highest, close, price), min(lowest, close, price)
        terms[t, ENTERED] = entered - course.table[t, GAINED]
        terms[t, ENTERED_SQUARED] = entered * entered - course.table[t, SQUARED]
        terms[t, LEFT] = left + (course.table[t - 1, GAINED] if t > 0 else 0.0)
        terms[t, LEFT_SQUARED] = left * left + (course.table[t - 1, SQUARED] if t > 0 else 0.0)
    # Each return is off by roundoffs of 1, however small it is, and of itself by what cash lies beside the position;
    # sums by roundoffs of all that is in them, for each addition.
    bars, beside = terms.shape[0], _BESIDE * highest / lowest
    noise[0] = _SAFETY * _ROUNDING * (bars * (sizes + 1.0) + beside * sizes)
    noise[1] = _SAFETY * _ROUNDING * (bars * squared + 2.0 * sizes + 2.0 * beside * squared)


@jit
def sum_windows(
    i: int,
    windows: Windows,
    averages: Averages,
    delay: int,
    course: Course,
    crosses: Crosses,
    terms: Floats,
    room: Room,
) -> bool:
    """What trial i does on every window.

    False after a tie: then what it does depends on where a window begins.
    """
    count = find(i, course.table, averages, crosses)
    if crosses.ties[0] > 0:
        return False
    turned, (sums, found) = crosses.turned, room
    upward = 0 if count > 0 and crosses.relation[turned[0]] > 0 else 1  # crosses k with k % 2 == upward are upward
    one = two = 0.0
    sums[0] = 0.0
    for k in range(count):
        bar = turned[k] + delay
        if bar >= course.table.shape[0]:
            count = k
            break
        at, side = np.uint64(bar), ENTERED if k & 1 == upward else LEFT
        one += terms[at, side]
        two += terms[at, side + 1]
        sums[k + 1, 0], sums[k + 1, 1] = one, two
    warm = warm_up(i, averages, crosses)
    since = stop = 0
    for w in range(windows.ends.shape[0]):
        since = seek(windows.first[w] + warm, since, count, turned)
        stop = seek(windows.ends[w] - 1 - delay, stop, count, turned)
        begin = since + ((since & 1) ^ upward)  # the first upward one
        orders = max(stop - begin, 0)
        gain = squares = 0.0
        if orders > 0:
            gain, squares = sums[stop, 0] - sums[begin, 0], sums[stop, 1] - sums[begin, 1]
        if orders & 1:
            gain += course.table[windows.ends[w] - 1, GAINED]
            squares += course.table[windows.ends[w] - 1, SQUARED]
        found[GAIN, w], found[SQUARES, w], found[ORDERS, w] = gain, squares, orders
    return True


@jit
def estimate(windows: Windows, noise: Floats, found: Floats, lower: Floats, upper: Floats) -> None:
    """Bounds [F] of a trial's Sharpe ratios; NaN where it did nothing, infinite where sums cannot tell."""
    gains, squares, orders = found[GAIN], found[SQUARES], found[ORDERS]
    for w in range(lower.shape[0]):
        bars, gain, squared = windows.bars[w], gains[w], squares[w]
        spread = squared - gain * gain / bars
        doubt = noise[1] + 2.0 * abs(gain) * noise[0] / bars
        clear = (spread > _CLEAR * squared) & (doubt < _CLEAR * spread) & (squared > _SMALLEST)
        safe = spread if clear else 1.0
        unit = windows.root[w] / math.sqrt(safe / (bars - 1.0))
        excess = gain / bars - windows.rate[w]
        error = (abs(excess) * doubt / safe + noise[0] / bars) * unit
        least, most = (excess * unit - error, excess * unit + error) if clear else (-np.inf, np.inf)
        lower[w] = least if orders[w] > 0.0 else np.nan
        upper[w] = most if orders[w] > 0.0 else np.nan


@jit
def screen(
    windows: Windows,
    averages: Averages,
    delay: int,
    course: Course,
    crosses: Crosses,
    terms: Floats,
    noise: Floats,
    room: Room,
    lower: Floats,
    upper: Floats,
) -> None:
    """Bounds [n, F] of the Sharpe ratio of every trial on every window."""
    for i in range(lower.shape[0]):
        if sum_windows(i, windows, averages, delay, course, crosses, terms, room):
            estimate(windows, noise, room.found, lower[i], upper[i])
        else:
            lower[i] = -np.inf
            upper[i] = np.inf


@dataclass(frozen=True, eq=False)
class Screening:
    """Trials that are asked for their Sharpe ratios on windows; `terms` and `noise` as of `weigh`."""

    account: Account
    pairs: Pairs
    averages: Averages
    windows: Windows
    terms: Floats
    noise: Floats

    @classmethod
    def of(
        cls, account: Account, pairs: Pairs, parts: NDArray[np.int64], bars: NDArray[np.int64], periods: Floats
    ) -> Screening:
        """`parts` [F, 2] are bars, where each window begins and stops: no average sees a bar before.

        `bars` and `periods` [F] count those of a window and those of a year.
        """
        course = account.course
        first, ends = np.searchsorted(course.rows, parts.T)
        terms, noise = np.empty((len(course.table), 4)), np.empty(2)
        weigh(course, account.fees, terms, noise)
        rate = account.config.risk_free_rate / periods
        windows = Windows(first, ends, bars.astype(np.float64), rate, np.sqrt(periods))
        return cls(account, pairs, rolled(course, pairs.windows(slice(None))), windows, terms, noise)

    @staticmethod
    def applies(account: Account, pairs: Pairs) -> bool:
        """Whether all trials go all in and all out, without debt."""
        return account.fees.leverage == 1.0 and bool((pairs.up == 1.0).all() and (pairs.down == 0.0).all())

    def bounds(self, part: slice) -> tuple[Floats, Floats]:
        """Between what the Sharpe ratios of some trials are on every window [n, F]; NaN where nothing was done."""
        total, wide = len(self.account.course.table), len(self.windows.ends)
        lower, upper = np.empty((2, part.stop - part.start, wide))
        screen(
            self.windows,
            self.averages,
            self.account.delay,
            self.account.course,
            self.pairs.crosses(part, self.averages.windows, total),
            self.terms,
            self.noise,
            Room(np.empty((total + 1, 2)), np.empty((3, wide))),
            lower,
            upper,
        )
        return lower, upper
