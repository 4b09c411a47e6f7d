"""A sweep: every trial by the cheapest way that gives what the single run gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.bars import Bars, Floats
from engine.config import Config
from engine.decisions import absurd
from engine.errors import InvalidInput, RunFailed, UnknownName
from engine.figures import METRICS, Report
from engine.strategy import Strategy, Weights
from engine.sweep.account import Account
from engine.sweep.crossings import Crossings, EachCrossings, Pairs
from engine.sweep.trials import Trials, refuse_size
from engine.sweep.work import Found, Work

# What a sweep measures unless it is told otherwise.
FIGURES = ("final_equity", "total_return", "sharpe", "max_drawdown", "total_trades")
# Bars times trials between two calls of `report`: some milliseconds. Where every symbol is swept, its sums of windows
# are made once for so many times as much.
BLOCK = 1_500_000
_FOR_EACH = 16
# Trials whose weights the strategy makes before they are carried out together.
_TOGETHER = 64
# Most runs, trials by symbols or by folds: eight bytes each for every figure.
MAX_RUNS = 4_000_000


@dataclass(frozen=True, eq=False)
class Sweep(Found):
    """What a sweep found, in the order of its trials."""

    trials: Trials

    def __len__(self) -> int:
        return len(self.trials)


def sweep(
    bars: Bars,
    strategy: Strategy,
    trials: Trials | Sequence[Mapping[str, object]],
    config: Config | None = None,
    *,
    figures: Sequence[str] = FIGURES,
    each_symbol: bool = False,
    report: Report | None = None,
    threads: int = 1,
) -> Sweep:
    """Run a strategy over the same bars with many parameter sets.

    Each trial has the trades and the money of `backtest` with its parameters. Nothing but figures is kept.

    Args:
        bars: the prices.
        strategy: what to run.
        trials: a `grid`, or the parameter sets one by one.
        config: how to fill, rebalance and charge; default `Config()` with the strategy's own defaults.
        figures: names of metrics. With others than those of `FROM_SUMS` each trial is a single run.
        each_symbol: run every trial on each symbol alone, with an account of its own, as on `bars.select([symbol])`.
        report: called as `report(done, total, "sweep")` between blocks of trials; what it raises ends the sweep.
        threads: how many run compiled trials at once. They change no figure, not even in the last bit.

    Raises:
        InvalidInput: for too many parameter sets or none, wrong ones, or a figure that does not exist.
        BadData, InvalidConfig, RunFailed: as `backtest` with the parameters of one of the trials.
    """
    tried = tried_of(strategy, trials)
    config = (Config.parse(strategy.defaults) if config is None else config).fitted(bars)
    enough(bars, tried)
    columns = len(bars.symbols) if each_symbol else 1
    refuse_size(len(tried) * columns, MAX_RUNS)
    work = Work(
        config,
        known(figures),
        len(tried),
        np.full(columns, len(bars)),
        np.full(columns, bars.periods_per_year),
        lambda column: bars.select([bars.symbols[column]]) if each_symbol else bars,
        lambda part, at: tried.bound(at)(part),
    )
    names, size = strategy.crossing, max(1, BLOCK // len(bars))
    if not work.compiled or columns != len(bars.symbols):
        found = work.singly(report)
    elif names is None:
        account_of = lru_cache(1)(lambda column: Account.of(bars, config, column))
        called = _Called(work.weights, lru_cache(1)(work.part), account_of, lambda *at: work.tell(report, *at))
        found = work.in_blocks(called, min(size, _TOGETHER), report, 1)
    elif each_symbol:
        # A symbol's averages are made once for all trials of a block.
        size *= _FOR_EACH
        each = EachCrossings(bars, config, Pairs.of(tried, names, config))
        found = work.in_blocks(each, size, report, threads, wide=max(1, size // (4 * len(tried))))
    else:
        source = Crossings.of(Account.of(bars, config), Pairs.of(tried, names, config), size)
        found = work.in_blocks(source, size, report, threads)
    return Sweep(found.figures if each_symbol else found.flat(), found.alone, tried)


def replay(
    bars: Bars,
    weights: ArrayLike,
    config: Config | None = None,
    *,
    figures: Sequence[str] = FIGURES,
    report: Report | None = None,
    threads: int = 1,
) -> Found:
    """Run weights of many trials that were made elsewhere, over the bars of one symbol.

    Each trial has the trades and the money of `simulate` with its weights. Nothing but figures is kept, and nothing
    is copied that lies in memory trial after trial.

    Args:
        bars: the prices.
        weights: [n, T]. Row i, column t is what trial i decides at the close of bar t: the fraction of equity to
            hold, NaN for no opinion. Signals of one byte, int8 or bool, are read eight times as fast as numbers.
        config, figures, report, threads: as for `sweep`.

    Raises:
        InvalidInput: for too many trials or none, or a figure that does not exist.
        RunFailed: `bad_weights` when the weights do not fit the bars, or one is infinite or absurdly large.
        BadData, InvalidConfig: as `simulate`.
    """
    given = np.asarray(weights)
    if given.dtype not in (np.bool_, np.int8):
        given = given.astype(np.float64, copy=False)
    if given.ndim != 2 or given.shape[1] != len(bars) or len(bars.symbols) != 1:
        raise RunFailed(
            f"Weights must be [n, {len(bars)}] for the bars of one symbol, got {given.shape} for {len(bars.symbols)}.",
            code="bad_weights",
        )
    refuse_size(len(given))
    config = (Config() if config is None else config).fitted(bars)
    work = Work(
        config,
        known(figures),
        len(given),
        np.full(1, len(bars)),
        np.full(1, bars.periods_per_year),
        lambda _: bars,
        lambda _, at: given[at].astype(np.float64)[:, None],
    )
    if work.compiled:
        source = _Given(bars, Account.of(bars, config), given)
        found = work.in_blocks(source, max(1, BLOCK // len(bars)), report, threads)
    else:
        found = work.singly(report)
    return Found(found.flat(), found.alone)


def tried_of(strategy: Strategy, trials: Trials | Sequence[Mapping[str, object]]) -> Trials:
    """The trials of a strategy, checked."""
    tried = trials if isinstance(trials, Trials) else Trials.of(strategy, trials)
    if tried.strategy is not strategy:
        raise InvalidInput(f"These are trials of {tried.strategy.id}, not of {strategy.id}.", pointer="/grid")
    return tried


def enough(bars: Bars, trials: Trials) -> None:
    """Raise BadData, as the single run does, where there are too few bars for one of the trials."""
    longest = trials.bound(trials.longest)
    if len(bars) < longest.lookback + 2:
        longest(bars)


def known(figures: Sequence[str]) -> Sequence[str]:
    for name in figures:
        if name not in METRICS:
            raise UnknownName.of("metric", name, METRICS, pointer="/figures")
    return figures


@dataclass(frozen=True, eq=False)
class _Given:
    bars: Bars
    account: Account
    weights: NDArray[np.generic]

    def measure(self, _: slice, first: int, stop: int, rows: Floats) -> None:
        wrong = self.account.replay(self.weights[first:stop], rows[0])
        if wrong >= 0:
            said = absurd(self.weights[first + wrong].astype(np.float64)[:, None], self.bars)
            raise RunFailed(f"Trial {first + wrong} has {said}.", code="bad_weights")


@dataclass(frozen=True, eq=False)
class _Called:
    """Weights by the strategy, trial after trial: it is the user's code, stays on one thread and may take its time."""

    weights: Callable[[Bars, int], Weights]
    bars: Callable[[int], Bars]
    account: Callable[[int], Account]
    tell: Callable[[int, int], object]

    def measure(self, columns: slice, first: int, stop: int, rows: Floats) -> None:
        column = columns.start
        bars, account = self.bars(column), self.account(column)
        weights = np.empty((stop - first, len(bars)))
        for at in range(first, stop):
            if at > first:
                self.tell(column, at)
            weights[at - first] = self.weights(bars, at)[:, 0]
        account.replay(weights, rows[0])
