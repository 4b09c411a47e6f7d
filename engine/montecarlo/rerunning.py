"""Paths that are runs: with parameters nearby, or with higher costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from engine import trades
from engine.backtesting import Result
from engine.config import Config
from engine.errors import InvalidParameter, RunFailed
from engine.figures import METRICS, Report, Run
from engine.montecarlo.chance import uniform, words
from engine.montecarlo.outcome import FIGURES, Outcome
from engine.montecarlo.plan import STRESSED, Plan, is_numeric, stressed
from engine.parameters import Parameter
from engine.simulation import simulate
from engine.strategy import BoundStrategy, Weights

# Parameter sets that are drawn for a path before it is given up.
MOST_DRAWS = 200
# Multiples of all costs together that stand beside the paths.
RUNGS = 9


class Variant(NamedTuple):
    """What a path is run with: `drawn` says in numbers how it differs from the run."""

    drawn: Mapping[str, float]
    bound: BoundStrategy
    config: Config
    redrawn: int = 0


def rerun(result: Result, plan: Plan, report: Report | None) -> Outcome:
    """A run for each path; equal variants are run once. `report` is called as `report(done, total, "paths")`.

    Raises what `backtest` raises of any of the variants, and RunFailed (`nothing_nearby`).
    """
    found = Outcome.empty(plan.count, len(result.bars))
    seen: dict[tuple[float, ...], int] = {}
    redrawn = 0
    for path in range(plan.count):
        _tick(report, path, plan.count)
        variant = variant_of(result, plan, path)
        redrawn += variant.redrawn
        for name, value in variant.drawn.items():
            found.drawn.setdefault(name, np.empty(plan.count))[path] = value
        first = seen.setdefault(tuple(variant.drawn.values()), path)
        if first == path:
            _write(_run(result, variant, lambda *_, path=path: _tick(report, path, plan.count)), found, path)
        else:
            _copy(found, first, path)
    return replace(found, redrawn=redrawn)


def ladder(result: Result, plan: Plan, report: Report | None) -> list[dict[str, float | None]]:
    """The figures of the run with all its costs together multiplied, in even steps up to the largest multiple."""
    rungs = []
    for multiple in np.unique(np.linspace(1.0, float(plan.stress or 1.0), RUNGS)).tolist():
        config = stressed(result.config, dict.fromkeys(STRESSED, multiple))
        run = _run(result, Variant({}, result.bound, config), lambda *_: _tick(report, plan.count, plan.count))
        rungs.append({"multiple": multiple} | {name: METRICS[name].function(run) for name in FIGURES})
    return rungs


def variant_of(result: Result, plan: Plan, path: int) -> Variant:
    """What a path is run with; of the same seed and number always the same."""
    if plan.method == "parameters":
        return _nearby(result, plan, path)
    numbers = uniform(words(plan.seed, path, 1, len(STRESSED)))[0]
    span = float(plan.stress or 1.0) - 1.0
    multiples = {name: 1.0 + float(number) * span for name, number in zip(STRESSED, numbers, strict=False)}
    return Variant(multiples, result.bound, stressed(result.config, multiples))


def _nearby(result: Result, plan: Plan, path: int) -> Variant:
    """Each numeric parameter drawn evenly around its value; sets that do not fit together are drawn again.

    So are those that need more bars than there are.
    """
    strategy, params = result.bound.strategy, result.bound.params
    reaches = {item.name: _reach(item, params[item.name], float(plan.jitter or 0.0)) for item in strategy.parameters}
    moved = {name: reach for name, reach in reaches.items() if reach is not None}
    numbers = uniform(words(plan.seed, path, 1, MOST_DRAWS * len(moved)))[0]
    for draw in range(MOST_DRAWS):
        some = numbers[draw * len(moved) : (draw + 1) * len(moved)].tolist()
        drawn = {name: _within(reach, u) for (name, reach), u in zip(moved.items(), some, strict=True)}
        try:
            bound = strategy.bind(**{**params, **drawn})
        except InvalidParameter as error:
            if error.code != InvalidParameter.code:  # the rule itself broke: no other draw would mend it
                raise
            continue
        if bound.lookback + 2 <= len(result.bars):
            return Variant({name: float(bound.params[name]) for name in moved}, bound, result.config, draw)
    raise RunFailed(
        f"{MOST_DRAWS} parameter sets were drawn around {params} for path {path}, and none fits {strategy.id}.",
        code="nothing_nearby",
    )


def _reach(item: Parameter, value: Any, jitter: float) -> tuple[float, float] | tuple[int, int] | None:
    """The lowest and the highest value that is drawn; None where nothing is: words, truths and what is left open."""
    if not is_numeric(item) or value is None or item.low is None or item.high is None:
        return None
    width = jitter * abs(value) or jitter * (item.high - item.low)
    if item.type == "float":
        return max(item.low, value - width), min(item.high, value + width)
    steps = max(1, round(width)) if jitter else 0
    return max(math.ceil(item.low), value - steps), min(math.floor(item.high), value + steps)


def _within(reach: tuple[float, float] | tuple[int, int], number: float) -> float:
    """A value of a reach by a number 0 <= u < 1; of whole numbers each as likely as any other."""
    low, high = reach
    return low + math.floor(number * (high - low + 1)) if isinstance(low, int) else low + number * (high - low)


def _run(result: Result, variant: Variant, report: Report) -> Run:
    bars, config = result.bars, variant.config
    weights: Weights = result.weights if variant.bound is result.bound else variant.bound(bars)
    ledger = simulate(bars, weights, config, report)
    return Run(bars.time, ledger, trades.round_trips(ledger), bars.periods_per_year, config.risk_free_rate)


def _write(run: Run, found: Outcome, path: int) -> None:
    found.equity[:, path] = run.ledger.equity[found.at - 1]
    found.drawdown[:, path] = run.drawdown[found.at - 1]
    for name in FIGURES:
        figure = METRICS[name].function(run)
        found.figures[name][path] = math.nan if figure is None else figure
    found.figures["lowest_equity"][path] = run.ledger.equity.min()


def _copy(found: Outcome, source: int, path: int) -> None:
    for rows in (found.equity, found.drawdown):
        rows[:, path] = rows[:, source]
    for column in found.figures.values():
        column[path] = column[source]


def _tick(report: Report | None, done: int, total: int) -> None:
    if report is not None:
        report(done, total, "paths")
