"""Trials block by block, on some threads, and alone where the compiled pass cannot speak for them."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

import engine.metrics  # noqa: F401  (fills the registry)
from engine import trades
from engine.bars import Bars, Floats
from engine.config import Config
from engine.figures import METRICS, Report, Run
from engine.simulation import simulate
from engine.strategy import Weights
from engine.sweep.account import FROM_SUMS, Sums, simple
from engine.sweep.kernel import COLUMNS

R = TypeVar("R")
# Trials first <= at < stop in some columns.
Block: TypeAlias = "tuple[slice, int, int]"


class Source(Protocol):
    """Where trials come from."""

    def measure(self, columns: slice, first: int, stop: int, rows: Floats, /) -> None:
        """Carry out trials first <= at < stop in some columns and write the rows [columns, trials] of their sums."""


@dataclass(frozen=True, eq=False)
class Found:
    """Figures of every trial: by name an array [n], or [n, N] where there are columns.

    NaN is where the single run says None. `alone` counts the trials that the single run had to do: all of them where
    the compiled pass does not know the configuration or a figure, else those that were ruined or hardly moved.
    """

    figures: dict[str, Floats]
    alone: int

    def __getitem__(self, figure: str) -> Floats:
        return self.figures[figure]

    def flat(self) -> dict[str, Floats]:
        """The figures of the only column."""
        return {name: figures[:, 0] for name, figures in self.figures.items()}


@dataclass(frozen=True, eq=False)
class Work:
    """`count` trials in some columns: over all bars at once, over each symbol of them, or over stretches of them.

    `lengths` and `periods` [columns] are the number of bars of a column and how many make a year; `part` cuts them out
    and `weights` makes what a trial says on them: both are for the single run.
    """

    config: Config
    figures: Sequence[str]
    count: int
    lengths: NDArray[np.int64]
    periods: Floats
    part: Callable[[int], Bars]
    weights: Callable[[Bars, int], Weights]
    phase: str = "sweep"

    @property
    def columns(self) -> int:
        return len(self.lengths)

    @property
    def total(self) -> int:
        return self.count * self.columns

    @property
    def compiled(self) -> bool:
        """Whether the compiled pass knows the configuration and all figures, if there is one symbol in a column."""
        return simple(self.config) and set(self.figures) <= FROM_SUMS.keys()

    def singly(self, report: Report | None) -> Found:
        """Every trial as a single run."""
        found = self._nothing()
        for column in range(self.columns):
            part = self.part(column)
            for at in range(self.count):
                self._alone(part, column, at, found, self._ticking(report, column * self.count + at))
        self._ticking(report, self.total)()
        return Found(found, self.total)

    def in_blocks(self, source: Source, size: int, report: Report | None, threads: int, wide: int = 1) -> Found:
        """Blocks of at most `size` trials in `wide` columns; then alone what the compiled pass cannot speak for."""
        found = self._nothing()

        def measure(block: Block) -> list[tuple[int, int]]:
            columns, first, stop = block
            rows = np.zeros((columns.stop - columns.start, stop - first, COLUMNS))
            source.measure(columns, first, stop, rows)
            lengths, periods = self.lengths[columns, None], self.periods[columns, None]
            sums = Sums(rows, lengths, self.config, periods)
            for name in self.figures:
                found[name][first:stop, columns] = FROM_SUMS[name](sums).T
            return [(columns.start + column, first + at) for column, at in np.argwhere(~sums.sound()).tolist()]

        left = [one for some in self.in_order(measure, self.blocks(size, wide), threads, report) for one in some]
        tick = self._ticking(report, self.total)
        for column, at in left:
            self._alone(self.part(column), column, at, found, tick)
        tick()
        return Found(found, len(left))

    def blocks(self, size: int, wide: int) -> list[Block]:
        """All trials in blocks of at most `size` of them in `wide` columns."""
        columns = [slice(at, min(self.columns, at + wide)) for at in range(0, self.columns, wide)]
        starts = range(0, self.count, size)
        return [(some, at, min(self.count, at + size)) for some in columns for at in starts]

    def _nothing(self) -> dict[str, Floats]:
        return {name: np.empty((self.count, self.columns)) for name in self.figures}

    def _alone(self, bars: Bars, column: int, at: int, found: dict[str, Floats], tick: Callable[..., object]) -> None:
        """One trial as a single run; only its figures stay."""
        tick()
        for name, figure in figures_of(bars, self.weights(bars, at), self.config, self.figures, tick).items():
            found[name][at, column] = figure

    def tell(self, report: Report | None, column: int, at: int) -> None:
        """Tell `report` that a trial in a column is next."""
        self._ticking(report, column * self.count + at)()

    def _ticking(self, report: Report | None, done: int) -> Callable[..., object]:
        """What tells `report` how far the work is, whatever it is called with: a run inside has no phases."""
        return lambda *_: None if report is None else report(done, self.total, self.phase)

    def in_order(
        self, measure: Callable[[Block], R], blocks: Sequence[Block], threads: int, report: Report | None
    ) -> Iterator[R]:
        """What `measure` makes of each block, in order, on `threads`.

        `report` is called before each is given out, and what it raises ends them all.
        """
        done = 0
        if threads == 1:
            for block in blocks:
                self._ticking(report, done)()
                yield measure(block)
                done += _size(block)
            return
        workers = _pool(threads, os.getpid(), threading.get_ident())
        running: list[Future[R]] = []
        try:
            for block in blocks:
                running.append(workers.submit(measure, block))
            for block, future in zip(blocks, running, strict=True):
                self._ticking(report, done)()
                yield future.result()
                done += _size(block)
        finally:
            wait([future for future in running if not future.cancel()])  # they write into arrays of the caller


@lru_cache(1)
def _pool(threads: int, *owner: int) -> ThreadPoolExecutor:  # noqa: ARG001 (tells callers apart)
    """So many threads, kept for the thread of the process that asked: to start them takes as long as a small sweep.

    A fork has none of its parent's, and who sweeps at the same time does not wait for the other's blocks.
    """
    return ThreadPoolExecutor(threads, "sweep")


def figures_of(
    bars: Bars, weights: Weights, config: Config, names: Sequence[str], report: Callable[..., object] | None = None
) -> dict[str, float]:
    """Figures of one run; NaN where there is none."""
    ledger = simulate(bars, weights, config, report)
    run = Run(bars.time, ledger, trades.round_trips(ledger), bars.periods_per_year, config.risk_free_rate)
    return measured(run, names)


def measured(run: Run, names: Sequence[str]) -> dict[str, float]:
    """Figures of a run; NaN where there is none."""
    figures = {name: METRICS[name].function(run) for name in names}
    return {name: math.nan if it is None or not math.isfinite(it) else it for name, it in figures.items()}


def _size(block: Block) -> int:
    columns, first, stop = block
    size: int = (columns.stop - columns.start) * (stop - first)
    return size
