"""10,000 stationary bootstrap paths of 2,520 daily returns, with their bands and figures, beside what one would write.

    python -m bench.montecarlo

numpy   the same vectorised by hand, 500 paths at a time: picks by a running maximum, products, drawdowns, quantiles
arch    `StationaryBootstrap` for the resamples, the figures of each by numpy (a tenth of the paths, extrapolated)

All three find the same quantiles within their Monte Carlo error, or the times mean nothing. They take turns.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np
from arch.bootstrap import StationaryBootstrap

import strategies
from bench.engine import bars_of
from bench.process import seconds
from engine import backtest
from engine.montecarlo import Plan, montecarlo
from engine.montecarlo.outcome import places

PATHS, BLOCK, AT_ONCE, ROUNDS = 10_000, 10.0, 500, 5
PART = 10
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def figures(returns: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, ...]:
    """Growth and drawdown of paths [n, T] at some steps; final growth, deepest drawdown, Sharpe ratio, lowest."""
    growth = np.cumprod(1.0 + returns, axis=1)
    drawdown = growth / np.maximum(np.maximum.accumulate(growth, axis=1), 1.0) - 1.0
    sharpe = returns.mean(axis=1) / returns.std(axis=1, ddof=1) * np.sqrt(252)
    return growth[:, at - 1], drawdown[:, at - 1], growth[:, -1], drawdown.min(axis=1), sharpe, growth.min(axis=1)


def bands(parts: list[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    return [np.quantile(np.concatenate(column), QUANTILES, axis=0) for column in zip(*parts, strict=True)]


def by_numpy(returns: np.ndarray, paths: int = PATHS) -> list[np.ndarray]:
    rng, count = np.random.default_rng(1), len(returns)
    at, steps = places(paths, count), np.arange(count)
    parts = []
    for _ in range(0, paths, AT_ONCE):
        begins = rng.random((AT_ONCE, count)) < 1.0 / BLOCK
        begins[:, 0] = True
        since = np.maximum.accumulate(np.where(begins, steps, 0), axis=1)
        starts = np.take_along_axis(rng.integers(0, count, (AT_ONCE, count)), since, axis=1)
        parts.append(figures(returns[(starts + steps - since) % count], at))
    return bands(parts)


def by_arch(returns: np.ndarray, paths: int = PATHS // PART) -> list[np.ndarray]:
    bootstrap, at = StationaryBootstrap(BLOCK, returns, seed=1), places(paths, len(returns))
    return bands([figures(data[0][0][None], at) for data in bootstrap.bootstrap(paths)])


def main() -> None:
    result = backtest(bars_of(), strategies.get("sma_cross").bind(fast=20, slow=50))
    returns = result.ledger.returns
    plan = Plan(paths=PATHS, block=BLOCK, seed=1)
    found = montecarlo(result, plan)
    ours = [[found.figures[name][f"p{q * 100:02.0f}"] for q in QUANTILES] for name in ("max_drawdown", "sharpe")]
    for name, theirs, much in (("numpy", by_numpy(returns)[3:5], 0.01), ("arch", by_arch(returns)[3:5], 0.03)):
        apart = np.abs(np.array(ours) - theirs) / np.ptp(np.array(ours), axis=1, keepdims=True)
        if apart.max() > 4 * much:
            raise SystemExit(f"{name}: quantiles {theirs}, here {ours}")
    works: tuple[Callable[[], object], ...] = (
        lambda: montecarlo(result, plan),
        lambda: by_numpy(returns),
        lambda: by_arch(returns),
    )
    rounds = [[seconds(work) for work in works] for _ in range(ROUNDS)]
    mine, numpy, arch = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"engine  {mine:6.2f} s")
    print(f"numpy   {numpy:6.2f} s  {numpy / mine:5.1f} x")
    print(f"arch    {arch * PART:6.2f} s  {arch * PART / mine:5.1f} x  ({PATHS // PART:,} paths x {PART})")
    print(f"engine  {seconds(lambda: montecarlo(result, Plan(paths=100_000, block=BLOCK))):6.2f} s  (100,000 paths)")


if __name__ == "__main__":
    main()
