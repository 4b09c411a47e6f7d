"""Paths out of what the run has earned: its returns in blocks, or its trades in another order."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.backtesting import Result
from engine.bars import Floats
from engine.errors import BadData
from engine.figures import Report
from engine.montecarlo.chance import words
from engine.montecarlo.outcome import Outcome
from engine.montecarlo.plan import Plan
from engine.montecarlo.walks import (
    COLUMNS,
    DEPTH,
    GROWTH,
    LOWEST,
    MEAN,
    VARIANCE,
    Picks,
    circular,
    follow,
    shuffled,
    stationary,
)

# Steps of paths that are made between two calls of `report`: half a MiB of words and as much of picks, which stay in
# the cache, and a millisecond.
BLOCK = 2**16


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is drawn from: fractions of what there was before, in order, of bars or of trades.

    `periods` of them make a year; `rate` is the risk-free rate of one; `capital` is what a path begins with.
    """

    returns: Floats
    periods: float
    rate: float
    capital: float

    @classmethod
    def bars(cls, result: Result) -> Drawn:
        """The returns of a run, one per bar."""
        run = result.run
        return cls(run.returns, run.periods_per_year, run.rate, run.ledger.initial_capital)

    @classmethod
    def trades(cls, result: Result) -> Drawn:
        """The closed trades of a run, in the order of their exits: pnl / equity at the close before the entry.

        What lies between is left out: how a trade went while it was held, that several were held at once, and interest
        on cash. Raises BadData (`not_enough_trades`) below two of them.
        """
        run, trades = result.run, result.run.trades
        closed = trades[trades["exit_bar"] >= 0]
        closed = closed[np.argsort(closed["exit_bar"], kind="stable")]
        if len(closed) < 2:
            raise BadData(
                f"The run closed {len(closed)} trades; at least 2 are needed to change their order.",
                code="not_enough_trades",
                given=len(closed),
                allowed={"minimum": 2},
            )
        before = np.concatenate(([run.ledger.initial_capital], run.ledger.equity))[closed["entry_bar"]]
        periods = len(closed) * run.periods_per_year / len(run.time)
        return cls(closed["pnl"] / before, periods, run.risk_free_rate / periods, run.ledger.initial_capital)

    def follow(self, picks: Picks, found: Outcome, some: slice) -> None:
        """Write down the paths `some`, which are made of these picks [paths, steps]."""
        rows = np.empty((len(picks), COLUMNS))
        growth, drawdown = np.empty((2, len(found.at), len(picks)))
        follow(self.returns, float(self.returns.mean()), picks, found.at, growth, drawdown, rows)
        found.equity[:, some], found.drawdown[:, some] = growth * self.capital, drawdown
        variance = np.where(rows[:, VARIANCE] > 0.0, rows[:, VARIANCE], math.nan)
        figures = found.figures
        figures["final_equity"][some] = rows[:, GROWTH] * self.capital
        figures["total_return"][some] = rows[:, GROWTH] - 1.0
        figures["sharpe"][some] = (rows[:, MEAN] - self.rate) / np.sqrt(variance) * math.sqrt(self.periods)
        figures["max_drawdown"][some] = rows[:, DEPTH]
        figures["lowest_equity"][some] = rows[:, LOWEST] * self.capital

    def in_order(self) -> Outcome:
        """The one path as it was."""
        found = Outcome.empty(1, len(self.returns))
        self.follow(np.arange(len(self.returns))[None], found, slice(0, 1))
        return found


def redraw(drawn: Drawn, plan: Plan, block: float, report: Report | None) -> Outcome:
    """Every path of a plan; `report(done, total, "paths")` is called between blocks of paths."""
    steps = plan.horizon or len(drawn.returns)
    found = Outcome.empty(plan.count, steps)
    size = max(1, BLOCK // steps)
    for first in range(0, plan.count, size):
        if report is not None:
            report(first, plan.count, "paths")
        some = slice(first, min(plan.count, first + size))
        drawn.follow(picks_of(plan, block, len(drawn.returns), some, steps), found, some)
    return found


def picks_of(plan: Plan, block: float, count: int, some: slice, steps: int) -> Picks:
    """Which of `count` returns the paths `some` are made of, [paths, steps]; `block` is the mean length of a block."""
    paths = some.stop - some.start
    picks = np.empty((paths, steps), dtype=np.int64)
    if plan.method == "circular":
        length = int(block)
        circular(words(plan.seed, some.start, paths, -(-steps // length)), length, count, picks)
    elif plan.method == "trades" and not plan.replacement:
        shuffled(words(plan.seed, some.start, paths, steps), picks)
    else:
        stationary(words(plan.seed, some.start, paths, steps), round(2**32 / block), count, picks)
    return picks
