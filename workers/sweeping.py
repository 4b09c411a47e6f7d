"""Sweeps: many parameter sets of one strategy, and what the best of them is worth."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.canonical import canonical_json
from app.contracts import load_bars
from app.dataset import Dataset
from app.jobs import Claim
from app.sweeps import PARAM, search_of
from app.wiring import Services
from engine import Config, backtest, simulate
from engine.backtesting import Result
from engine.bars import Bars, Floats
from engine.errors import BadData, RunFailed
from engine.figures import METRICS, Report
from engine.overfit import Tally, statistics
from engine.strategy import BoundStrategy, Strategy
from engine.sweep import Search, sweep
from engine.sweep.landscape import importance, plateau
from engine.sweep.search import Stretch
from workers import packing
from workers.dividing import Work, by_halves
from workers.packing import Made
from workers.ranking import Ranking
from workers.verifying import require_honest
from workers.versions import benchmark_of, dataset_of, require_same

# Rows that are told at once while a sweep runs: the best of those just found.
TOLD = 20
# Trials whose returns are looked at for the statistics that need them, and those times bars.
MOST_SAMPLED = 200
MOST_RETURNS = 20_000_000
_TYPES = {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "choice": pa.string(), "table": pa.string()}


@dataclass(frozen=True)
class SweepWork(Work):
    """The trials of a resolved sweep. A unit is a candidate of its search."""

    request: Mapping[str, Any]
    services: Services
    bars: Bars
    strategy: Strategy
    search: Search
    config: Config

    @classmethod
    def of(cls, request: Mapping[str, Any], services: Services) -> Self:
        strategy = services.shelf.get(request["strategy_id"], request["strategy_version"])
        require_same(request, strategy)
        bars = load_bars(request, services.catalog)
        return cls(request, services, bars, strategy, search_of(request, strategy), Config(**request["config"]))

    @property
    def units(self) -> int:
        return self.search.candidates

    def run(self, first: int, stop: int) -> pa.Table:
        """A row for each trial among these candidates, or for each of its symbols; one that fails says why."""
        stretch = self.search.stretch(first, stop)
        if stretch.trials is None:
            return self._table(stretch, {})
        asked = self._asked
        try:
            found = sweep(
                self.bars,
                self.strategy,
                stretch.trials,
                self.config,
                figures=asked["figures"],
                each_symbol=asked["each_symbol"],
            )
        except (RunFailed, BadData) as error:
            why = error.message
            return by_halves(self, first, stop, error, lambda: self._table(stretch, {}, why))
        return self._table(stretch, {name: np.ravel(found[name]) for name in asked["figures"]})

    def rows(self, found: pa.Table) -> dict[str, Any]:
        """The best of some rows, and how many those are."""
        ranking = Ranking(found, self._asked)
        return {"trials": found.num_rows, "rows": ranking.rows(ranking.order[:TOLD])}

    def tally(self, found: pa.Table) -> Tally:
        """Of the annual Sharpe ratio of each row."""
        return Tally.of(Ranking(found, self._asked).figure("sharpe"))

    def gather(self, claim: Claim, found: pa.Table, report: Report) -> Made:
        """The best trial as a run of its own, and what all of them say together."""
        ranking = Ranking(found, self._asked)
        if ranking.failed == found.num_rows:
            first = found["error"][0].as_py() if found.num_rows else "there was none"
            raise RunFailed(f"Every trial failed; the first one: {first}", code="every_trial_failed")
        before = self.services.store.tried.before(claim.owner, self.request, claim.request_hash)
        tried = len(np.unique(found["trial"].to_numpy()))
        told: dict[str, Any] = {
            "trials_made": found.num_rows,
            "trials_before": before.trials,
            "skipped": self.units - tried,
            "ended": self._why(tried),
            "failed": ranking.failed,
            "within_constraints": int(ranking.allowed.sum()),
            "objective": ranking.objective,
            "best": None,
            "best_by": {name: row for name in self._asked["objective"] for row in ranking.rows(ranking.by(name)[:1])},
            "top": self._top(ranking, report),
            "plateau": self._plateau(ranking),
            "importance": self._importance(ranking),
            "statistics": None,
        }
        trials = {"trials": packing.parquet(found)}
        if not len(ranking.order):
            return Made(self._without_best(claim, found, told), trials)
        best = self._run(ranking, ranking.order[0])
        told["best"] = told["top"][0]
        told["statistics"] = self._statistics(ranking, best, before, report)
        verdict = require_honest(self.services, self._single(ranking, 0), best.bars, best.bound, best.decision, report)
        document = packing.document(claim, self._dataset, best, verdict) | {"sweep": told}
        document["provenance"]["result_hash"] = _hash(found, best)
        return Made(document, packing.parts(best) | {"positions": packing.positions(best)} | trials)

    @property
    def _asked(self) -> Mapping[str, Any]:
        asked: Mapping[str, Any] = self.request["sweep"]
        return asked

    @property
    def _dataset(self) -> Dataset:
        return dataset_of(self.request, self.services)

    def _table(self, stretch: Stretch, figures: Mapping[str, Floats], error: str | None = None) -> pa.Table:
        """Rows of trials; where every symbol has its own account, one for each of them."""
        symbols = self.bars.symbols if self._asked["each_symbol"] else ()
        times, sets = max(1, len(symbols)), stretch.trials.columns if stretch.trials else {}
        total = len(stretch.numbers) * times
        columns: dict[str, pa.Array] = {"trial": pa.array(np.repeat(stretch.numbers, times))}
        if symbols:
            columns["symbol"] = pa.array(list(symbols) * len(stretch.numbers), pa.string())
        for item in self.strategy.parameters:
            given = sets.get(item.name, np.empty(0, dtype=object))
            values = np.array([_shown(value) for value in given], dtype=object) if item.type == "table" else given
            columns[PARAM + item.name] = pa.array(np.repeat(values, times), _TYPES[item.type])
        for name in self._asked["figures"]:
            columns[name] = pa.array(figures.get(name, np.full(total, np.nan)))
        columns["error"] = pa.array([error] * total, pa.string())
        return pa.table(columns)

    def _alone(self, ranking: Ranking, place: int) -> tuple[Bars, BoundStrategy]:
        """The bars and the strategy of one row."""
        row = ranking.table.slice(place, 1).to_pylist()[0]
        bars = self.bars.select([row["symbol"]]) if "symbol" in row else self.bars
        stretch = self.search.stretch(row["trial"], row["trial"] + 1)
        assert stretch.trials is not None  # noqa: S101 - the row is that of a trial
        return bars, stretch.trials.bound(0)

    def _run(self, ranking: Ranking, place: int) -> Result:
        bars, bound = self._alone(ranking, place)
        return backtest(bars, bound, self.config, benchmark=benchmark_of(self.request, self.services))

    def _single(self, ranking: Ranking, at: int) -> dict[str, Any]:
        """The request of a backtest that the trial at this rank would be."""
        bars, bound = self._alone(ranking, ranking.order[at])
        return {**self.request, "params": bound.params, "symbols": list(bars.symbols)}

    def _why(self, tried: int) -> str | None:
        """Why a search that draws its trials drew no more; None for a grid, which is all there."""
        if self._asked["trials"] is None:
            return None
        if tried == self._asked["trials"]:
            return "trials"
        return "exhausted" if self.units == self.search.space.size else "rule"

    def _top(self, ranking: Ranking, report: Report) -> list[dict[str, Any]]:
        """The best trials, with every metric: they are run again one by one."""
        places = ranking.order[: self._asked["top"]]
        told = ranking.rows(places)
        for at, (row, place) in enumerate(zip(told, places, strict=True)):
            report(at, len(places), "top")
            row["metrics"] = self._run(ranking, place).metrics
        return told

    def _plateau(self, ranking: Ranking) -> dict[str, Any] | None:
        """Where good trials lie side by side on the grid; of one account, because neighbours are on one surface."""
        shape = self.search.space.shape
        if self._asked["method"] != "grid" or self._asked["each_symbol"] or shape is None:
            return None
        numbers = ranking.table["trial"].to_numpy()
        values, allowed = np.full(self.units, np.nan), np.zeros(self.units, dtype=np.bool_)
        values[numbers], allowed[numbers] = ranking.figure(ranking.objective), ranking.allowed
        kinds = {item.name: item.type for item in self.strategy.parameters}
        ordered = [kinds[name] in ("int", "float") for name in self.search.space.axes]
        found = plateau(values, shape, ordered, METRICS[ranking.objective].better, allowed)
        if found is None:
            return None
        (row,) = ranking.rows(np.flatnonzero(numbers == found.point))
        return row | {"mean": found.mean, "neighbours": found.neighbours}

    def _importance(self, ranking: Ranking) -> dict[str, float | None]:
        columns = {name: ranking.table[PARAM + name].to_pylist() for name in self.search.space.axes}
        if self._asked["each_symbol"]:
            columns["symbol"] = ranking.table["symbol"].to_pylist()
        return importance(columns, ranking.figure(ranking.objective))

    def _statistics(self, ranking: Ranking, best: Result, before: Tally, report: Report) -> dict[str, Any]:
        """How far the best trial can be trusted, with the returns of some trials for what needs them."""
        known = np.flatnonzero(ranking.table["error"].is_null().to_numpy())
        places = sampled(known, len(self.bars), self.request["seed"])
        returns = np.empty((len(self.bars), len(places)))
        for at, place in enumerate(places):
            report(at, len(places), "statistics")
            bars, bound = self._alone(ranking, place)
            returns[:, at] = simulate(bars, bound(bars), self.config.fitted(bars)).returns
        rate = best.run.rate
        found = statistics(
            best.run.returns - rate,
            ranking.figure("sharpe"),
            periods_per_year=best.bars.periods_per_year,
            returns_matrix=returns - rate if len(places) > 1 else None,
            before=before,
            seed=self.request["seed"],
        )
        return asdict(found) | {"sampled_trials": len(places)}

    def _without_best(self, claim: Claim, found: pa.Table, told: dict[str, Any]) -> dict[str, Any]:
        """The document where no trial keeps to the constraints: there is no run to show."""
        names = ("engine_version", "strategy_version", "dataset_id", "dataset_version", "seed")
        provenance = {name: self.request[name] for name in names} | {
            "quality": self.strategy.quality(self.bars.panel, self._dataset.quality),
            "request_hash": claim.request_hash,
            "result_hash": _hash(found, None),
        }
        return {"request": dict(self.request), "provenance": provenance, "sweep": told}


def sampled(known: NDArray[np.int64], bars: int, seed: int) -> NDArray[np.int64]:
    """Of the rows of trials all, or as many at random as a bound of memory and time allows, in their order."""
    most = max(2, min(MOST_SAMPLED, MOST_RETURNS // bars))
    if len(known) <= most:
        return known
    rng = np.random.Generator(np.random.Philox(seed))
    return np.sort(rng.choice(known, most, replace=False))


def _shown(value: Any) -> Any:
    """A parameter as a column keeps it: a table of numbers is its text."""
    return canonical_json(dict(value)).decode() if isinstance(value, Mapping) else value


def _hash(found: pa.Table, best: Result | None) -> str:
    """SHA-256 over the figures of every trial, and over the best run."""
    digest = hashlib.sha256((packing.result_hash(best) if best else "").encode())
    for name in found.column_names:
        if pa.types.is_floating(found[name].type) or name == "trial":
            digest.update(np.ascontiguousarray(found[name].to_numpy()).tobytes())
    return digest.hexdigest()
