"""Which trials may have the best Sharpe ratio on a window of bars: most are out of the question at a glance.

A trial that goes all in and all out, without debt, earns what the price does, but for the bars of its orders; and what
it earns on these depends on the bar alone. So what each bar adds to the sums of returns is written down once for all
trials, the sums over a window are a difference of two, and no order waits for the one before. They are those of the
account but for rounding, of which there is a bound; trials that are closer to the best than that are run.
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
from engine.sweep.crossings import Crosses, Pairs, find, rolled
from engine.sweep.orders import Fees, fee_of, share_of
from engine.sweep.turns import Averages
from engine.sweep.windows import Windows, windows_of

# What an order at a bar adds to the sums of returns and of squares, that of the price up to there taken into account.
ENTERED, ENTERED_SQUARED, LEFT, LEFT_SQUARED = range(4)
# Rounding of a number, and how often a bound of errors that is thought to do is taken.
_ROUNDING, _SAFETY = 2.0**-53, 8.0
# Where less of the squares is variance, or more of the variance may be rounding, the account itself is asked.
_CLEAR = 1e-2
_SMALLEST = 1e-18


class Moves(NamedTuple):
    """What orders add at each bar [T, 4], NaN where that depends on the account; `noise` [2] bounds errors of sums.

    `sums` [T + 1, 2] and `found` [2, F] are room to work in.
    """

    table: Floats
    noise: Floats
    sums: Floats
    found: Floats


class Asked(NamedTuple):
    """Of every window [F] the number of bars, of which some may not be traded, the rate that no risk earns in one of
    them, and the root of how many make a year.
    """

    bars: Floats
    rate: Floats
    scale: Floats


@jit
def weigh(course: Course, fees: Fees, moves: Moves) -> None:
    """Write down what an account of all cash earns on the bar on which it buys, and one of units when it sells them."""
    table = moves.table
    largest = 0.0
    squared = 0.0
    for t in range(table.shape[0]):
        price, close = course.table[t, PRICE], course.table[t, CLOSE]
        before = course.table[t - 1, CLOSE] if t > 0 else close
        units = 1.0 / price
        units *= share_of(units, price, 1.0, 0.0, fees)
        paid = paid_price(units, price, fees.slippage)
        entered = 1.0 - (units * paid + fee_of(units, paid, fees)) + units * close - 1.0
        paid = paid_price(-1.0, price, fees.slippage)
        left = (paid - fee_of(1.0, paid, fees)) / before - 1.0
        if not (units * price > DUST and entered > -1.0 and left > -1.0):
            entered = left = np.nan
        gain = close / before - 1.0
        largest += abs(gain) + abs(entered) + abs(left)
        squared += gain * gain + entered * entered + left * left
        gained = course.table[t - 1, GAINED] if t > 0 else 0.0
        gained_squared = course.table[t - 1, SQUARED] if t > 0 else 0.0
        table[t, ENTERED] = entered - course.table[t, GAINED]
        table[t, ENTERED_SQUARED] = entered * entered - course.table[t, SQUARED]
        table[t, LEFT] = left + gained
        table[t, LEFT_SQUARED] = left * left + gained_squared
    rounding = _SAFETY * _ROUNDING * table.shape[0]
    moves.noise[0] = rounding * largest
    moves.noise[1] = rounding * squared


@jit
def add_up(
    i: int, averages: Averages, delay: int, course: Course, windows: Windows, crosses: Crosses, moves: Moves
) -> bool:
    """Sums of returns and of their squares of trial i over every window, NaN where it does nothing.

    False after a tie: then what it does depends on where a window begins.
    """
    count = find(i, course.table, averages, crosses)
    if crosses.ties[0] > 0:
        return False
    turned, sums, found = crosses.turned, moves.sums, moves.found
    rising = count > 0 and crosses.relation[turned[0]] > 0
    # Whether order k enters, which begins with k = 0, and the sums of all that is before it.
    odd = 0 if rising else 1
    one = two = 0.0
    sums[0] = 0.0
    for k in range(count):
        bar = turned[k] + delay
        if bar >= course.table.shape[0]:
            count = k
            break
        at = np.uint64(bar)
        side = LEFT if (k & 1) ^ odd else ENTERED
        one += moves.table[at, side]
        two += moves.table[at, side + 1]
        sums[k + 1, 0], sums[k + 1, 1] = one, two
    warm = max(averages.windows[crosses.fast[i]], averages.windows[crosses.slow[i]]) - 1
    since = stop = 0
    for w in range(windows.begin.shape[0]):
        seen, end = windows.origin[w] + warm, windows.end[w]
        while since > 0 and turned[since - 1] > seen:  # windows come in any order
            since -= 1
        while since < count and turned[since] <= seen:
            since += 1
        while stop > 0 and turned[stop - 1] + delay >= end:
            stop -= 1
        while stop < count and turned[stop] + delay < end:
            stop += 1
        begin = since + ((since & 1) ^ odd)
        if begin >= stop:
            found[0, w] = found[1, w] = np.nan
            continue
        found[0, w], found[1, w] = sums[stop, 0] - sums[begin, 0], sums[stop, 1] - sums[begin, 1]
        if (stop - begin) & 1:
            found[0, w] += course.table[end - 1, GAINED]
            found[1, w] += course.table[end - 1, SQUARED]
    return True


@jit
def estimate(asked: Asked, moves: Moves, lowest: Floats, highest: Floats) -> None:
    """Between what the Sharpe ratios of a trial are [F], out of its sums; NaN where it did nothing."""
    gains, squares = moves.found[0], moves.found[1]
    noise, noise_squared = moves.noise[0], moves.noise[1]
    for w in range(lowest.shape[0]):
        bars, gain, squared = asked.bars[w], gains[w], squares[w]
        spread = squared - gain * gain / bars
        doubt = noise_squared + 2.0 * abs(gain) * noise / bars
        clear = (spread > _CLEAR * squared) & (doubt < _CLEAR * spread) & (squared > _SMALLEST)
        unit = asked.scale[w] / math.sqrt((spread if clear else 1.0) / (bars - 1.0))
        excess = gain / bars - asked.rate[w]
        error = (abs(excess) * doubt / (spread if clear else 1.0) + noise / bars) * unit
        least, most = excess * unit - error, excess * unit + error
        still = gain != gain
        lowest[w] = least if clear | still else -np.inf
        highest[w] = most if clear | still else np.inf


@jit
def screen(
    asked: Asked,
    averages: Averages,
    delay: int,
    course: Course,
    windows: Windows,
    crosses: Crosses,
    moves: Moves,
    lowest: Floats,
    highest: Floats,
) -> None:
    """Bounds [n, F] of the Sharpe ratio of every trial on every window."""
    for i in range(lowest.shape[0]):
        if add_up(i, averages, delay, course, windows, crosses, moves):
            estimate(asked, moves, lowest[i], highest[i])
        else:
            lowest[i] = -np.inf
            highest[i] = np.inf


@dataclass(frozen=True, eq=False)
class Screening:
    """Trials on windows of bars that are asked for their Sharpe ratios."""

    account: Account
    pairs: Pairs
    averages: Averages
    windows: Windows
    asked: Asked
    moves: Moves

    @classmethod
    def of(
        cls, account: Account, pairs: Pairs, ranges: NDArray[np.int64], bars: NDArray[np.int64], periods: Floats
    ) -> Screening:
        """`ranges` as for `CrossingsWithin`; `bars` and `periods` [F] count those of a window and those of a year."""
        course = account.course
        moves = Moves(np.empty((len(course.table), 4)), np.empty(2), np.empty((0, 2)), np.empty((2, 0)))
        weigh(course, account.fees, moves)
        asked = Asked(bars.astype(np.float64), account.config.risk_free_rate / periods, np.sqrt(periods))
        averages = rolled(course, pairs.windows(slice(None)))
        return cls(account, pairs, averages, windows_of(account, ranges), asked, moves)

    @staticmethod
    def fits(account: Account, pairs: Pairs) -> bool:
        """Whether all trials go all in and all out, without debt."""
        return account.fees.leverage == 1.0 and bool((pairs.up == 1.0).all() and (pairs.down == 0.0).all())

    def bounds(self, part: slice) -> tuple[Floats, Floats]:
        """Between what the Sharpe ratios of some trials are on every window [n, F]; NaN where nothing was done."""
        total, wide = len(self.account.course.table), len(self.windows.begin)
        lowest, highest = np.empty((2, part.stop - part.start, wide))
        screen(
            self.asked,
            self.averages,
            self.account.delay,
            self.account.course,
            self.windows,
            self.pairs.crosses(part, self.averages.windows, total),
            self.moves._replace(sums=np.empty((total + 1, 2)), found=np.empty((2, wide))),
            lowest,
            highest,
        )
        return lowest, highest
