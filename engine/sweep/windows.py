"""Crossings over many windows of one history: what windows have in common is found once.

The relation of two averages is that of the whole history; a window sees the part of it that its own first bars allow,
and follows the crosses of that part with an account of its own. Its prices are copied to a stretch of one long course,
where its sums of returns begin at zero: they are the numbers that the window alone would make, to the last bit.

A relation depends on the closes of its averages alone, not on where the history begins. Only after a tie, which says
nothing about who was above, does the first cross of a window: such trials are looked through once for each window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.jit import jit
from engine.sweep.account import Account
from engine.sweep.course import CLOSE, GAINED, PRICE, SQUARED, Course, climb, room_for
from engine.sweep.crossings import Crosses, Pairs, find, rolled, warm_up
from engine.sweep.kernel import advance
from engine.sweep.lanes import LANES, Lanes, lanes_of, seat
from engine.sweep.orders import Fees
from engine.sweep.turns import Averages, seek, turns_with_ties


class Windows(NamedTuple):
    """Traded bars begin <= t < end of every window [F]; its averages see those from `origin` on.

    What was decided before it begins is carried out at bar `entry`. It lies at `offset` in the stack of all windows;
    `lowest` is its lowest close.
    """

    origin: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    entry: NDArray[np.int64]
    offset: NDArray[np.int64]
    lowest: Floats


class Tasks(NamedTuple):
    """Which windows first <= w < stop of every trial [n] are asked for, and the row of the first of them."""

    first: NDArray[np.int64]
    stop: NDArray[np.int64]
    row: NDArray[np.int64]


@jit
def stack_up(course: Course, windows: Windows, stack: Course) -> None:
    """Copy the bars of every window to its place, with sums of returns that begin with it."""
    stack.lowest[0] = course.lowest[0]
    for w in range(windows.begin.shape[0]):
        gained = 0.0
        squared = 0.0
        lowest = np.inf
        for t in range(windows.begin[w], windows.end[w]):
            to = windows.offset[w] + t - windows.begin[w]
            close = course.table[t, CLOSE]
            gain = close / course.table[t - 1, CLOSE] - 1.0 if t > windows.begin[w] else 0.0
            gained += gain
            squared += gain * gain
            lowest = min(lowest, close)
            stack.table[to, PRICE] = course.table[t, PRICE]
            stack.table[to, CLOSE] = close
            stack.table[to, GAINED] = gained
            stack.table[to, SQUARED] = squared
        windows.lowest[w] = lowest


@jit
def order_within(
    w: int,
    since: int,
    count: int,
    up: float,
    down: float,
    delay: int,
    windows: Windows,
    crosses: Crosses,
    lane: int,
    lanes: Lanes,
) -> None:
    """Write the orders of window w into a lane, of the crosses since <= k < count of the whole history."""
    at, targets, turned, relation = lanes.at[lane], lanes.targets[lane], crosses.turned, crosses.relation
    shift = windows.offset[w] - windows.begin[w]
    target = 0.0
    orders = 0
    wanted = 0.0
    k = since
    while k < count and turned[k] + delay <= windows.entry[w]:
        wanted = up if relation[turned[k]] > 0 else down
        k += 1
    if wanted != 0.0 and windows.entry[w] < windows.end[w]:
        at[0] = windows.entry[w] + shift
        targets[0] = wanted
        orders = 1
        target = wanted
    while k < count and turned[k] + delay < windows.end[w]:
        wanted = up if relation[turned[k]] > 0 else down
        if wanted != target:
            at[orders] = turned[k] + delay + shift
            targets[orders] = wanted
            orders += 1
            target = wanted
        k += 1
    lanes.orders[lane] = orders


@jit
def cross_windows(
    tasks: Tasks,
    windows: Windows,
    crosses: Crosses,
    averages: Averages,
    delay: int,
    capital: float,
    deep: bool,
    course: Course,
    stack: Course,
    fees: Fees,
    lanes: Lanes,
    rows: Floats,
) -> None:
    """Every trial over its windows, each to a row of `rows`."""
    tried = tasks.first.shape[0]
    trial = -1
    w, stop, count, since, warm = 0, 0, 0, 0, 0
    busy = True
    while busy:
        busy = False
        for lane in range(LANES):
            while w >= stop and lanes.trial[lane] < 0 and trial + 1 < tried:
                trial += 1
                since = 0
                warm = warm_up(trial, averages, crosses)
                count = find(trial, course.table, averages, crosses)
                w, stop = tasks.first[trial], tasks.stop[trial]
            if w < stop and lanes.trial[lane] < 0:
                seen = windows.origin[w] + warm
                if crosses.ties[0] > 0:
                    # After a tie the first cross depends on where a window begins.
                    count = turns_with_ties(seen, windows.end[w], crosses.relation, crosses.turned)
                else:
                    since = seek(seen, since, count, crosses.turned)
                order_within(
                    w, since, count, crosses.up[trial], crosses.down[trial], delay, windows, crosses, lane, lanes
                )
                end = windows.offset[w] + windows.end[w] - windows.begin[w]
                seat(lane, tasks.row[trial] + w - tasks.first[trial], end, capital, windows.lowest[w], lanes)
                w += 1
            busy = busy or lanes.trial[lane] >= 0
        advance(deep, stack, fees, lanes, rows)


@dataclass(frozen=True, eq=False)
class CrossingsWithin:
    """Trials within windows of bars; the columns of a block are some of the windows."""

    account: Account
    pairs: Pairs
    averages: Averages
    windows: Windows
    stack: Course
    deep: bool

    @classmethod
    def of(cls, account: Account, pairs: Pairs, ranges: NDArray[np.int64], *, deep: bool) -> CrossingsWithin:
        """`ranges` [F, 3] are bars: from which the averages see, where the window begins, where it ends.

        Without `deep` there will be no drawdown.
        """
        course, rows = account.course, account.course.rows
        # Each contiguous, however many there are: a column of one row is, one of several is not.
        origin, begin, end = np.searchsorted(rows, ranges.T)
        entry = np.searchsorted(rows, ranges[:, 1] + account.delay)
        offset = np.cumsum(end - begin) - (end - begin)
        windows = Windows(origin, begin, end, entry, offset, np.empty(len(begin)))
        stack = room_for(int((end - begin).sum()))
        stack_up(course, windows, stack)
        if deep:
            climb(stack)
        return cls(account, pairs, rolled(course, pairs.windows(slice(None))), windows, stack, deep)

    def measure(self, columns: slice, first: int, stop: int, rows: Floats) -> None:
        count, wide = stop - first, columns.stop - columns.start
        found = np.zeros((count, wide, rows.shape[-1]))
        starts = np.full(count, columns.start)
        self.run(slice(first, stop), Tasks(starts, starts + wide, np.arange(count) * wide), found)
        rows[:] = found.swapaxes(0, 1)

    def run(self, part: slice, tasks: Tasks, rows: Floats) -> None:
        """Some trials, each over the windows that its task says."""
        course = self.account.course
        cross_windows(
            tasks,
            self.windows,
            self.pairs.crosses(part, self.averages.windows, len(course.table)),
            self.averages,
            self.account.delay,
            self.account.config.initial_capital,
            self.deep,
            course,
            self.stack,
            self.account.fees,
            lanes_of(len(course.table)),
            rows.reshape(-1, rows.shape[-1]),
        )
