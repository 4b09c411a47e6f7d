"""Trials tested on stretches of bars with accounts of their own, and what any of these stretches say together.

A trial decides once, over all bars: what it says at a bar is made of that bar and those before it. Each stretch then
has an account that begins with cash, so what a trial did on one depends on no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine import trades
from engine.bars import Bars, Floats
from engine.config import Config
from engine.figures import Report, Run
from engine.simulation import simulate
from engine.stitching import Piece, stitched
from engine.strategy import BoundStrategy, Strategy, Weights
from engine.sweep.running import FIGURES, known, tried_of
from engine.sweep.splits import Fold, Groups
from engine.sweep.trials import Trials
from engine.sweep.work import measured


def run_of(bars: Bars, weights: Weights, config: Config) -> Run:
    """The run of weights that were decided already."""
    ledger = simulate(bars, weights, config)
    return Run(bars.time, ledger, trades.round_trips(ledger), bars.periods_per_year, config.risk_free_rate)


def forward(bars: Bars, bound: BoundStrategy | None, config: Config, fold: Fold) -> Run:
    """The test of a fold: decided with the bars of its training in view, the account begins with its first bar.

    What was decided before is not carried out as such; a weight that the strategy still wants at the first bar is.
    Without a strategy nothing is held.
    """
    part = bars.between(fold.split, fold.stop)
    if bound is None:
        return run_of(part, np.zeros((len(part), len(bars.symbols))), config)
    return run_of(part, bound(bars.between(fold.first, fold.stop))[fold.split - fold.first :], config)


def by_group(bars: Bars, bound: BoundStrategy | None, config: Config, groups: Groups) -> list[Run]:
    """A run of each group; without a strategy nothing is held."""
    weights = np.zeros((len(bars), len(bars.symbols))) if bound is None else bound(bars)
    stretches = zip(groups.bounds, groups.bounds[1:], strict=False)
    return [run_of(bars.between(first, stop), weights[first:stop], config) for first, stop in stretches]


def judge_splits(
    bars: Bars,
    strategy: Strategy,
    trials: Trials | Sequence[Mapping[str, object]],
    config: Config,
    *,
    groups: Groups,
    figures: Sequence[str] = FIGURES,
    report: Report | None = None,
) -> dict[str, Floats]:
    """Figures of every trial on the training of each split, and on all bars: by name [n, splits + 1].

    A training is the kept bars of its groups, stitched.

    Raises:
        InvalidInput, BadData, InvalidConfig, RunFailed: as `sweep` over these bars.
    """
    tried, names = tried_of(strategy, trials), known(figures)
    config = config.fitted(bars)
    everything = {at: (groups.bounds[at], groups.bounds[at + 1]) for at in range(groups.count)}
    trainings = [*(groups.training(split) for split in groups.splits), everything]
    found = {name: np.empty((len(tried), len(trainings))) for name in names}
    for at in range(len(tried)):
        if report is not None:
            report(at, len(tried), "walk")
        runs = by_group(bars, tried.bound(at), config, groups)
        for column, training in enumerate(trainings):
            for name, figure in measured(kept(runs, training, groups, bars.periods_per_year), names).items():
                found[name][at, column] = figure
    return found


def kept(runs: Sequence[Run], stretches: Mapping[int, tuple[int, int]], groups: Groups, periods_per_year: float) -> Run:
    """The runs of groups, of each only these bars, stitched."""
    pieces = [
        Piece(runs[group], first - groups.bounds[group], stop - groups.bounds[group])
        for group, (first, stop) in stretches.items()
    ]
    return stitched(pieces, periods_per_year)
