"""Carry out a plan on a run: paths, and what they say together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.backtesting import Result
from engine.bars import Times
from engine.blocks import optimal_block
from engine.figures import Report
from engine.montecarlo.figures import Summary, bands, probability, summary
from engine.montecarlo.outcome import FIGURES, Outcome
from engine.montecarlo.plan import Plan
from engine.montecarlo.redrawing import Drawn, redraw
from engine.montecarlo.rerunning import ladder, rerun


@dataclass(frozen=True, eq=False)
class MonteCarlo:
    """What the paths of a plan say.

    `block` is the mean length of a block where there are blocks; `unit` is what steps count, bars or trades. `bands`
    and `figures` are quantiles by name; `observed` are the figures of the run itself, made like those of a path, where
    they can be compared. `rungs` are runs with all costs multiplied together, of the method `costs`.
    """

    plan: Plan
    outcome: Outcome
    block: float | None
    unit: str
    steps: int
    time: Times | None
    bands: dict[str, dict[str, list[float]]]
    figures: dict[str, Summary]
    ruin: dict[str, float]
    loss: dict[str, float]
    rungs: list[dict[str, float | None]]
    capital: float

    @property
    def floor(self) -> float:
        """The equity at or below which a path is ruined."""
        return self.plan.ruin * self.capital


def montecarlo(result: Result, plan: Plan, report: Report | None = None) -> MonteCarlo:
    """Make the paths of a plan around a run.

    Args:
        result: the run.
        plan: what to vary, and how often.
        report: called as `report(done, total, phase)`, phase "paths" or "bands"; what it raises ends it all.

    Raises:
        InvalidInput: what `Plan.require` raises.
        BadData: `not_enough_trades`; or what `backtest` raises of a run with other parameters or costs, as RunFailed.
    """
    drawn = None if plan.reruns else Drawn.trades(result) if plan.method == "trades" else Drawn.bars(result)
    own = len(result.bars) if drawn is None else len(drawn.returns)
    plan.require(result.bound, result.config, own)
    block = _block(plan, drawn)
    outcome = rerun(result, plan, report) if drawn is None else redraw(drawn, plan, block or 1.0, report)
    steps = plan.horizon or own
    observed = _observed(result, drawn if plan.method == "trades" else None)
    if steps != own:
        observed = {"sharpe": observed["sharpe"]}
    capital = result.config.initial_capital
    lowest, last = outcome.figures["lowest_equity"], outcome.figures["final_equity"]
    curves = {}
    for name, rows in (("equity", outcome.equity), ("drawdown", outcome.drawdown)):
        if report is not None:
            report(plan.count, plan.count, "bands")
        curves[name] = bands(rows)
    return MonteCarlo(
        plan=plan,
        outcome=outcome,
        block=block,
        unit="trades" if plan.method == "trades" else "bars",
        steps=steps,
        time=None if plan.method == "trades" or steps != own else result.bars.time[outcome.at - 1],
        bands=curves,
        figures={name: summary(outcome.figures[name], observed.get(name)) for name in FIGURES},
        ruin=probability(int((lowest <= plan.ruin * capital).sum()), plan.count),
        loss=probability(int((last < capital).sum()), plan.count),
        rungs=ladder(result, plan, report) if plan.method == "costs" else [],
        capital=capital,
    )


def _block(plan: Plan, drawn: Drawn | None) -> float | None:
    """As asked, else by the rule: a hundredth of a bar exact, so that the last bits of a sum do not decide."""
    if drawn is None or plan.method == "trades":
        return None
    if plan.block is not None:
        return plan.block
    length = optimal_block(drawn.returns, circular=plan.method == "circular")
    return float(max(1, round(length))) if plan.method == "circular" else round(length, 2)


def _observed(result: Result, trades: Drawn | None) -> dict[str, Any]:
    if trades is None:
        return {name: result.metrics[name] for name in FIGURES}
    figures = trades.in_order().figures
    return {name: float(figures[name][0]) if np.isfinite(figures[name][0]) else None for name in FIGURES}
