"""What a Monte Carlo says and what it does not, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.montecarlo.running import MonteCarlo

_BLOCKS = (
    "The paths are made of the returns of this one history, in blocks of {block:g} bars on average: they show how much "
    "of its outcome was the luck of their order and number. They know no market that it did not have, and nothing of "
    "whether the strategy was fitted to it; the run itself lies near the middle by construction."
)
_TRADES = (
    "Each closed trade counts by its profit over the equity before it, one after the other: trades held at the same "
    "time, how they went while they were held, open positions and interest are left out."
)
_ORDER = " Every path ends at the same equity, only the way there differs."
_PARAMETERS = (
    "The strategy ran again on the same bars, each numeric parameter drawn evenly within {jitter:.0%} of its value: "
    "the paths show how much hangs on the exact values, and nothing of other markets."
)
_COSTS = (
    "The same decisions were carried out again, commission, slippage and borrow each drawn evenly between 1 and "
    "{stress:g} times those of the run: what orders do to the market beyond that is not in it."
)


def meaning(found: MonteCarlo) -> str:
    """What the paths say, in a few sentences."""
    plan, depth = found.plan, float(found.figures["max_drawdown"]["p05"] or 0.0)
    paths = "1 path" if plan.count == 1 else f"{plan.count:,} paths"
    return (
        f"{paths} of {found.steps:,} {found.unit} began with {found.capital:,.2f}. {_ends(found)} "
        f"One in twenty fell by more than {abs(depth):.1%} from a peak. {found.loss['probability']:.1%} lost money; "
        f"{found.ruin['probability']:.1%} were at some {found.unit[:-1]} down to {plan.ruin:.0%} of the initial "
        "capital or lower."
    )


def _ends(found: MonteCarlo) -> str:
    final = found.figures["final_equity"]
    low, middle, high = (float(final[name] or 0.0) for name in ("p05", "p50", "p95"))
    if math.isclose(low, high, rel_tol=1e-9):
        return f"They end at {middle:,.2f}."
    return f"Half of them ended above {middle:,.2f}, one in twenty below {low:,.2f}."


def caveat(found: MonteCarlo) -> str:
    """What the paths do not say."""
    plan = found.plan
    if plan.method == "trades":
        return _TRADES + ("" if plan.replacement else _ORDER)
    if plan.method == "parameters":
        return _PARAMETERS.format(jitter=plan.jitter)
    if plan.method == "costs":
        return _COSTS.format(stress=plan.stress)
    return _BLOCKS.format(block=found.block)
