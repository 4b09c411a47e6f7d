"""Sweeps: many parameter sets of one strategy, and what the best of them is worth."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from celery.exceptions import SoftTimeLimitExceeded
from numpy.typing import NDArray

from app.canonical import canonical_json
from app.contracts import load_bars
from app.jobs import Claim
from app.sweeps import search_of
from app.wiring import Services
from engine import Config, backtest
from engine.bars import Bars, Floats
from engine.errors import BadData, RunFailed
from engine.figures import METRICS, Report
from engine.strategy import Strategy
from engine.sweep import Search, sweep
from engine.sweep.landscape import importance, plateau, ranked
from workers import packing
from workers.dividing import Made
from workers.verifying import require_honest
from workers.versions import require_same

# Rows that are told at once while a sweep runs: the best of those just found.
TOLD = 20
_TYPES = {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "choice": pa.string(), "table": pa.string()}


@dataclass(frozen=True)
class SweepWork:
    """The trials of a resolved sweep. A unit is a candidate of its search."""

    request: Mapping[str, Any]
    services: Services
    bars: Bars
    strategy: Strategy
    search: Search
    config: Config

    @classmethod
    def of(cls, request: Mapping[str, Any], services: Services) -> SweepWork:
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
            return self._table([], [], {})
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
            if isinstance(error.__cause__, SoftTimeLimitExceeded):
                raise
            if len(stretch.trials) == 1:
                return self._table(stretch.numbers.tolist(), list(stretch.trials), {}, error.message)
            half = (first + stop) // 2  # who it was is found by halves
            return pa.concat_tables([self.run(first, half), self.run(half, stop)])
        figures = {name: np.ravel(found[name]) for name in asked["figures"]}
        return self._table(stretch.numbers.tolist(), list(stretch.trials), figures)

    def rows(self, found: pa.Table) -> dict[str, Any]:
        """The best of some rows, and how many there are."""
        trials = Found.of(found, self.request)
        return {"trials": found.num_rows, "rows": trials.rows(trials.order[:TOLD])}

    ...
