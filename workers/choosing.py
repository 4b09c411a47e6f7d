"""Trials that are chosen on some bars and tested on others: what every way of dividing the bars shares."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.dataset import Dataset
from app.jobs import Claim
from app.wiring import Services
from engine import Config
from engine.backtesting import Result, benchmark_returns
from engine.bars import Bars, Floats
from engine.errors import BadData, RunFailed
from engine.figures import METRICS, Report, Run
from engine.metrics import measure
from engine.overfit import Tally, statistics
from engine.stitching import rows_of
from engine.strategy import BoundStrategy, Decision, Strategy
from engine.sweep import Search, Trials
from engine.sweep.landscape import ranked
from engine.sweep.splits import drift, overfit_ratio, promised
from workers import packing
from workers.dividing import Work, by_halves
from workers.packing import Made
from workers.sweeping import sampled
from workers.verifying import require_honest
from workers.versions import benchmark_of, dataset_of

# Choices of which the best trial is told while a job runs.
TOLD = 20


class Judged:
    """Rows of trials, read back: by figure what each made on every training, and last on all bars [n, choices + 1]."""

    def __init__(self, table: pa.Table, asked: Mapping[str, Any]) -> None:
        self.numbers: NDArray[np.int64] = table["trial"].to_numpy()
        self.errors = [error for error in table["error"].to_pylist() if error is not None]
        self.figures = {name: _matrix(table[name]) for name in asked["figures"]}
        self.objective = str(asked["objective"][0])
        self._constraints = asked["constraints"]

    def __len__(self) -> int:
        return len(self.numbers)

    def best(self, at: int) -> int | None:
        """The row that is best in a column among those that keep to the constraints in it; None where none is."""
        allowed = np.ones(len(self), dtype=np.bool_)
        for name, bounds in self._constraints.items():
            values = self.figures[name][:, at]
            allowed &= (values >= bounds.get("min", -np.inf)) & (values <= bounds.get("max", np.inf))
        order = ranked(self.figures[self.objective][:, at], METRICS[self.objective].better, allowed)
        return int(order[0]) if len(order) else None

    def row(self, row: int, at: int) -> dict[str, float | None]:
        """The figures of a row in one column."""
        found = {name: float(values[row, at]) for name, values in self.figures.items()}
        return {name: value if np.isfinite(value) else None for name, value in found.items()}


class Choice(NamedTuple):
    """The trial that was chosen on a training: its number, its strategy, and its figures there."""

    trial: int
    bound: BoundStrategy
    figures: dict[str, float | None]


class Tested(NamedTuple):
    """What the tests gave: their curve over these rows of the bars, what is told of them, and large parts besides."""

    run: Run
    rows: NDArray[np.int64]
    told: dict[str, Any]
    parts: dict[str, bytes]
    warnings: list[str]


@dataclass(frozen=True)
class ChoosingWork(Work, ABC):
    """The trials of a search that are chosen and tested. A unit is a candidate: what it makes on every training."""

    request: Mapping[str, Any]
    services: Services
    bars: Bars
    strategy: Strategy
    search: Search
    config: Config

    @property
    @abstractmethod
    def choices(self) -> int:
        """How often a trial is chosen."""

    @property
    @abstractmethod
    def convention(self) -> str:
        """How the curve of the tests is made."""

    @abstractmethod
    def judge(self, trials: Trials) -> dict[str, Floats]:
        """By figure what each trial makes on every training, and last on all bars of the tests [n, choices + 1]."""

    @abstractmethod
    def returns(self, bound: BoundStrategy) -> Floats:
        """The returns of a trial on all bars of the tests, those of the last column."""

    @abstractmethod
    def test(self, chosen: Sequence[Choice | None], report: Report) -> Tested:
        """Test what was chosen, nothing where nothing was."""

    @property
    def units(self) -> int:
        return self.search.candidates

    def run(self, first: int, stop: int) -> pa.Table:
        """A row for each trial among these candidates; one that fails says why."""
        stretch = self.search.stretch(first, stop)
        if stretch.trials is None:
            return self._table(stretch.numbers, {})
        try:
            return self._table(stretch.numbers, self.judge(stretch.trials))
        except (RunFailed, BadData) as error:
            numbers, why = stretch.numbers, error.message
            return by_halves(self, first, stop, error, lambda: self._table(numbers, {}, why))

    def rows(self, found: pa.Table) -> dict[str, Any]:
        """The best of some rows on the first trainings, and how many rows there are."""
        judged = Judged(found, self.asked)
        best = [(at, judged.best(at)) for at in range(min(TOLD, self.choices))]
        told = [
            {"fold": at, "trial": int(judged.numbers[row]), "figures": judged.row(row, at)}
            for at, row in best
            if row is not None
        ]
        return {"trials": found.num_rows, "rows": told}

    def tally(self, found: pa.Table) -> Tally:
        """Of the annual Sharpe ratio of each trial on all bars of the tests."""
        return Tally.of(Judged(found, self.asked).figures["sharpe"][:, -1])

    def gather(self, claim: Claim, found: pa.Table, report: Report) -> Made:
        """The tests of what was chosen, and what they say together."""
        judged = Judged(found, self.asked)
        if len(judged.errors) == len(judged):
            first = judged.errors[0] if judged.errors else "there was none"
            raise RunFailed(f"Every trial failed; the first one: {first}", code="every_trial_failed")
        chosen = [self._choice(judged, at) for at in range(self.choices)]
        distinct = {choice.trial: choice.bound for choice in chosen if choice is not None}
        if not distinct:
            text = "On no training did a trial keep to the constraints and have the objective at all."
            raise RunFailed(text, code="nothing_chosen")
        verdict = self._require_honest(list(distinct.values()), report)
        tested = self.test(chosen, report)
        before = self.services.store.tried.before(claim.owner, self.request, claim.request_hash)
        result = self._result(tested, list(distinct.values())[-1])
        told = {
            "trials_made": len(judged),
            "trials_before": before.trials,
            "skipped": self.units - len(judged),
            "failed": len(judged.errors),
            "objective": judged.objective,
            **tested.told,
            "out_of_sample": {"metrics": result.metrics, "statistics": self._of_tests(result)},
            "parameters": drift([choice and choice.bound.params for choice in chosen], list(self.search.space.axes)),
            **self._in_hindsight(judged, before, report),
        }
        document = packing.document(claim, self._dataset, result, verdict) | {"walkforward": told}
        document["conventions"] |= {"out_of_sample": self.convention}
        document["provenance"]["result_hash"] = _hash(found, result)
        return Made(document, packing.parts(result) | tested.parts)

    @property
    def asked(self) -> Mapping[str, Any]:
        """What was searched."""
        asked: Mapping[str, Any] = self.request["sweep"]
        return asked

    @property
    def plan(self) -> Mapping[str, Any]:
        """How bars were asked to be divided."""
        plan: Mapping[str, Any] = self.request["walkforward"]
        return plan

    def beside(self, run: Run, rows: NDArray[np.int64]) -> Run:
        """The run of these rows beside the benchmark, which has no capital before the first of them either."""
        if self._benchmark is None:
            return run
        against = self._benchmark[rows]
        against[0] = 0.0
        return replace(run, benchmark=against)

    @cached_property
    def _benchmark(self) -> Floats | None:
        """The benchmark's return of every bar, where there is one."""
        benchmark = benchmark_of(self.request, self.services)
        return None if benchmark is None else benchmark_returns(self.bars, benchmark)

    @property
    def _dataset(self) -> Dataset:
        return dataset_of(self.request, self.services)

    def _table(self, numbers: NDArray[np.int64], figures: Mapping[str, Floats], error: str | None = None) -> pa.Table:
        """Rows of trials: of each figure a list with its value on every training, and last on all bars."""
        nothing = np.full((len(numbers), self.choices + 1), np.nan)
        columns: dict[str, Any] = {"trial": pa.array(numbers)}
        for name in self.asked["figures"]:
            values = pa.array(np.ravel(figures.get(name, nothing)))
            columns[name] = pa.FixedSizeListArray.from_arrays(values, self.choices + 1)
        return pa.table(columns | {"error": pa.array([error] * len(numbers), pa.string())})

    def _bound(self, number: int) -> BoundStrategy:
        trials = self.search.stretch(number, number + 1).trials
        assert trials is not None  # noqa: S101 - the number is that of a trial
        return trials.bound(0)

    def _choice(self, judged: Judged, at: int) -> Choice | None:
        row = judged.best(at)
        if row is None:
            return None
        number = int(judged.numbers[row])
        return Choice(number, self._bound(number), judged.row(row, at))

    def _require_honest(self, chosen: Sequence[BoundStrategy], report: Report) -> dict[str, Any]:
        """The verdict on the last of the strategies that were chosen; each of them is checked."""
        verdict: dict[str, Any] = {}
        for bound in chosen:
            request = {**self.request, "params": bound.params}
            decision = bound.decide(self.bars)
            verdict = require_honest(self.services, request, self.bars, bound, decision, report)
        return verdict

    def _result(self, tested: Tested, bound: BoundStrategy) -> Result:
        """The curve of the tests as the result of a run is; `bound` stands for what was chosen."""
        bars, run = rows_of(self.bars, tested.rows), self.beside(tested.run, tested.rows)
        nothing = Decision(np.broadcast_to(np.nan, bars.close.shape))
        warnings = (*run.ledger.warnings, *tested.warnings)
        return Result(
            bars=bars,
            bound=bound,
            config=self.config,
            said=nothing,
            run=run,
            metrics=measure(run),
            warnings=warnings,
        )

    def _of_tests(self, result: Result) -> dict[str, Any]:
        """How sure the curve of the tests is: no trial was picked by it."""
        ratio = result.metrics["sharpe"]
        return asdict(
            statistics(
                result.run.returns - result.run.rate,
                [np.nan if ratio is None else ratio],
                periods_per_year=result.run.periods_per_year,
                seed=self.request["seed"],
            )
        )

    def _in_hindsight(self, judged: Judged, before: Tally, report: Report) -> dict[str, Any]:
        """The trial that was best on all bars of the tests, and how far it could be trusted: what a sweep says."""
        row = judged.best(self.choices)
        if row is None:
            return {"hindsight": None, "statistics": None}
        number = int(judged.numbers[row])
        bound, rate = self._bound(number), self.config.risk_free_rate / self.bars.periods_per_year
        known = np.flatnonzero(~np.isnan(judged.figures["final_equity"][:, -1]))
        sample = sampled(known, len(self.bars), self.request["seed"])
        matrix = []
        for at, each in enumerate(sample):
            report(at, len(sample), "statistics")
            matrix.append(self.returns(self._bound(int(judged.numbers[each]))) - rate)
        found = statistics(
            self.returns(bound) - rate,
            judged.figures["sharpe"][:, -1],
            periods_per_year=self.bars.periods_per_year,
            returns_matrix=np.stack(matrix, axis=1) if len(matrix) > 1 else None,
            before=before,
            seed=self.request["seed"],
        )
        told = {"trial": number, "params": bound.params, "figures": judged.row(row, self.choices)}
        return {"hindsight": told, "statistics": asdict(found) | {"sampled_trials": len(sample)}}


def sharpe_of(figures: Mapping[str, Any] | None) -> float:
    """NaN where there is none."""
    ratio = None if figures is None else figures["sharpe"]
    return float("nan") if ratio is None else float(ratio)


def ratio_told(inside: Sequence[float], outside: Sequence[float]) -> dict[str, Any]:
    """The overfit ratio of choices, on how many it rests, and how many of these kept half of what they promised."""
    before, after = np.array(inside), np.array(outside)
    known = promised(before, after)
    held = after[known] >= before[known] / 2.0
    return {
        "overfit_ratio": overfit_ratio(before, after),
        "held_up": {"folds": int(known.sum()), "kept_half": int(held.sum()), "above_zero": int((after > 0.0).sum())},
    }


def _matrix(column: pa.ChunkedArray) -> Floats:
    """A column of lists of one length [n, length]."""
    values: Floats = column.combine_chunks().flatten().to_numpy().reshape(len(column), column.type.list_size)
    return values


def _hash(found: pa.Table, result: Result) -> str:
    """SHA-256 over the figures of every trial on every training, and over the curve of the tests."""
    digest = hashlib.sha256(packing.result_hash(result).encode())
    digest.update(np.ascontiguousarray(found["trial"].to_numpy()).tobytes())
    for name in found.column_names:
        if pa.types.is_fixed_size_list(found[name].type):
            digest.update(_matrix(found[name]).tobytes())
    return digest.hexdigest()
