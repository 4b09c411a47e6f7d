"""Walking forward: the best trial of a stretch of months is tested on the months after it, and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from app.contracts import load_bars
from app.sweeps import search_of
from app.walkforward import plan_of
from app.wiring import Services
from engine import Config
from engine.bars import Floats
from engine.figures import Report, Run
from engine.metrics import measure
from engine.stitching import Piece, stitched
from engine.strategy import BoundStrategy
from engine.sweep import Trials
from engine.sweep.combining import forward, run_of
from engine.sweep.folds import judge
from engine.sweep.splits import Fold, Groups
from engine.tables import said
from workers.choosing import Choice, ChoosingWork, Tested, ratio_told, sharpe_of
from workers.grouping import GroupWork
from workers.versions import require_same


def work_of(request: Mapping[str, Any], services: Services) -> ChoosingWork:
    """The work of a resolved request."""
    strategy = services.shelf.get(request["strategy_id"], request["strategy_version"])
    require_same(request, strategy)
    bars = load_bars(request, services.catalog)
    config = Config(**request["config"]).fitted(bars)
    kind = GroupWork if "cpcv" in request["walkforward"] else WalkWork
    return kind(request, services, bars, strategy, search_of(request, strategy), config)


class WalkWork(ChoosingWork):
    """Folds that walk forward."""

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        plan = plan_of(self.request, self.bars)
        assert not isinstance(plan, Groups)  # noqa: S101 - a cross-validation is another work
        return plan

    @property
    def choices(self) -> int:
        return len(self.folds)

    @property
    def convention(self) -> str:
        return (
            "the tests one after the other, compounded; each begins with cash, a position at its end is marked and not "
            "sold, and its trade counts as open"
        )

    def judge(self, trials: Trials) -> dict[str, Floats]:
        parts = [*((fold.first, self._end(fold)) for fold in self.folds), self._whole]
        return judge(self.bars, self.strategy, trials, self.config, parts=parts, figures=self.asked["figures"])

    def returns(self, bound: BoundStrategy) -> Floats:
        return self._alone(bound, *self._whole).returns

    def test(self, chosen: Sequence[Choice | None], report: Report) -> Tested:
        pieces, rows, told = [], [], []
        for at, (fold, choice) in enumerate(zip(self.folds, chosen, strict=True)):
            report(at, self.choices, "test")
            bound = choice and choice.bound
            run = forward(self.bars, bound, self.config, fold)
            told.append(self._told(at, choice, run))
            # Where the next test begins before this one ends, its choice takes over.
            end = fold.stop if at + 1 == self.choices else min(fold.stop, self.folds[at + 1].split)
            pieces.append(Piece(run if end == fold.stop else self._until(bound, fold, end)))
            rows.append(np.arange(fold.split, end))
        ratio = ratio_told(*([sharpe_of(one[side]) for one in told] for side in ("in_sample", "out_of_sample")))
        block = {"mode": "anchored" if self.plan["anchored"] else "rolling", "folds": told, **ratio}
        run = stitched(pieces, self.bars.periods_per_year)
        return Tested(run, np.concatenate(rows), block, {}, self._warnings)

    def _told(self, at: int, choice: Choice | None, test: Run) -> dict[str, Any]:
        """A fold: its bars, what was chosen, and all figures of it before and after."""
        fold = self.folds[at]
        inside = choice and measure(self._trained(choice, fold))
        return {
            "fold": at,
            "train": self._stretch(fold.first, self._end(fold)),
            "test": self._stretch(fold.split, fold.stop),
            "trial": choice and choice.trial,
            "params": choice and choice.bound.params,
            "in_sample": inside,
            "out_of_sample": measure(self.beside(test, np.arange(fold.split, fold.stop))),
        }

    def _trained(self, choice: Choice, fold: Fold) -> Run:
        """What was chosen on its training."""
        run = self._alone(choice.bound, fold.first, self._end(fold))
        return self.beside(run, np.arange(fold.first, self._end(fold)))

    @property
    def _whole(self) -> tuple[int, int]:
        """From the first bar of a test to the last one."""
        return self.folds[0].split, self.folds[-1].stop

    @property
    def _warnings(self) -> list[str]:
        if not self.plan["embargo"]:
            return []
        return [
            f"The embargo of {self.plan['embargo']} bars dropped nothing: in a walk forward no training comes after "
            "its test. `purge` leaves a gap before it."
        ]

    def _end(self, fold: Fold) -> int:
        """Where a training ends: its last bars are purged."""
        return fold.split - int(self.plan["purge"])

    def _until(self, bound: BoundStrategy | None, fold: Fold, end: int) -> Run:
        return forward(self.bars, bound, self.config, fold._replace(stop=end))

    def _alone(self, bound: BoundStrategy, first: int, stop: int) -> Run:
        """A trial on some bars alone."""
        part = self.bars.between(first, stop)
        return run_of(part, bound(part), self.config)

    def _stretch(self, first: int, stop: int) -> dict[str, Any]:
        return {"start": said(self.bars.time[first]), "end": said(self.bars.time[stop - 1]), "bars": stop - first}
