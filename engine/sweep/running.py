"""A sweep: every trial by the cheapest way that gives what the single run gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

import engine.metrics  # noqa: F401  (fills the registry)
from engine import trades
from engine.bars import Bars, Floats
from engine.config import Config
from engine.errors import InvalidInput, UnknownName
from engine.figures import METRICS, Report, Run
from engine.simulation import simulate
from engine.strategy import BoundStrategy, Strategy
from engine.sweep.account import FROM_SUMS, Account, Sums, simple
from engine.sweep.crossings import Crossings
from engine.sweep.kernel import COLUMNS
from engine.sweep.trials import Trials

# What a sweep measures unless it is told otherwise.
FIGURES = ("final_equity", "total_return", "sharpe", "max_drawdown", "total_trades")
# Bars times trials between two calls of `report`: some milliseconds.
BLOCK = 1_500_000


@dataclass(frozen=True, eq=False)
class Sweep:
    """Figures of every trial: by name an array [n], in the order of `trials`; NaN where the single run says None.

    `alone` counts the trials that the single run had to do: all of them where the compiled pass does not know the
    configuration or a figure, else those that were ruined or hardly moved.
    """

    trials: Trials
    figures: dict[str, Floats]
    alone: int

    def __len__(self) -> int:
        return len(self.trials)

    def __getitem__(self, figure: str) -> Floats:
        return self.figures[figure]


def sweep(
    bars: Bars,
    strategy: Strategy,
    trials: Trials | Sequence[Mapping[str, object]],
    config: Config | None = None,
    *,
    figures: Sequence[str] = FIGURES,
    report: Report | None = None,
    threads: int = 1,
) -> Sweep:
    """Run a strategy over the same bars with many parameter sets.

    Each trial has the trades and the money of `backtest` with its parameters. Nothing but figures is kept.

    Args:
        bars: the prices.
        strategy: what to run.
        trials: a `grid`, or the parameter sets one by one.
        config: how to fill, rebalance and charge; default `Config()`.
        figures: names of metrics. With others than those of `FROM_SUMS` each trial is a single run.
        report: called as `report(done, total, "sweep")` between blocks of trials; what it raises ends the sweep.
        threads: how many run compiled trials at once. They change no figure, not even in the last bit.

    Raises:
        InvalidInput: for too many parameter sets or none, wrong ones, or a figure that does not exist.
        BadData, InvalidConfig, RunFailed: as `backtest` with the parameters of one of the trials.
    """
    tried = trials if isinstance(trials, Trials) else Trials.of(strategy, trials)
    if tried.strategy is not strategy:
        raise InvalidInput(f"These are trials of {tried.strategy.id}, not of {strategy.id}.", pointer="/grid")
    for name in figures:
        if name not in METRICS:
            raise UnknownName.of("metric", name, METRICS, pointer="/figures")
    config = (Config() if config is None else config).fitted(bars)
    longest = tried.bound(tried.longest)
    if len(bars) < longest.lookback + 2:
        longest(bars)  # says so
    if simple(bars, config) and set(figures) <= FROM_SUMS.keys():
        return _compiled(bars, tried, config, figures, report, threads)
    found = {name: np.empty(len(tried)) for name in figures}
    for at in range(len(tried)):
        _alone(bars, tried.bound(at), config, found, at, _ticking(report, at, len(tried)))
    _ticking(report, len(tried), len(tried))()
    return Sweep(tried, found, len(tried))


def _compiled(
    bars: Bars, tried: Trials, config: Config, figures: Sequence[str], report: Report | None, threads: int
) -> Sweep:
    """Sums of every trial in one pass each; whatever they cannot speak for is run alone."""
    total = len(tried)
    account = Account.of(bars, config)
    rows = np.zeros((total, COLUMNS))
    size = max(1, BLOCK // len(bars))
    if tried.strategy.crossing is None:
        for at in range(total):
            _ticking(report, at, total)()
            account.measure(tried.bound(at)(bars), rows[at])
    else:
        crossings = Crossings.of(account, tried, tried.strategy.crossing, size)
        _in_blocks(lambda first, stop: crossings.measure(first, stop, rows[first:stop]), total, size, threads, report)
    sums = Sums(rows, len(bars), config, bars.periods_per_year)
    found = {name: FROM_SUMS[name](sums) for name in figures}
    left = np.flatnonzero(~sums.sound()).tolist()
    tick = _ticking(report, total, total)
    for at in left:
        _alone(bars, tried.bound(at), config, found, at, tick)
    tick()
    return Sweep(tried, found, len(left))


def _ticking(report: Report | None, done: int, total: int) -> Callable[..., object]:
    """What tells `report` how far the sweep is, whatever it is called with: a run inside a sweep has no phases."""
    return lambda *_: None if report is None else report(done, total, "sweep")


def _alone(
    bars: Bars, bound: BoundStrategy, config: Config, found: dict[str, Floats], at: int, tick: Callable[..., object]
) -> None:
    """One trial as a single run; only its figures stay."""
    tick()
    ledger = simulate(bars, bound(bars), config, tick)
    run = Run(bars.time, ledger, trades.round_trips(ledger), bars.periods_per_year, config.risk_free_rate)
    for name, column in found.items():
        figure = METRICS[name].function(run)
        column[at] = math.nan if figure is None or not math.isfinite(figure) else figure


def _in_blocks(work: Callable[[int, int], None], total: int, size: int, threads: int, report: Report | None) -> None:
    """Do trials first <= at < stop, block by block; `report` is asked before each and may end it all."""
    if threads == 1:
        for first, stop in _blocks(total, size):
            _ticking(report, first, total)()
            work(first, stop)
        return
    with ThreadPoolExecutor(threads) as pool:
        running = {first: pool.submit(work, first, stop) for first, stop in _blocks(total, size)}
        try:
            for first, future in running.items():
                _ticking(report, first, total)()
                future.result()
        finally:
            for future in running.values():
                future.cancel()


def _blocks(total: int, size: int) -> Iterator[tuple[int, int]]:
    return ((first, min(total, first + size)) for first in range(0, total, size))
