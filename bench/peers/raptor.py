"""raptorbt: signals as numpy arrays into its compiled runners, the fastest door that its documentation shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import raptorbt

from bench.peers import workloads
from bench.peers.workloads import Figures, Job, Size
from bench.walks import Walk

# A batch keeps the equity of all its trials, so that more of them only take memory.
_BATCH = 500
Pairs = list[tuple[int, int]]


def _config(fees: float = workloads.COST, per_year: float = workloads.DAYS) -> Any:
    return raptorbt.BacktestConfig(
        initial_capital=workloads.CASH,
        fees=fees,
        slippage=0.0,
        fill_timing="next_bar_open",
        periods_per_year=per_year,
    )


def _arrays(walk: Walk) -> tuple[Any, ...]:
    return (walk.time.astype(np.int64), *(np.ascontiguousarray(values[:, 0]) for values in walk[1:]))


def _figures(found: list[Any]) -> Figures:
    return {
        "final_equity": [metrics.end_value for metrics in found],
        "total_return": [metrics.total_return_pct / 100 for metrics in found],
        "sharpe": [metrics.sharpe_ratio for metrics in found],
        "max_drawdown": [-metrics.max_drawdown_pct / 100 for metrics in found],
        "total_trades": [float(metrics.total_trades) for metrics in found],
    }


def _signals(close: Any, fast: int = workloads.FAST, slow: int = workloads.SLOW) -> Any:
    return workloads.crosses(raptorbt.sma(close, fast), raptorbt.sma(close, slow))


def w1(size: Size) -> dict[str, Job]:
    arrays, config = _arrays(workloads.one(size)), _config()

    def run() -> Any:
        result = raptorbt.run_single_backtest(*arrays, *_signals(arrays[4]), 1, 1.0, "A", config)
        result.trades()
        result.metrics.to_dict()
        return result.metrics

    return {"raptorbt": Job(run, lambda metrics: _figures([metrics]))}


def _swept(arrays: tuple[Any, ...], pairs: Pairs, config: Any) -> list[Any]:
    close = arrays[4]
    average = {window: raptorbt.sma(close, window) for window in {window for pair in pairs for window in pair}}
    found: list[Any] = []
    for first in range(0, len(pairs), _BATCH):
        items = [
            raptorbt.BatchSingleItem("", *workloads.crosses(average[fast], average[slow]), symbol="A")
            for fast, slow in pairs[first : first + _BATCH]
        ]
        found += [result.metrics for _, result in raptorbt.batch_single_backtest(*arrays, items, config)]
    return found


def w2(size: Size) -> dict[str, Job]:
    arrays, config = _arrays(workloads.one(size)), _config()
    return {"raptorbt": Job(lambda: _swept(arrays, size.pairs, config), _figures)}


def w2b(size: Size) -> dict[str, Job]:
    walk, config = workloads.several(size), _config()
    each = [_arrays(walk.symbol(n)) for n in range(size.symbols)]

    def run() -> list[Any]:
        return [metrics for arrays in each for metrics in _swept(arrays, size.few_pairs, config)]

    return {"raptorbt": Job(run, _figures)}


def w3(size: Size) -> dict[str, Job]:
    arrays, config = _arrays(workloads.by_minute(size)), _config(workloads.MINUTE_COST, workloads.MINUTES)
    config.set_fixed_stop(workloads.STOP)
    config.set_fixed_target(workloads.TARGET)

    def run() -> Any:
        return raptorbt.run_single_backtest(*arrays, *_signals(arrays[4]), 1, 1.0, "A", config).metrics

    return {"raptorbt": Job(run, lambda metrics: _figures([metrics]))}


def w4(size: Size) -> dict[str, Job]:
    close = workloads.many(size).close
    target = np.full(close.shape, 1.0 / close.shape[1])

    def run() -> Any:
        # Its charge per name and day would eat the capital up.
        return raptorbt.simulate_rebalance_policy(
            close, target, workloads.CASH, "calendar", 21.0, dp_charge_per_isin=0.0
        )

    what = "an approximation: every 21 closes, its own table of costs, no orders; figures not compared"
    return {"raptorbt": Job(run, None, differs=what)}


def w5(size: Size) -> dict[str, Job]:
    walk, config = workloads.one(size), _config()
    parts = [_arrays(walk.between(first, middle)) for first, middle, _ in size.folds]

    def run() -> list[tuple[float, Any]]:
        found = []
        for training, (first, middle, last) in zip(parts, size.folds, strict=True):
            sharpe = [metrics.sharpe_ratio for metrics in _swept(training, size.pairs, config)]
            best = int(np.argmax(sharpe))
            signals = _signals(walk.close[first:last, 0].copy(), *size.pairs[best])
            signals = workloads.carried(*signals, middle - first)
            testing = _arrays(walk.between(middle, last))
            found.append((sharpe[best], raptorbt.run_single_backtest(*testing, *signals, 1, 1.0, "A", config).metrics))
        return found

    def figures(found: list[tuple[float, Any]]) -> Figures:
        return {
            "best_sharpe": [best for best, _ in found],
            "final_equity": [metrics.end_value for _, metrics in found],
        }

    return {"raptorbt": Job(run, figures)}


JOBS = {"W1": w1, "W2": w2, "W2b": w2b, "W3": w3, "W4": w4, "W5": w5}
