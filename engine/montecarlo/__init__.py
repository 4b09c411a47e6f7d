"""Monte Carlo: what else a run could have looked like, path by path, out of a seed.

    from engine.montecarlo import Plan, montecarlo

    found = montecarlo(backtest(bars, bound, config), Plan("stationary", paths=10_000, seed=7))
    found.figures["sharpe"]["p05"], found.ruin["probability"], found.bands["equity"]["p50"]

A plan is light; what carries it out (and numba with it) is imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.montecarlo.plan import Plan

if TYPE_CHECKING:
    from engine.montecarlo.running import MonteCarlo, montecarlo

__all__ = ["MonteCarlo", "Plan", "montecarlo"]


def __getattr__(name: str) -> Any:
    if name not in ("MonteCarlo", "montecarlo"):
        raise AttributeError(f"module 'engine.montecarlo' has no attribute '{name}'")
    from engine.montecarlo import running

    return getattr(running, name)
