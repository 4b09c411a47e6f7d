"""Queuant's side of the workloads."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import engine
import strategies
from bench import walks
from bench.peers import workloads
from bench.peers.workloads import Figures, Job, Size
from engine import Bars, Config, backtest, indicators, simulate
from engine.backtesting import Result
from engine.ledger import Ledger
from engine.strategy import BoundStrategy, Decision, Weights, strategy
from engine.sweep import Found, Sweep, Trials, Walk, replay, sweep, walk

Jobs = dict[str, Job]

# As in a worker: what the engine loads at its first run, others load while they are imported.
engine.warm()
_THREADS = os.cpu_count() or 1
_SINGLE = ("final_equity", "total_return", "sharpe", "max_drawdown", "total_trades")


def three_months(**_: Any) -> int:
    return workloads.VOLATILITY + 1


@strategy(family="benchmark", source="the workload W4iv", lookback=three_months)
def inverse_volatility(bars: Bars) -> Decision:
    """Weights in inverse proportion to the volatility of 63 bars, decided at the last close of each month."""
    rows = workloads.last_of_month(bars.time)
    inverse = 1.0 / indicators.rolling_std(indicators.returns(bars.close), workloads.VOLATILITY)[rows]
    rows, inverse = rows[~np.isnan(inverse[:, 0])], inverse[~np.isnan(inverse[:, 0])]
    return Decision(inverse / inverse.sum(axis=1, keepdims=True), rows=rows)


def bars_of(generated: walks.Walk) -> Bars:
    """The walk as bars."""
    symbols = tuple(f"S{n}" for n in range(generated.close.shape[1]))
    return Bars.from_arrays(*generated, symbols=symbols)


@cache
def _pairs(pairs: tuple[tuple[int, int], ...]) -> Trials:
    return Trials.of(strategies.get("sma_cross"), [{"fast": fast, "slow": slow} for fast, slow in pairs])


def _result(result: Result) -> Figures:
    return {name: [float(result.metrics[name] or 0.0)] for name in _SINGLE}


def _swept(found: Found) -> Figures:
    return {name: column.tolist() for name, column in found.figures.items()}


def _ledger(ledger: Ledger) -> Figures:
    return {"final_equity": [float(ledger.equity[-1])]}


def w1(size: Size, like: dict[str, Any]) -> Jobs:
    bars, bound = (
        bars_of(workloads.one(size)),
        strategies.get("sma_cross").bind(fast=workloads.FAST, slow=workloads.SLOW),
    )
    config = _config(like)

    def objects() -> Result:
        result = backtest(bars, bound, config)
        result.trades.tolist()
        return result

    def text() -> Result:
        result = backtest(bars, bound, config)
        json.dumps({"metrics": result.metrics, "trades": result.trade_rows()})
        return result

    return {"ours": Job(objects, _result), "ours, as JSON": Job(text, _result)}


def w2(size: Size, like: dict[str, Any]) -> Jobs:
    bars, item, config = bars_of(workloads.one(size)), strategies.get("sma_cross"), _config(like)
    trials = _pairs(tuple(size.pairs))

    @cache  # made when they are first asked for: what does without them is measured before
    def weights() -> Weights:
        return np.stack([trials.bound(at)(bars)[:, 0] for at in range(len(trials))])

    @cache
    def signals() -> NDArray[np.int8]:
        return weights().astype(np.int8)

    return {
        "ours": Job(lambda: sweep(bars, item, trials, config, threads=_THREADS), _swept),
        "ours, 1 thread": Job(lambda: sweep(bars, item, trials, config), _swept),
        "ours, weights given": Job(lambda: replay(bars, weights(), config, threads=_THREADS), _swept),
        "ours, signals given": Job(lambda: replay(bars, signals(), config, threads=_THREADS), _swept),
    }


def w2b(size: Size, like: dict[str, Any]) -> Jobs:
    bars, item, config = bars_of(workloads.several(size)), strategies.get("sma_cross"), _config(like)
    trials = _pairs(tuple(size.few_pairs))

    def run() -> Sweep:
        return sweep(bars, item, trials, config, each_symbol=True, threads=_THREADS)

    def figures(found: Sweep) -> Figures:
        return {name: column.T.ravel().tolist() for name, column in found.figures.items()}

    return {"ours": Job(run, figures)}


def w3(size: Size, like: dict[str, Any]) -> Jobs:
    bars, bound = (
        bars_of(workloads.by_minute(size)),
        strategies.get("sma_cross").bind(fast=workloads.FAST, slow=workloads.SLOW),
    )
    stops = {"stop_loss": workloads.STOP, "take_profit": workloads.TARGET}
    config = _config({"commission_bps": workloads.MINUTE_COST * 1e4, **stops, **like})
    weights = bound(bars)
    return {
        "ours": Job(lambda: backtest(bars, bound, config), _result),
        "ours, simulate()": Job(lambda: simulate(bars, weights, config), _ledger),
    }


def _portfolio(size: Size, bound: BoundStrategy, rebalance: str, like: dict[str, Any]) -> Jobs:
    """`like` may ask for what others do: less than all invested, or nothing before the first month is over."""
    bars = bars_of(workloads.many(size))
    settings = dict(like)
    invested, later = settings.pop("invested", 1.0), settings.pop("first_month", False)
    config = _config({"slippage_bps": workloads.SLIPPAGE * 1e4, "rebalance": rebalance, **settings})
    weights = bound(bars) * invested
    if later:
        weights[: workloads.last_of_month(bars.time)[0]] = 0.0
    if invested != 1.0 or later:
        bound = BoundStrategy(dataclasses.replace(bound.strategy, function=lambda _: weights), {})
    return {
        "ours": Job(lambda: backtest(bars, bound, config), _result),
        "ours, simulate()": Job(lambda: simulate(bars, weights, config), _ledger),
    }


def w4(size: Size, like: dict[str, Any]) -> Jobs:
    return _portfolio(size, strategies.get("buy_and_hold").bind(), "monthly", like)


def w4iv(size: Size, like: dict[str, Any]) -> Jobs:
    return _portfolio(size, inverse_volatility.bind(), "on_change", like)


def w5(size: Size, like: dict[str, Any]) -> Jobs:
    bars, item, config = bars_of(workloads.one(size)), strategies.get("sma_cross"), _config(like)
    trials, folds = _pairs(tuple(size.pairs)), {"train": size.train, "test": size.test}

    def figures(found: Walk) -> Figures:
        return {
            "best_sharpe": found.trained["sharpe"].tolist(),
            "final_equity": found.tested["final_equity"].tolist(),
        }

    return {"ours": Job(lambda: walk(bars, item, trials, config, **folds, threads=_THREADS), figures)}


def _config(settings: dict[str, Any]) -> Config:
    return Config(**{"commission_bps": workloads.COST * 1e4, "slippage_bps": 0.0, **settings})


JOBS: dict[str, Callable[[Size, dict[str, Any]], Jobs]] = {
    "W1": w1,
    "W2": w2,
    "W2b": w2b,
    "W3": w3,
    "W4": w4,
    "W4iv": w4iv,
    "W5": w5,
}
