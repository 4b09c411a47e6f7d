"""What a metric may look at, and the registry that every metric enters by its decorator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats, Times
from engine.ledger import Ledger

Figure: TypeAlias = "float | int | None"
# Called as report(done, total, phase) while a run goes on; what it raises ends the run.
Report: TypeAlias = Callable[[int, int, str], object]


@dataclass(frozen=True, eq=False)
class Run:
    """What a metric may look at. `benchmark` holds the benchmark's return per bar, or None."""

    time: Times
    ledger: Ledger
    trades: NDArray[np.void]
    periods_per_year: float
    risk_free_rate: float = 0.0
    benchmark: Floats | None = None

    @property
    def returns(self) -> Floats:
        return self.ledger.returns

    @cached_property
    def excess(self) -> Floats:
        """Returns above the risk-free rate, which is spread evenly over the year's bars."""
        return self.returns - self.risk_free_rate / self.periods_per_year

    @cached_property
    def drawdown(self) -> Floats:
        """Equity / its running maximum - 1, the initial capital included."""
        peak = np.maximum(np.maximum.accumulate(self.ledger.equity), self.ledger.initial_capital)
        return self.ledger.equity / peak - 1.0

    @cached_property
    def daily(self) -> Floats:
        """Returns compounded to UTC days: what best and worst day are taken from."""
        days = self.time.astype("datetime64[D]")
        starts = np.flatnonzero(np.concatenate(([True], days[1:] != days[:-1])))
        return np.multiply.reduceat(1.0 + self.returns, starts) - 1.0

    @cached_property
    def closed(self) -> NDArray[np.void]:
        """Trades that ended inside the range."""
        return self.trades[self.trades["exit_bar"] >= 0]


@dataclass(frozen=True)
class Metric:
    """A figure: `unit` is fraction, ratio, money, days, bars, count or per_year; `better` is higher, lower or none."""

    name: str
    unit: str
    better: str
    function: Callable[[Run], Figure]
    doc: str


METRICS: dict[str, Metric] = {}


def metric(unit: str, better: str) -> Callable[[Callable[[Run], Figure]], Callable[[Run], Figure]]:
    """Register a metric under the name of its function."""

    def register(function: Callable[[Run], Figure]) -> Callable[[Run], Figure]:
        name = function.__name__
        if name in METRICS:
            raise ValueError(f"there are two metrics called {name}")
        METRICS[name] = Metric(name, unit, better, function, function.__doc__ or "")
        return function

    return register
