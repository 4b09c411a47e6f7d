"""W2: a crossover with all 4,950 pairs fast < slow of windows 2 to 101, 2,520 daily bars, next open, 10 bps.

    python -m bench.sweep

Beside it a loop over single runs, as one would write it without a sweep, timed on a sample of the pairs in the same
rounds and extrapolated, and so is a sweep that does not know that the strategy is a crossing: weights by the strategy,
the rest in the compiled pass. Where the time goes is measured too: finding orders reads two rows of sums per trial, the
rest is the orders themselves, each of them a chain of divisions that waits for the one before.
"""

from __future__ import annotations

import dataclasses
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import strategies
from bench.engine import COST, bars_of, seconds
from engine import Bars, Config, backtest
from engine.strategy import BoundStrategy
from engine.sweep import Sweep, Trials, grid, sweep

ROUNDS = 25
SAMPLE = 40


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def peak_above(work: Callable[[], object]) -> int:
    """Most memory above the present while `work` runs, looked at every 0.1 ms."""
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
    return max(most, resident() - before)


def check(bars: Bars, found: Sweep, trials: Trials, config: Config) -> None:
    """The figures of the sweep are those of the single runs, or the times mean nothing."""
    for at in np.linspace(0, len(trials) - 1, SAMPLE).astype(int):
        alone = backtest(bars, trials.bound(at), config).metrics
        for name, column in found.figures.items():
            if not np.isclose(column[at], float(alone[name] or 0.0), rtol=1e-12, atol=1e-12):
                raise SystemExit(f"{name} of {trials[at]}: {column[at]} in the sweep, {alone[name]} alone")


def main() -> None:
    bars, item = bars_of(), strategies.get("sma_cross")
    config = Config(commission_bps=COST * 1e4, slippage_bps=0.0)
    axes = {"fast": {"start": 2, "stop": 101}, "slow": {"start": 3, "stop": 101}}
    made = statistics.median(seconds(lambda: grid(item, axes)) for _ in range(5)) * 1e3
    trials = grid(item, axes)
    start = time.perf_counter()
    found = sweep(bars, item, trials, config)
    first = time.perf_counter() - start
    check(bars, found, trials, config)
    memory = peak_above(lambda: sweep(bars, item, trials, config, threads=2)) / 2**20
    chosen = np.random.default_rng(1).choice(len(trials), SAMPLE, replace=False)
    bounds: list[BoundStrategy] = [trials.bound(int(at)) for at in chosen]
    general = dataclasses.replace(item, crossing=None)
    sample = Trials.of(general, [bound.params for bound in bounds])
    rounds = [
        (
            seconds(lambda: sweep(bars, item, trials, config, threads=1)),
            seconds(lambda: sweep(bars, item, trials, config, threads=2)),
            seconds(lambda: sweep(bars, general, sample, config)) * len(trials) / SAMPLE,
            seconds(lambda: [backtest(bars, bound, config) for bound in bounds]) * len(trials) / SAMPLE,
        )
        for _ in range(ROUNDS)
    ]
    one, two, weights, loop = (statistics.median(column) * 1e3 for column in zip(*rounds, strict=True))
    fastest = min(column[0] for column in rounds) * 1e3
    orders = 2.0 * float(found["total_trades"].sum())
    print(f"W2  {len(trials)} trials x {len(bars)} bars, grid made in {made:.1f} ms, first sweep {first:.2f} s")
    print(f"    1 thread {one:.1f} ms (least {fastest:.1f})   2 threads {two:.1f} ms   single runs {loop:.0f} ms")
    print(f"    weights by the strategy, 1 thread: {weights:.0f} ms, ratio {loop / weights:.1f}")
    print(f"    ratio {loop / one:.0f} on 1 thread, {loop / two:.0f} on 2; memory above baseline {memory:.1f} MiB")
    each = fastest * 1e6 / (len(trials) * len(bars))
    print(f"    {each:.2f} ns per bar and trial, {fastest * 1e6 / orders:.0f} ns per order")


if __name__ == "__main__":
    main()
