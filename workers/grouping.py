"""Combinatorial purged cross-validation: every combination of groups is tested with what the other groups chose."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from app.walkforward import plan_of
from engine.bars import Floats
from engine.figures import Report, Run
from engine.stitching import Piece, stitched
from engine.strategy import BoundStrategy
from engine.sweep import Trials
from engine.sweep.combining import by_group, judge_splits
from engine.sweep.splits import Groups
from engine.sweep.work import measured
from engine.tables import said
from workers import packing
from workers.choosing import Choice, ChoosingWork, Tested, ratio_told, sharpe_of

# Of every path.
FIGURES = ("sharpe", "total_return", "max_drawdown")
_SHARES = {"p05": 5, "p25": 25, "median": 50, "p75": 75, "p95": 95}


class GroupWork(ChoosingWork):
    """Groups of bars, tested in all combinations."""

    @cached_property
    def groups(self) -> Groups:
        plan = plan_of(self.request, self.bars)
        assert isinstance(plan, Groups)  # noqa: S101 - a walk forward is another work
        return plan

    @property
    def choices(self) -> int:
        return len(self.groups.splits)

    @property
    def convention(self) -> str:
        return (
            "the path whose Sharpe ratio is the median of all paths, the lower one of two; in each group the account "
            "begins with cash, a position at its end is marked and not sold, and its trade counts as open"
        )

    def judge(self, trials: Trials) -> dict[str, Floats]:
        figures = self.asked["figures"]
        return judge_splits(self.bars, self.strategy, trials, self.config, groups=self.groups, figures=figures)

    def returns(self, bound: BoundStrategy) -> Floats:
        runs = by_group(self.bars, bound, self.config, self.groups)
        return np.concatenate([run.returns for run in runs])

    def test(self, chosen: Sequence[Choice | None], report: Report) -> Tested:
        runs = self._runs(chosen, report)
        trials = [choice and choice.trial for choice in chosen]
        told = [
            self._told(at, choice, [runs[trials[at]][group] for group in split])
            for at, (split, choice) in enumerate(zip(self.groups.splits, chosen, strict=True))
        ]
        paths = [
            self._joined([runs[trials[split]][group] for group, split in enumerate(path)])
            for path in self.groups.paths.tolist()
        ]
        figures = [measured(path, FIGURES) for path in paths]
        ratios = np.array([each["sharpe"] for each in figures])
        known = int(np.count_nonzero(~np.isnan(ratios)))
        middle = int(np.argsort(ratios, kind="stable")[max(0, (known - 1) // 2)])
        block = {
            "mode": "cpcv",
            "groups": [self._stretch(at) for at in range(self.groups.count)],
            "folds": told,
            "paths": {
                "splits": self.groups.paths.tolist(),
                **{name: [_plain(each[name]) for each in figures] for name in FIGURES},
                "shown": middle,
                "sharpe_distribution": _distribution(ratios),
            },
            **ratio_told(*([sharpe_of(one[side]) for one in told] for side in ("in_sample", "out_of_sample"))),
        }
        return Tested(paths[middle], np.arange(len(self.bars)), block, {"paths": self._curves(paths)}, [])

    def _runs(self, chosen: Sequence[Choice | None], report: Report) -> dict[int | None, list[Run]]:
        """By trial its runs of all groups; where none was chosen nothing is held."""
        bound = {choice and choice.trial: choice and choice.bound for choice in chosen}
        runs = {}
        for at, (trial, strategy) in enumerate(bound.items()):
            report(at, len(bound), "test")
            runs[trial] = by_group(self.bars, strategy, self.config, self.groups)
        return runs

    def _told(self, at: int, choice: Choice | None, tests: Sequence[Run]) -> dict[str, Any]:
        """A split: its groups, what was chosen, and its figures before and after."""
        split = self.groups.splits[at]
        trained = self.groups.training(split)
        figures = measured(self._joined(tests), self.asked["figures"])
        return {
            "fold": at,
            "test_groups": list(split),
            "train": {"bars": sum(stop - first for first, stop in trained.values())},
            "test": {"bars": sum(len(run.time) for run in tests)},
            "trial": choice and choice.trial,
            "params": choice and choice.bound.params,
            "in_sample": choice and choice.figures,
            "out_of_sample": {name: _plain(value) for name, value in figures.items()},
        }

    def _joined(self, runs: Sequence[Run]) -> Run:
        return stitched([Piece(run) for run in runs], self.bars.periods_per_year)

    def _curves(self, paths: Sequence[Run]) -> bytes:
        """Equity of every path."""
        columns = {f"path_{at}": pa.array(path.ledger.equity) for at, path in enumerate(paths)}
        return packing.parquet(pa.table({"time": packing.stamps(self.bars.time), **columns}))

    def _stretch(self, group: int) -> dict[str, Any]:
        first, stop = self.groups.bounds[group : group + 2]
        return {"start": said(self.bars.time[first]), "end": said(self.bars.time[stop - 1]), "bars": stop - first}


def _distribution(ratios: Floats) -> dict[str, Any]:
    """Of the Sharpe ratios of the paths that have one."""
    known = ratios[~np.isnan(ratios)]
    if not len(known):
        return {"paths": 0, "below_zero": None, "mean": None, **dict.fromkeys(_SHARES)}
    shares = {name: float(np.percentile(known, share)) for name, share in _SHARES.items()}
    return {"paths": len(known), "below_zero": float((known < 0.0).mean()), "mean": float(known.mean()), **shares}


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else value
