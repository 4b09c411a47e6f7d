"""What a metric may look at, and the registry that every metric enters by its decorator."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats, Times
from engine.ledger import Ledger
from engine.sums import LANES, SIDE_BY_SIDE, Sums, add_up, fall
from engine.tails import Tails, tails_of

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

    @property
    def rate(self) -> float:
        """The risk-free rate of a bar: that of the year spread evenly over its bars."""
        return self.risk_free_rate / self.periods_per_year

    @cached_property
    def drawdown(self) -> Floats:
        """Equity / its running maximum - 1, the initial capital included."""
        drawdown = np.empty(len(self.time))
        fall(self.ledger.equity, self.ledger.initial_capital, drawdown)
        return drawdown

    @cached_property
    def sums(self) -> Sums:
        """What most figures are made of."""
        ledger = self.ledger
        sums = np.empty(len(Sums._fields))
        add_up(
            self.time.view(np.int64),
            ledger.returns,
            self.rate,
            ledger.initial_capital,
            ledger.equity,
            ledger.gross,
            ledger.fills,
            self.trades,
            np.empty((SIDE_BY_SIDE, LANES)),
            sums,
        )
        return Sums(*sums.tolist())

    @cached_property
    def deviation(self) -> float | None:
        """Sample standard deviation (ddof 1) of returns, None below two of them or without variance.

        A constant series has a deviation of rounding errors only; a ratio to that would be a number without meaning.
        """
        count, sums = len(self.time), self.sums
        if count < 2:
            return None
        deviation = math.sqrt(sums.second * (count / (count - 1)))
        return deviation if deviation > 1e-15 * max(1.0, abs(sums.lowest), abs(sums.highest)) else None

    @cached_property
    def tails(self) -> Tails:
        """Both tails of the returns."""
        return tails_of(self.returns)


@dataclass(frozen=True)
class Metric:
    """A figure: `unit` is fraction, ratio, money, days, bars, count or per_year; `better` is higher, lower or none.

    `compares` says that it needs a benchmark.
    """

    name: str
    unit: str
    better: str
    function: Callable[[Run], Figure]
    doc: str
    compares: bool = False


METRICS: dict[str, Metric] = {}


def metric(
    unit: str, better: str, *, compares: bool = False
) -> Callable[[Callable[[Run], Figure]], Callable[[Run], Figure]]:
    """Register a metric under the name of its function."""

    def register(function: Callable[[Run], Figure]) -> Callable[[Run], Figure]:
        name = function.__name__
        if name in METRICS:
            raise ValueError(f"there are two metrics called {name}")
        METRICS[name] = Metric(name, unit, better, function, function.__doc__ or "", compares)
        return function

    return register
