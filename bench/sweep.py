"""Many runs in one process: sweeps, given weights, every symbol on its own, walking forward.

    python -m bench.sweep

W2   a crossover with all 4,950 pairs fast < slow of windows 2 to 101, 2,520 daily bars, next open, 10 bps
W2g  the same from weights [4,950, 2,520] that are there already: float64, and signals of one byte
W2s  the same by a strategy that does not say that it is a crossing: its weights, then the compiled pass (a sample)
W2b  100 symbols x 200 pairs (fast 5..23 step 2, slow 30..125 step 5), each with an account of its own
W5   W2 in folds: best Sharpe ratio of all pairs on 504 bars, then the best on the next 126, 126 bars on, and so on

Every workload is checked against single runs first, and timed in turn with the others. Beside W2 stands a loop over
single runs, as one would write it without a sweep, timed on a sample and extrapolated.

What bounds them: to find the crosses is one comparison of sixteen float32 per cycle and pair, from averages in the
cache; an order waits for the two divisions of the one before, which sixteen trials do side by side; what is known of
each order is looked up for itself; float64 weights have to come from memory once (100 MB).
"""

from __future__ import annotations

import dataclasses
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

import strategies
from bench.engine import COST, bars_of, seconds
from engine import Bars, Config, backtest
from engine.strategy import BoundStrategy
from engine.sweep import Found, Trials, grid, replay, sweep, walk

ROUNDS = 25
SAMPLE = 40
SYMBOLS = 100
GRID = {"fast": {"start": 2, "stop": 101}, "slow": {"start": 3, "stop": 101}}
SMALL = {"fast": {"start": 5, "stop": 23, "step": 2}, "slow": {"start": 30, "stop": 125, "step": 5}}
FOLDS = {"train": 504, "test": 126}
CONFIG = Config(commission_bps=COST * 1e4, slippage_bps=0.0)


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def peak_above(work: Callable[[], object]) -> float:
    """Most MiB above the present while `work` runs, looked at every 0.1 ms."""
    before, most, over = resident(), 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(1e-4):
            most = max(most, resident() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(10):
        work()
    over.set()
    watcher.join()
    return max(most, resident() - before) / 2**20


def check(bars: Bars, found: Found, trials: Trials, column: int | None = None) -> None:
    """The figures of the sweep are those of the single runs, or the times mean nothing."""
    for at in np.linspace(0, len(trials) - 1, SAMPLE).astype(int):
        alone = backtest(bars, trials.bound(at), CONFIG).metrics
        for name, figures in found.figures.items():
            one, other = figures[at] if column is None else figures[at, column], float(alone[name] or 0.0)
            if not np.isclose(one, other, rtol=1e-12, atol=1e-12):
                raise SystemExit(f"{name} of {trials[at]}: {one} in the sweep, {other} alone")


def symbols_of(time: np.ndarray) -> Bars:
    rng = np.random.default_rng(30)
    close = 100 * np.exp(np.cumsum(rng.normal(0.0003, 0.012, (len(time), SYMBOLS)), axis=0))
    open = np.concatenate((np.full((1, SYMBOLS), 100.0), close[:-1])) * np.exp(rng.normal(0, 0.003, close.shape))
    high, low = np.maximum(open, close) * 1.003, np.minimum(open, close) * 0.997
    return Bars.from_arrays(time, open, high, low, close, symbols=[f"S{n}" for n in range(SYMBOLS)])


def timed(works: Sequence[Callable[[], object]]) -> list[list[float]]:
    """Milliseconds of every work, in rounds."""
    rounds = [[seconds(work) * 1e3 for work in works] for _ in range(ROUNDS)]
    return [list(column) for column in zip(*rounds, strict=True)]


def said(name: str, one: Sequence[float], two: Sequence[float], count: int) -> str:
    """A line of the report; `count` is bars times trials."""
    parts = [f"{statistics.median(column):7.1f} ({min(column):6.1f})" for column in (one, two)]
    return f"{name:28} {parts[0]}   {parts[1]}   {min(one) * 1e6 / count:5.2f}   {min(one) / min(two):.2f}"


def main() -> None:
    bars, item = bars_of(), strategies.get("sma_cross")
    made = statistics.median(seconds(lambda: grid(item, GRID)) for _ in range(5)) * 1e3
    trials = grid(item, GRID)
    start = time.perf_counter()
    found = sweep(bars, item, trials, CONFIG)
    first = time.perf_counter() - start
    check(bars, found, trials)

    weights = np.stack([trials.bound(at)(bars)[:, 0] for at in range(len(trials))])
    signals = weights.astype(np.int8)
    many, pairs = symbols_of(bars.time), grid(item, SMALL)
    for other in (replay(bars, weights, CONFIG), replay(bars, signals, CONFIG)):
        if any(other[name].tobytes() != figures.tobytes() for name, figures in found.figures.items()):
            raise SystemExit("weights and crossings do not agree")
    check(many.select(["S7"]), sweep(many, item, pairs, CONFIG, each_symbol=True), pairs, 7)
    walked = walk(bars, item, trials, CONFIG, **FOLDS)
    for at, (begin, split, _) in enumerate(walked.folds):
        alone = sweep(bars.select(start=bars.time[begin], end=bars.time[split - 1]), item, trials, CONFIG)
        if np.nanargmax(alone["sharpe"]) != walked.chosen[at]:
            raise SystemExit(f"fold {at} has chosen {walked.chosen[at]}")

    chosen = np.random.default_rng(1).choice(len(trials), SAMPLE, replace=False)
    bounds: list[BoundStrategy] = [trials.bound(int(at)) for at in chosen]
    general = dataclasses.replace(item, crossing=None)
    sample = Trials.of(general, [bound.params for bound in bounds])
    large = len(trials) * len(bars)
    everywhere, walking = SYMBOLS * len(pairs) * len(bars), len(trials) * len(walked) * FOLDS["train"]
    rows: list[tuple[str, int, Callable[[int], object]]] = [
        ("W2   crossings", large, lambda n: sweep(bars, item, trials, CONFIG, threads=n)),
        ("W2g  weights given, float64", large, lambda n: replay(bars, weights, CONFIG, threads=n)),
        ("W2g  weights given, int8", large, lambda n: replay(bars, signals, CONFIG, threads=n)),
        ("W2b  each symbol", everywhere, lambda n: sweep(many, item, pairs, CONFIG, each_symbol=True, threads=n)),
        ("W5   walk forward", walking, lambda n: walk(bars, item, trials, CONFIG, **FOLDS, threads=n)),
    ]
    works = [partial(work, threads) for _, _, work in rows for threads in (1, 2)]
    works.append(lambda: sweep(bars, general, sample, CONFIG))
    works.append(lambda: [backtest(bars, bound, CONFIG) for bound in bounds])
    columns = timed(works)
    print(f"{len(trials)} pairs made in {made:.1f} ms; first sweep of a process {first:.2f} s")
    print(f"{'median (least) ms':28} {'1 thread':>16}   {'2 threads':>16}   ns per bar and trial   ratio of threads")
    for at, (name, count, _) in enumerate(rows):
        print(said(name, columns[2 * at], columns[2 * at + 1], count))
    by_strategy, loop = (statistics.median(column) * len(trials) / SAMPLE for column in columns[-2:])
    print(f"W2s  by the strategy {by_strategy:.0f} ms; single runs {loop:.0f} ms")
    one, two = (statistics.median(column) for column in columns[:2])
    print(f"W2 is {loop / one:.0f} x single runs on 1 thread, {loop / two:.0f} x on 2")
    orders = 2.0 * float(found["total_trades"].sum())
    print(f"W2 {min(columns[0]) * 1e6 / orders:.0f} ns per order")
    for name, _, work in rows:
        print(f"{name:28} {peak_above(partial(work, 2)):5.1f} MiB above the baseline")


if __name__ == "__main__":
    main()
