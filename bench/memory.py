"""Memory of a run: the most above what the process had after its imports, each in a fresh process.

    python -m bench.memory [--only W2,portfolio,minutes]

The baseline is the process after `engine.warm()`, as a worker node is before its pool forks: numba is loaded, the
kernels that a first job needs are compiled. The bars belong to the catalog, hence they are counted apart. Medians of
three processes; a minute in all.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable

from bench import walks
from bench.process import forget_peak, peak, resident
from bench.walks import Walk

TIMES = 3


def _sweep(walk: Walk) -> Callable[[], object]:
    import strategies
    from engine import Config
    from engine.sweep import grid, sweep

    item, bars = strategies.get("sma_cross"), _bars(walk)
    axes = {"fast": {"start": 2, "stop": 101}, "slow": {"start": 3, "stop": 101}}
    config = Config(commission_bps=10.0, slippage_bps=0.0)
    return lambda: sweep(bars, item, grid(item, axes), config, threads=os.cpu_count() or 1)


def _portfolio(walk: Walk) -> Callable[[], object]:
    import strategies
    from engine import Config, backtest

    bars, bound = _bars(walk), strategies.get("buy_and_hold").bind()
    config = Config(commission_bps=10.0, slippage_bps=5.0, rebalance="monthly")
    return lambda: backtest(bars, bound, config)


def _minutes(walk: Walk) -> Callable[[], object]:
    import strategies
    from engine import Config, backtest

    bars, bound = _bars(walk), strategies.get("sma_cross").bind()
    return lambda: backtest(bars, bound, Config(stop_loss=0.02, take_profit=0.04))


def _bars(walk: Walk) -> object:
    from engine import Bars

    return Bars.from_arrays(*walk, symbols=tuple(f"S{n}" for n in range(walk.close.shape[1])))


WORK: dict[str, tuple[str, Callable[[], Walk], Callable[[Walk], Callable[[], object]]]] = {
    "W2": ("sweep of 4,950 pairs over 2,520 bars", lambda: walks.daily(20, 2520), _sweep),
    "portfolio": ("500 symbols x 5,040 days, monthly", lambda: walks.daily(23, 5040, 500), _portfolio),
    "minutes": ("1,000,000 one-minute bars, stops", lambda: walks.minutes(22, 1_000_000), _minutes),
}


def measured(name: str) -> dict[str, int]:
    """Bytes of this process: after its imports, with the bars, at most while it runs, and after the run."""
    import engine

    engine.warm()
    imported = resident()
    _, walk, prepare = WORK[name]
    work = prepare(walk())
    held = resident()
    forget_peak()
    result = work()
    most = peak()
    kept = resident()
    del result
    return {"imports": imported, "bars": held - imported, "peak": most - held, "result": kept - held}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(WORK), help=f"of {','.join(WORK)}")
    parser.add_argument("--measure", choices=tuple(WORK), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measured(given.measure)))
        return
    print(f"{'MiB':40}{'imports':>10}{'bars':>10}{'run, most':>12}{'result':>10}")
    for name in given.only.split(","):
        command = [sys.executable, "-m", "bench.memory", "--measure", name]
        found = [json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(TIMES)]
        imports, bars, most, kept = (
            statistics.median(each[part] for each in found) / 2**20 for part in ("imports", "bars", "peak", "result")
        )
        print(f"{name + ': ' + WORK[name][0]:40}{imports:10.0f}{bars:10.1f}{most:12.1f}{kept:10.1f}", flush=True)


if __name__ == "__main__":
    main()
