"""Walking forward: choose among trials on one stretch of bars, see what the choice does on the next, move on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars, Floats
from engine.config import Config
from engine.errors import InvalidInput
from engine.figures import METRICS, Report
from engine.strategy import Strategy
from engine.sweep import running
from engine.sweep.account import FROM_SUMS, Account, Sums, simple
from engine.sweep.crossings import Pairs
from engine.sweep.kernel import COLUMNS
from engine.sweep.running import FIGURES, Sweep, enough, known, sweep, tried_of
from engine.sweep.screening import Screening
from engine.sweep.splits import Fold
from engine.sweep.trials import Trials, refuse_size
from engine.sweep.windows import CrossingsWithin, Tasks
from engine.sweep.work import Work, figures_of

# Most bars of all trainings together whose returns are written down at once: 32 MiB.
_TOGETHER = 2**20
# Crosses of a trial are found once for all its folds: its bars take less time than elsewhere.
_MORE = 4
# So many runs one by one take no time worth saving.
_FEW = 64


@dataclass(frozen=True, eq=False)
class Walk:
    """What walking forward found, fold by fold.

    `chosen` [F] is the number of the best trial in training, -1 where the objective is not defined for any. Figures
    are by name arrays [F], of the chosen trial `trained` and `tested`; NaN where the single run says None.
    """

    trials: Trials
    folds: tuple[Fold, ...]
    chosen: NDArray[np.int64]
    trained: dict[str, Floats]
    tested: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.folds)


def walk(
    bars: Bars,
    strategy: Strategy,
    trials: Trials | Sequence[Mapping[str, object]],
    config: Config | None = None,
    *,
    train: int,
    test: int,
    step: int | None = None,
    anchored: bool = False,
    objective: str = "sharpe",
    figures: Sequence[str] = FIGURES,
    report: Report | None = None,
    threads: int = 1,
) -> Walk:
    """Choose the best trial on `train` bars, run it on the `test` bars after them, move on by `step`, and so on.

    In training every trial counts as what a `sweep` over these bars alone makes of it, to the last bit; one that sums
    show not to be the best is not run. In the test the strategy decides with the bars of its training in view, so that
    no average has to warm up again; the account starts anew with the first bar of the test, as `simulate` with these
    weights.

    Args:
        bars, strategy, trials, config, figures, threads: as for `sweep`.
        train: how many bars a trial is judged on.
        test: how many bars after them the best one is run on.
        step: how many bars the next fold is later; as many as `test` by default.
        anchored: let every training begin with the first bar, so that it grows.
        objective: the metric that decides, by what its definition calls better; of equal trials the first is chosen.
        report: called as `report(done, total, phase)` between blocks of trials, phase "screen" or "walk"; what it
            raises ends the walk.

    Raises:
        InvalidInput: `invalid_folds` when the bars have no room for one fold, or the objective knows no better; and
            as `sweep`.
        BadData, InvalidConfig, RunFailed: as `sweep` over the bars of one of the folds.
    """
    tried, names = tried_of(strategy, trials), known(figures)
    better = METRICS[known((objective,))[0]].better
    if better not in ("higher", "lower"):
        raise InvalidInput(f"Of {objective} no value is better than another.", code="invalid_folds", pointer="/folds")
    folds = _folds(len(bars), train, test, test if step is None else step, anchored=anchored)
    refuse_size(len(tried) * len(folds), running.MAX_RUNS)
    config = (Config.parse(strategy.defaults) if config is None else config).fitted(bars)
    enough(bars.between(0, train), tried)
    work = _Forward(bars, tried, config, folds, threads)
    chosen = work.chosen(objective, better, report)
    trained, tested = work.figures(chosen, names)
    return Walk(tried, folds, chosen, trained, tested)


def judge(
    bars: Bars,
    strategy: Strategy,
    trials: Trials | Sequence[Mapping[str, object]],
    config: Config | None = None,
    *,
    parts: Sequence[tuple[int, int]],
    figures: Sequence[str] = FIGURES,
    report: Report | None = None,
    threads: int = 1,
) -> dict[str, Floats]:
    """Figures of every trial on each of some stretches of bars, first <= t < stop: by name an array [n, parts].

    Each is what a `sweep` over these bars alone finds, to the last bit, with what the stretches share made once where
    trials are crossings.

    Raises:
        InvalidInput, BadData, InvalidConfig, RunFailed: as `sweep` over one of the stretches.
    """
    tried, names = tried_of(strategy, trials), known(figures)
    refuse_size(len(tried) * len(parts), running.MAX_RUNS)
    config = (Config.parse(strategy.defaults) if config is None else config).fitted(bars)
    enough(bars.between(*min(parts, key=lambda part: part[1] - part[0])), tried)
    folds = tuple(Fold(first, stop, stop) for first, stop in parts)
    return _Forward(bars, tried, config, folds, threads).judged(names, report)


def _folds(total: int, train: int, test: int, step: int, *, anchored: bool) -> tuple[Fold, ...]:
    """Every fold that has room in so many bars."""
    if min(train, test) < 2 or step < 1 or train + test > total:
        raise InvalidInput(
            f"Folds of {train} + {test} bars, {step} apart, do not fit into {total}: each part has at least 2 bars.",
            code="invalid_folds",
            pointer="/folds",
        )
    splits = range(train, total - test + 1, step)
    return tuple(Fold(0 if anchored else split - train, split, split + test) for split in splits)


def _best(scores: Floats, better: str) -> int:
    """The first of the best scores; -1 when none is a number."""
    if np.isnan(scores).all():
        return -1
    return int(np.nanargmax(scores) if better == "higher" else np.nanargmin(scores))


@dataclass(frozen=True, eq=False)
class _Forward:
    """The folds of a walk, with what they share where trials are crossings of one symbol."""

    bars: Bars
    tried: Trials
    config: Config
    folds: tuple[Fold, ...]
    threads: int

    @cached_property
    def trainings(self) -> list[Bars]:
        return [self.bars.between(fold.first, fold.split) for fold in self.folds]

    @cached_property
    def tests(self) -> list[Bars]:
        return [self.bars.between(fold.split, fold.stop) for fold in self.folds]

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Of the trainings [F], in bars."""
        return np.array([len(part) for part in self.trainings])

    @cached_property
    def periods(self) -> Floats:
        """How many bars make a year, in every training [F]."""
        return np.array([part.periods_per_year for part in self.trainings])

    @cached_property
    def pairs(self) -> Pairs | None:
        """The crossings, if all trainings and all averages may be there at once."""
        names = self.tried.strategy.crossing
        if names is None or not simple(self.config) or len(self.bars.symbols) > 1:
            return None
        pairs = Pairs.of(self.tried, names, self.config)
        return pairs if self.lengths.sum() <= _TOGETHER and pairs.fit(len(self.bars)) else None

    @cached_property
    def account(self) -> Account:
        return Account.of(self.bars, self.config)

    def _work(self, names: Sequence[str]) -> Work:
        """All trials in all trainings."""
        return Work(
            self.config,
            names,
            len(self.tried),
            self.lengths,
            self.periods,
            lambda column: self.trainings[column],
            lambda part, at: self.tried.bound(at)(part),
            "walk",
        )

    @property
    def _ranges(self) -> NDArray[np.int64]:
        """Of every training from which bar averages see, where it begins and where it ends."""
        return np.array([(fold.first, fold.first, fold.split) for fold in self.folds])

    @property
    def _size(self) -> int:
        """Trials of a block: their bars in all trainings take some milliseconds."""
        return max(1, _MORE * running.BLOCK // int(self.lengths.sum()))

    def chosen(self, objective: str, better: str, report: Report | None) -> NDArray[np.int64]:
        """The best trial in every training [F]: the first of those with the best figure; -1 where none has one."""
        if objective == "sharpe" and self.pairs is not None and Screening.applies(self.account, self.pairs):
            trials, folds = self._contenders(self.pairs, report)
            # Where little is excluded (after ties, say) blocks of all trials are faster than runs one by one.
            if len(trials) <= max(_FEW, len(self.tried) // 8):
                return self._best_of(self.pairs, trials, folds, report)
        scores = self.judged((objective,), report)[objective]
        return np.array([_best(column, better) for column in scores.T])

    def _contenders(self, pairs: Pairs, report: Report | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every trial and fold [c] where that trial may have the best Sharpe ratio."""
        work = replace(self._work(("sharpe",)), phase="screen")
        screening = Screening.of(self.account, pairs, self._ranges[:, 1:], self.lengths, self.periods)
        blocks = work.blocks(self._size, len(self.folds))
        bounds = work.in_order(lambda block: screening.bounds(slice(*block[1:])), blocks, self.threads, report)
        lower, upper = (np.concatenate(side) for side in zip(*bounds, strict=True))
        work.tell(report, work.columns, 0)
        trials, folds = np.nonzero(upper >= np.fmax.reduce(lower))
        return trials, folds

    def _best_of(
        self, pairs: Pairs, trials: NDArray[np.int64], folds: NDArray[np.int64], report: Report | None
    ) -> NDArray[np.int64]:
        """Of the contenders in every training the first one with the best Sharpe ratio, each by its account."""
        chosen = np.full(len(self.folds), -1)
        if len(trials) == 0:
            return chosen

        def tell(done: int, *_: object) -> None:
            if report is not None:
                report(done, len(trials), "walk")

        rows = np.zeros((len(trials), COLUMNS))
        source = CrossingsWithin.of(self.account, pairs.take(trials), self._ranges, deep=False)
        size = max(1, running.BLOCK // len(self.bars))
        for first in range(0, len(trials), size):
            tell(first)
            some = slice(first, first + size)
            source.run(some, Tasks(folds[some], folds[some] + 1, np.arange(len(folds[some]))), rows[some])
        sums = Sums(rows, self.lengths[folds], self.config, self.periods[folds])
        scores = sums.sharpe()
        for at in np.flatnonzero(~sums.sound()).tolist():
            ticking = partial(tell, len(trials))
            scores[at] = self._alone(int(trials[at]), 0, self.folds[folds[at]], ("sharpe",), ticking)["sharpe"]
        tell(len(trials))
        for fold in range(len(self.folds)):
            those = np.flatnonzero(folds == fold)
            best = _best(scores[those], "higher")
            chosen[fold] = trials[those[best]] if best >= 0 else -1
        return chosen

    def judged(self, names: Sequence[str], report: Report | None) -> dict[str, Floats]:
        """Figures of every trial in every training: by name [n, F]."""
        work = self._work(names)
        if self.pairs is not None and work.compiled:
            source = CrossingsWithin.of(self.account, self.pairs, self._ranges, deep="max_drawdown" in names)
            return work.in_blocks(source, self._size, report, self.threads, wide=len(self.folds)).figures
        swept = [self._swept(at, names, report) for at in range(len(self.folds))]
        return {name: np.stack([found[name] for found in swept], axis=1) for name in names}

    def _swept(self, at: int, names: Sequence[str], report: Report | None) -> Sweep:
        """Figures of every trial in one training, by a sweep of its own."""
        before, total = at * len(self.tried), len(self.folds) * len(self.tried)

        def tell(done: int, *_: object) -> None:
            if report is not None:
                report(before + done, total, "walk")

        part, strategy = self.trainings[at], self.tried.strategy
        return sweep(part, strategy, self.tried, self.config, figures=names, report=tell, threads=self.threads)

    def figures(self, chosen: NDArray[np.int64], names: Sequence[str]) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Of the trial chosen in each fold, in its training and in its test."""
        found = {name: np.full((2, len(self.folds)), np.nan) for name in names}
        done = np.zeros((2, len(self.folds)), dtype=np.bool_)
        if self.pairs is not None and set(names) <= FROM_SUMS.keys():
            sums = self._sums(self.pairs.take(np.maximum(chosen, 0)))
            done = sums.sound()
            for name in names:
                found[name] = FROM_SUMS[name](sums)
        for side, at in np.argwhere(~done).tolist():
            if chosen[at] >= 0:
                for name, figure in self._alone(int(chosen[at]), side, self.folds[at], names).items():
                    found[name][side, at] = figure
        for column in found.values():
            column[:, chosen < 0] = np.nan
        trained, tested = ({name: column[side] for name, column in found.items()} for side in range(2))
        return trained, tested

    def _sums(self, pairs: Pairs) -> Sums:
        """One trial per fold, compiled, in training and test [2, F]."""
        count = len(self.folds)
        tested = np.array([(fold.first, fold.split, fold.stop) for fold in self.folds])
        rows = np.zeros((2, count, COLUMNS))
        source = CrossingsWithin.of(self.account, pairs, np.concatenate((self._ranges, tested)), deep=True)
        for side in range(2):
            first = np.arange(count) + side * count
            source.run(slice(None), Tasks(first, first + 1, np.arange(count)), rows[side])
        lengths = np.array((self.lengths, [len(part) for part in self.tests]))
        periods = np.array((self.periods, [part.periods_per_year for part in self.tests]))
        return Sums(rows, lengths, self.config, periods)

    def _alone(
        self, at: int, side: int, fold: Fold, names: Sequence[str], report: Callable[..., object] | None = None
    ) -> dict[str, float]:
        """A trial in one training, or in a test with its training in view, as single runs."""
        bound = self.tried.bound(at)
        if side == 0:
            part = self.bars.between(fold.first, fold.split)
            return figures_of(part, bound(part), self.config, names, report)
        weights = bound(self.bars.between(fold.first, fold.stop))[fold.split - fold.first :]
        return figures_of(self.bars.between(fold.split, fold.stop), weights, self.config, names, report)
