"""Trials of a strategy that holds the crosses of two averages: the sums of each window are shared, trials compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars, Floats
from engine.bits import flags_for, places_for
from engine.charges import rates
from engine.config import Config
from engine.jit import inlined, jit
from engine.simulation import delay_of
from engine.strategy import Crossing
from engine.sweep.account import Account, fees_of
from engine.sweep.changes import least_of, within
from engine.sweep.course import Course, climb, first_of, lay, room_for
from engine.sweep.kernel import advance
from engine.sweep.lanes import LANES, Lanes, lanes_of, seat
from engine.sweep.orders import Fees
from engine.sweep.trials import Trials
from engine.sweep.turns import Averages, compare, roll, turns, turns_with_ties

# Most averages (windows x bars) that all trials share: 16 MiB. Beyond it each block of trials has its own.
SHARED = 4 * 2**20
_WEIGHTS = {"long": (1.0, 0.0), "short": (0.0, -1.0), "both": (1.0, -1.0)}


class Crosses(NamedTuple):
    """Crossings to try [n]: the rows of both averages, and the targets after a cross up and after one down.

    `relation` (of `flags_for(T)`), `turned` (of `places_for(T)`) and `ties` [1] are room to work in.
    """

    fast: NDArray[np.int64]
    slow: NDArray[np.int64]
    up: Floats
    down: Floats
    relation: NDArray[np.int8]
    ties: NDArray[np.int64]
    turned: NDArray[np.int32]


@inlined
def warm_up(i: int, averages: Averages, crosses: Crosses) -> int:
    """The first bar on which trial i has both averages."""
    return int(max(averages.windows[crosses.fast[i]], averages.windows[crosses.slow[i]])) - 1


@jit
def find(i: int, table: Floats, averages: Averages, crosses: Crosses) -> int:
    """Write the crosses of trial i into `turned`, alternately up and down; says how many, 0 where there are ties."""
    fast, slow = crosses.fast[i], crosses.slow[i]
    relation, ties = crosses.relation, crosses.ties
    first, total = warm_up(i, averages, crosses), table.shape[0]
    ties[0] = 0
    if first >= total:
        return 0
    compare(averages.rough[fast], averages.rough[slow], relation)
    return turns(first, total, fast, slow, table, averages, relation, ties, crosses.turned)


@jit
def arrange(
    count: int, after: float, other: float, delay: int, total: int, turned: NDArray[np.int32], lane: int, lanes: Lanes
) -> None:
    """Make a lane's orders of `count` crosses: target `after` at the first of them, then `other`, then `after` again.

    There is no order where the target does not change or there is no bar left to fill it.
    """
    at, targets = lanes.at[lane], lanes.targets[lane]
    skipped = 1 if after == 0.0 else 0
    if after == other:
        count = min(count, 1)
    for k in range(skipped, count):
        at[k - skipped] = turned[k] + delay
        targets[k - skipped] = other if k & 1 else after
    count = max(count - skipped, 0)
    if count > 0 and at[count - 1] >= total:
        count -= 1
    lanes.orders[lane] = count


@jit
def cross(
    crosses: Crosses,
    averages: Averages,
    delay: int,
    capital: float,
    course: Course,
    fees: Fees,
    lanes: Lanes,
    rows: Floats,
) -> None:
    """Every trial of a block, from its averages to its row of `rows`."""
    total = course.table.shape[0]
    started = 0
    busy = True
    while busy:
        busy = False
        for lane in range(LANES):
            if lanes.trial[lane] < 0 and started < rows.shape[0]:
                count = find(started, course.table, averages, crosses)
                if crosses.ties[0] > 0:
                    first = warm_up(started, averages, crosses)
                    count = turns_with_ties(first, total, crosses.relation, crosses.turned)
                up, down = crosses.up[started], crosses.down[started]
                rising = count > 0 and crosses.relation[crosses.turned[0]] > 0
                after, other = (up, down) if rising else (down, up)
                arrange(count, after, other, delay, total, crosses.turned, lane, lanes)
                seat(lane, started, total, capital, course.lowest[0], lanes)
                started += 1
            busy = busy or lanes.trial[lane] >= 0
        advance(True, course, fees, lanes, rows)


@jit
def cross_each(
    symbol: int,
    opens: Floats,
    closes: Floats,
    crosses: Crosses,
    averages: Averages,
    delay: int,
    capital: float,
    course: Course,
    fees: Fees,
    rates: Floats,
    lanes: Lanes,
    sums: Floats,
    rows: Floats,
) -> None:
    """Every trial on each of some symbols, from the bars of `symbol` and those after it to rows [N, n] of `rows`.

    Each pays its rate of commission.
    """
    for k in range(rows.shape[0]):
        traded = first_of(lay(symbol + k, opens, closes, course), course)
        climb(traded)
        roll(traded.table, averages, sums)
        charged = Fees(rates[symbol + k], fees.per_share, fees.slippage, fees.leverage)
        cross(crosses, averages, delay, capital, traded, charged, lanes, rows[k])


@dataclass(frozen=True, eq=False)
class Pairs:
    """Windows [n] and targets [n] after a cross up or down of every trial."""

    fast: NDArray[np.int64]
    slow: NDArray[np.int64]
    up: Floats
    down: Floats

    @classmethod
    def of(cls, trials: Trials, names: Crossing, config: Config) -> Pairs:
        """Read the parameters that `names` says."""
        fast = trials.columns[names.fast].astype(np.int64)
        slow = trials.columns[names.slow].astype(np.int64)
        up, down = np.empty((2, len(trials)))
        for side, weights in _WEIGHTS.items():
            chosen = np.full(len(trials), side == "long") if names.side is None else trials.columns[names.side] == side
            up[chosen], down[chosen] = (
                within.twin(weight, least_of(config), config.max_leverage) for weight in weights
            )
        return cls(fast, slow, up, down)

    def take(self, chosen: NDArray[np.int64]) -> Pairs:
        """Those of some trials."""
        return Pairs(self.fast[chosen], self.slow[chosen], self.up[chosen], self.down[chosen])

    def windows(self, part: slice) -> NDArray[np.int64]:
        """All windows of some trials, increasing. They fit into the bars: counting is cheaper than sorting."""
        return np.flatnonzero(np.bincount(np.concatenate((self.fast[part], self.slow[part]))))

    def fit(self, bars: int) -> bool:
        """Whether the averages of all trials may be there at once."""
        return len(self.windows(slice(None))) * bars <= SHARED

    def crosses(self, part: slice, windows: NDArray[np.int64], total: int) -> Crosses:
        """Some trials as the kernel reads them, with room for `total` bars."""
        return Crosses(
            fast=np.searchsorted(windows, self.fast[part]),
            slow=np.searchsorted(windows, self.slow[part]),
            up=self.up[part],
            down=self.down[part],
            relation=flags_for(total),
            ties=np.zeros(1, dtype=np.int64),
            turned=places_for(total),
        )


@dataclass(frozen=True, eq=False)
class Crossings:
    """Trials on one symbol; `shared` averages where those of all windows fit."""

    account: Account
    pairs: Pairs
    shared: Averages | None

    @classmethod
    def of(cls, account: Account, pairs: Pairs, size: int) -> Crossings:
        """Blocks will have at most `size` trials."""
        fits = pairs.fit(len(account.course.table)) or len(pairs.fast) <= size
        return cls(account, pairs, rolled(account.course, pairs.windows(slice(None))) if fits else None)

    def measure(self, _: slice, first: int, stop: int, rows: Floats) -> None:
        course, fees, part = self.account.course, self.account.fees, slice(first, stop)
        averages = self.shared or rolled(course, self.pairs.windows(part))
        crosses = self.pairs.crosses(part, averages.windows, len(course.table))
        capital = self.account.config.initial_capital
        cross(crosses, averages, self.account.delay, capital, course, fees, lanes_of(len(course.table)), rows[0])


@dataclass(frozen=True, eq=False)
class EachCrossings:
    """Trials on every symbol; the averages of one symbol at a time."""

    bars: Bars
    config: Config
    pairs: Pairs

    def measure(self, columns: slice, first: int, stop: int, rows: Floats) -> None:
        bars, config, part, total = self.bars, self.config, slice(first, stop), len(self.bars)
        windows = self.pairs.windows(part)
        cross_each(
            columns.start,
            bars.open if config.fill == "next_open" else bars.close,
            bars.close,
            self.pairs.crosses(part, windows, total),
            _room_for(windows, total),
            delay_of(config),
            config.initial_capital,
            room_for(total),
            fees_of(bars, config, columns.start),
            rates(bars, config) / 1e4,
            lanes_of(total),
            np.empty((2, total + 1)),
            rows,
        )


def _room_for(windows: NDArray[np.int64], total: int) -> Averages:
    return Averages(windows, np.empty((len(windows), total), dtype=np.float32))


def rolled(course: Course, windows: NDArray[np.int64]) -> Averages:
    """Averages of closes over these windows."""
    averages = _room_for(windows, len(course.table))
    roll(course.table, averages, np.empty((2, len(course.table) + 1)))
    return averages
