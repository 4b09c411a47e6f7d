"""Paths that are runs of their own: parameters nearby, and higher costs."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pytest

import strategies
from engine import Bars, Config, Range, backtest, strategy
from engine.errors import InvalidParameter, RunFailed
from engine.montecarlo import Plan, montecarlo
from engine.montecarlo.outcome import FIGURES
from engine.montecarlo.rerunning import MOST_DRAWS, variant_of


def in_order(*, low, high, **_):
    return None if low < high else "low must be below high."


@strategy(family="test", source="none", check=in_order, lookback=lambda *, high, **_: high)
def banded(
    bars: Bars,
    low: Annotated[int, Range(1, 60), "Bars."] = 10,
    high: Annotated[int, Range(2, 300), "Bars."] = 12,
    level: Annotated[float, Range(-2.0, 2.0), "Around zero."] = 0.0,
    limit: Annotated[float | None, Range(0.0, 1.0), "May be left open."] = None,
    side: Literal["long", "short"] = "long",
    slow: Annotated[bool, "A truth."] = False,
) -> np.ndarray:
    """Hold everything on some bars."""
    weights = np.zeros(bars.close.shape)
    weights[low:] = np.sin(np.arange(len(bars) - low))[:, None] > level
    return weights * (1.0 if side == "long" else -1.0)


@pytest.fixture(scope="module")
def bars():
    close = 100 * np.exp(np.cumsum(np.random.default_rng(3).normal(0.0003, 0.01, 300)))
    return Bars.from_closes(np.busday_offset("2021-01-04", np.arange(300), roll="forward"), close, ("A",))


@pytest.fixture(scope="module")
def result(bars):
    return backtest(bars, banded.bind(), Config(commission_bps=2.0, slippage_bps=1.0))


def assert_is_the_run(found, result):
    at = found.outcome.at - 1
    for name in FIGURES:
        assert set(found.outcome.figures[name].tolist()) == {result.metrics[name]}
        assert found.figures[name]["percentile_of_observed"] == 0.5
    assert (found.outcome.equity == result.ledger.equity[at][:, None]).all()
    assert (found.outcome.drawdown == result.drawdown[at][:, None]).all()
    assert (found.outcome.figures["lowest_equity"] == result.ledger.equity.min()).all()


@pytest.mark.parametrize("plan", [Plan("parameters", paths=3, jitter=0), Plan("costs", paths=3, stress=1)])
def test_what_does_not_vary_is_the_run_bit_for_bit(result, plan):
    found = montecarlo(result, plan)

    assert_is_the_run(found, result)
    assert np.array_equal(found.time, result.bars.time[found.outcome.at - 1])
    if plan.method == "costs":
        assert found.rungs == [{"multiple": 1.0} | {name: result.metrics[name] for name in FIGURES}]


def test_each_path_is_the_single_run_with_its_parameters(result, bars):
    found = montecarlo(result, Plan("parameters", paths=12, jitter=0.3, seed=2))

    for path in range(12):
        drawn = {name: column[path] for name, column in found.outcome.drawn.items()}
        alone = backtest(bars, banded.bind(**drawn), result.config)
        assert drawn == variant_of(result, found.plan, path).drawn
        assert found.outcome.figures["final_equity"][path] == alone.metrics["final_equity"]
        assert (found.outcome.equity[:, path] == alone.ledger.equity[found.outcome.at - 1]).all()


def test_parameters_stray_evenly_within_their_reach_and_keep_the_rule(result):
    plan = Plan("parameters", paths=1000, jitter=0.2, seed=4)
    variants = [variant_of(result, plan, path) for path in range(1000)]
    low, high, level = (np.array([each.drawn[name] for each in variants]) for name in ("low", "high", "level"))

    assert set(variants[0].drawn) == {"low", "high", "level"}  # what is open, a word or a truth stays
    assert set(low) == {8, 9, 10, 11, 12}
    assert set(high) == {10, 11, 12, 13, 14}
    assert (low < high).all()
    # 0 has no fraction: it strays by a fifth of its range, which is 4 wide.
    assert (-0.8 <= level.min() < -0.78, 0.78 < level.max() <= 0.8) == (True, True)
    # Of 25 pairs the rule excludes 6: one draw in 0.76 is good.
    redrawn = sum(each.redrawn for each in variants)
    assert redrawn / 1000 == pytest.approx(6 / 19, abs=0.08)


def test_redrawn_sets_are_counted(result):
    plan = Plan("parameters", paths=50, jitter=0.2, seed=4)

    found = montecarlo(result, plan)

    assert found.outcome.redrawn == sum(variant_of(result, plan, path).redrawn for path in range(50)) > 0


def test_whole_numbers_stray_by_one_at_least_and_stay_in_their_range(bars):
    run = backtest(bars, banded.bind(low=1, high=2, level=2.0))
    plan = Plan("parameters", paths=100, jitter=0.01)
    variants = [variant_of(run, plan, path) for path in range(100)]

    assert {each.drawn["low"] for each in variants} == {1, 2}
    assert {each.drawn["high"] for each in variants} == {2, 3}
    assert max(each.drawn["level"] for each in variants) <= 2.0


def test_a_set_that_needs_more_bars_than_there_are_is_drawn_again(bars):
    run = backtest(bars, banded.bind(high=298))
    variants = [variant_of(run, Plan("parameters", jitter=0.01), path) for path in range(200)]

    assert max(each.bound.lookback for each in variants) == 298
    assert sum(each.redrawn for each in variants) > 50


def test_where_nothing_nearby_fits_the_run_fails_and_says_so(result, monkeypatch):
    bound = result.bound
    monkeypatch.setattr(type(bound), "lookback", property(lambda _: 10**6))

    with pytest.raises(RunFailed, match=f"{MOST_DRAWS} parameter sets") as caught:
        variant_of(result, Plan("parameters"), 0)

    assert caught.value.code == "nothing_nearby"


def test_a_rule_that_raises_is_no_reason_to_draw_again(bars):
    def fragile(*, size):
        if size != 5:
            raise ZeroDivisionError("by hand")

    @strategy(family="test", source="none", check=fragile)
    def breaking(bars: Bars, size: Annotated[int, Range(1, 9), "Any."] = 5) -> np.ndarray:
        """Hold everything."""
        return np.ones(bars.close.shape)

    with pytest.raises(InvalidParameter, match="ZeroDivisionError") as caught:
        montecarlo(backtest(bars, breaking.bind()), Plan("parameters", paths=50))

    assert caught.value.code == "strategy_error"


def test_higher_costs_are_drawn_one_by_one_and_never_help(result):
    found = montecarlo(result, Plan("costs", paths=60, stress=4, seed=5))
    drawn, final = found.outcome.drawn, found.outcome.figures["final_equity"]

    assert set(drawn) == {"commission", "slippage", "borrow"}
    for column in drawn.values():
        assert (column.min() >= 1.0, column.max() < 4.0, column.std() > 0.6) == (True, True, True)
    assert final.max() < result.metrics["final_equity"]
    alone = backtest(
        result.bars,
        result.bound,
        Config(commission_bps=2.0 * drawn["commission"][7], slippage_bps=1.0 * drawn["slippage"][7]),
    )
    assert final[7] == alone.metrics["final_equity"]


def test_all_costs_together_stand_on_a_ladder(result):
    rungs = montecarlo(result, Plan("costs", paths=1, stress=5)).rungs

    assert [rung["multiple"] for rung in rungs] == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0]
    assert rungs[0]["total_return"] == result.metrics["total_return"]
    returns = [rung["total_return"] for rung in rungs]
    assert returns == sorted(returns, reverse=True)
    tripled = backtest(result.bars, result.bound, Config(commission_bps=6.0, slippage_bps=3.0))
    assert rungs[4] == {"multiple": 3.0} | {name: tripled.metrics[name] for name in FIGURES}


def test_equal_sets_are_run_once(bars, monkeypatch):
    calls = []
    run = backtest(bars, strategies.get("sma_cross").bind(fast=5, slow=20))
    decide = type(run.bound).__call__
    monkeypatch.setattr(type(run.bound), "__call__", lambda *args: calls.append(1) or decide(*args))

    found = montecarlo(run, Plan("parameters", paths=300))

    assert len(calls) == len(set(zip(*found.outcome.drawn.values(), strict=True))) < 20


def test_a_run_without_variance_counts_as_one_without_a_sharpe_ratio(bars):
    run = backtest(bars, strategies.get("sma_cross").bind(fast=200, slow=250), Config(commission_bps=1.0))
    found = montecarlo(run, Plan("costs", paths=4))

    defined = found.figures["sharpe"]["defined"]
    assert defined == (4 if run.metrics["sharpe"] is not None else 0)


def test_paths_are_told_and_can_be_stopped_within_a_run(result):
    class Enough(Exception):
        pass

    told = []

    def stop(done, total, phase):
        told.append((done, total, phase))
        if done == 3:
            raise Enough

    with pytest.raises(Enough):
        montecarlo(result, Plan("costs", paths=50), stop)

    assert told[0] == (0, 50, "paths")
    assert {news[0] for news in told} == {0, 1, 2, 3}
