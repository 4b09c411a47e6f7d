"""Grids and their bounds, given weights, folds, and how a sweep is stopped."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import strategies
from engine import Bars, Config, backtest, strategy
from engine.errors import BadData, InvalidInput, InvalidParameter, RunFailed, UnknownName
from engine.sweep import MAX_TRIALS, Trials, grid, replay, running, sweep
from engine.sweep import walk as walk_forward
from engine.sweep.work import figures_of

SMA = strategies.get("sma_cross")


@pytest.fixture(scope="module")
def walk():
    rng = np.random.default_rng(5)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 200)))
    days = np.busday_offset("2020-01-01", np.arange(200), roll="forward")
    return Bars.from_arrays(days, close, close, close, close, symbols=("A",))


def code_of(work):
    with pytest.raises(InvalidInput) as caught:
        work()
    return caught.value.code


def test_a_grid_counts_what_its_rule_leaves_out():
    trials = grid(SMA, {"fast": [3, 5, 8], "slow": {"start": 5, "stop": 8}})

    assert (len(trials), trials.skipped) == (7, 5)
    assert trials[0] == {"fast": 3, "slow": 5, "side": "long"}
    assert all(each["fast"] < each["slow"] for each in trials)
    assert list(trials)[trials.longest]["slow"] == 8


def test_a_range_holds_its_stop_and_starts_a_decimal_step_anew():
    item = strategies.get("time_series_momentum")
    name = next(each.name for each in item.parameters if each.type == "float")
    low = next(each.low for each in item.parameters if each.name == name)

    values = [each[name] for each in grid(item, {name: {"start": low, "stop": low + 0.3, "step": 0.1}})]

    assert values == [low, low + 0.1, low + 2 * 0.1, low + 3 * 0.1]


def test_a_grid_too_large_is_refused_before_it_is_made():
    axis = {"start": 2, "stop": 10**15}

    with pytest.raises(InvalidInput, match="too large") as caught:
        grid(SMA, {"fast": axis, "slow": axis})

    assert caught.value.code == "sweep_too_large"
    assert caught.value.allowed == {"maximum": MAX_TRIALS}


@pytest.mark.parametrize(
    ("axes", "code"),
    [
        ({"fast": "12"}, "invalid_grid"),
        ({"fast": 12}, "invalid_grid"),
        ({"fast": {"start": 5, "stop": 4}}, "invalid_grid"),
        ({"fast": {"start": 5, "stop": 9, "step": 0}}, "invalid_grid"),
        ({"fast": {"start": 5}}, "invalid_grid"),
        ({"fast": {"start": 5, "stop": float("nan")}}, "invalid_grid"),
        ({"fast": {"start": 5, "stop": True}}, "invalid_grid"),
        ({"fast": {"start": 5, "stop": 10**400}}, "invalid_grid"),
        ({"fast": {"start": 5, "stop": 9, "step": 1e-300}}, "sweep_too_large"),
        ({"fast": {"start": 5, "stop": 6, "stride": 1}}, "invalid_request"),
        ({"fast": []}, "empty_sweep"),
        ({"fast": [100], "slow": [50]}, "empty_sweep"),
        ({"fats": [3]}, "invalid_parameter"),
        ({"fast": [1]}, "invalid_parameter"),
        ({"fast": {"start": 5, "stop": 6, "step": 0.5}}, "invalid_parameter"),
    ],
)
def test_a_grid_that_is_none_is_refused(axes, code):
    assert code_of(lambda: grid(SMA, axes)) == code


def test_an_axis_that_is_refused_is_told_as_it_was_sent():
    with pytest.raises(InvalidInput) as caught:
        grid(SMA, {"fast": {"start": 5, "stop": 9, "step": 0}})
    assert caught.value.given == '{"start": 5, "stop": 9, "step": 0}'
    with pytest.raises(InvalidParameter, match=r"no parameter 'fats' of sma_cross\. Did you mean 'fast'"):
        grid(SMA, {"fats": [3]})


def test_parameter_sets_are_checked_one_by_one(walk):
    with pytest.raises(InvalidParameter):
        sweep(walk, SMA, [{"fast": 5, "slow": 20}, {"fast": 20, "slow": 5}])
    assert code_of(lambda: sweep(walk, SMA, [])) == "empty_sweep"


def test_trials_of_another_strategy_and_unknown_figures_are_refused(walk):
    trials = grid(SMA, {"fast": [3]})

    with pytest.raises(InvalidInput, match="not of buy_and_hold"):
        sweep(walk, strategies.get("buy_and_hold"), trials)
    with pytest.raises(UnknownName) as caught:
        sweep(walk, SMA, trials, figures=("sharp",))
    assert caught.value.nearest == "sharpe"


def test_a_strategy_without_parameters_has_a_sweep_of_one(walk):
    item = strategies.get("buy_and_hold")

    found = sweep(walk, item, [{}])

    assert len(found) == len(found["sharpe"]) == 1
    assert found["final_equity"][0] == backtest(walk, item.bind()).metrics["final_equity"]


def test_too_few_bars_for_one_trial_are_said_as_the_single_run_says_it(walk):
    trials = [{"fast": 3, "slow": 8}, {"fast": 3, "slow": 300}]

    with pytest.raises(BadData, match="needs 303 bars"):
        sweep(walk, SMA, trials)


def test_a_figure_that_is_not_in_the_sums_makes_single_runs(walk):
    found = sweep(walk, SMA, [{"fast": 3, "slow": 8}], figures=("sortino", "alpha"))

    assert found.alone == 1
    assert found["sortino"][0] == backtest(walk, SMA.bind(fast=3, slow=8)).metrics["sortino"]
    assert np.isnan(found["alpha"][0])


def test_a_symbol_that_never_trades_earns_nothing():
    close = np.full((20, 1), np.nan)
    bars = Bars.from_closes(np.datetime64("2020-01-01", "ns") + np.arange(20) * np.timedelta64(1, "D"), close, ("A",))

    found = sweep(bars, SMA, [{"fast": 2, "slow": 3}], Config(initial_capital=50.0))

    assert (found["final_equity"][0], found["total_trades"][0], found.alone) == (50.0, 0.0, 0)
    assert np.isnan(found["sharpe"][0])


class Stopped(Exception):
    pass


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("config", [Config(), Config(stop_loss=0.05)])
def test_report_hears_of_every_block_and_stops_the_sweep(walk, monkeypatch, threads, config):
    monkeypatch.setattr(running, "BLOCK", 400)
    trials = grid(SMA, {"fast": [3, 5, 8], "slow": [10, 20, 30]})
    heard = []

    sweep(walk, SMA, trials, config, report=lambda *what: heard.append(what), threads=threads)

    assert heard[0] == (0, 9, "sweep")
    assert heard[-1] == (9, 9, "sweep")
    assert heard == sorted(heard)

    def stop(done, total, phase):
        if done >= 4:
            raise Stopped

    with pytest.raises(Stopped):
        sweep(walk, SMA, trials, config, report=stop, threads=threads)


def test_a_strategy_of_weights_can_be_stopped_between_trials(walk):
    item = strategies.get("donchian_breakout")

    def stop(done, total, phase):
        if done == 2:
            raise Stopped

    with pytest.raises(Stopped):
        sweep(walk, item, Trials.of(item, [{}, {"entry": 30}, {"entry": 40}]), report=stop)


def test_trials_of_a_strategy_of_weights_are_single_runs_however_many_go_together(walk):
    item, count = strategies.get("donchian_breakout"), 2 * running._TOGETHER + 3
    trials = Trials.of(item, [{"entry": 6 + at, "exit": 2 + at % 4} for at in range(count)])
    heard = []

    found = sweep(walk, item, trials, report=lambda *what: heard.append(what))

    assert heard == [(done, count, "sweep") for done in range(count + 1)]
    assert found.alone < count
    for at in (0, running._TOGETHER - 1, running._TOGETHER, 2 * running._TOGETHER, count - 1):
        alone = backtest(walk, trials.bound(at)).metrics
        for name in ("final_equity", "total_return", "max_drawdown", "total_trades"):
            assert found[name][at] == alone[name], (at, name)


def test_a_reversal_whose_costs_leave_nothing_to_open_with_is_that_of_the_single_run():
    @strategy(family="test", source="none")
    def reverse(bars):
        """Long, then short."""
        return np.where(np.arange(len(bars)) < 3, 1.0, -1.0)[:, None]

    bars = Bars.from_closes(np.datetime64("2020-01-01") + np.arange(6), np.ones(6), ("A",))
    for per_share in (0.6, 1.2):  # 1.2 for each unit of 1.0: closing costs more than it brings
        config = Config(commission_per_share=per_share)
        found, alone = sweep(bars, reverse, [{}], config), backtest(bars, reverse.bind(), config)
        assert found["final_equity"][0] == alone.metrics["final_equity"]
        assert found["total_trades"][0] == alone.metrics["total_trades"] == (2 if per_share < 1.0 else 1)


@pytest.mark.parametrize(
    "weights",
    [np.ones(200), np.ones((3, 199)), np.ones((2, 3, 200)), np.full((2, 200), np.inf), np.full((1, 200), -np.inf)],
)
def test_weights_that_do_not_fit_the_bars_are_refused(walk, weights):
    with pytest.raises(RunFailed) as caught:
        replay(walk, weights)
    assert caught.value.code == "bad_weights"


def test_weights_of_no_trial_and_of_too_many_are_refused(walk):
    assert code_of(lambda: replay(walk, np.ones((0, 200)))) == "empty_sweep"
    many = np.broadcast_to(np.int8(1), (MAX_TRIALS + 1, 200))
    assert code_of(lambda: replay(walk, many)) == "sweep_too_large"


def test_weights_are_not_written_to_and_may_be_read_only(walk):
    weights = np.random.default_rng(1).normal(0.0, 1.0, (9, 200))
    before = weights.copy()
    found = replay(walk, weights)
    weights.flags.writeable = False

    assert replay(walk, weights)["sharpe"].tobytes() == found["sharpe"].tobytes()
    assert weights.tobytes() == before.tobytes()


def test_weights_are_replayed_singly_under_settings_that_the_compiled_pass_does_not_know(walk):
    found = replay(walk, np.ones((2, 200), dtype=bool), Config(take_profit=0.02), figures=("sortino", "total_trades"))

    assert (found.alone, found["total_trades"].tolist()) == (2, [1.0, 1.0])


@pytest.mark.parametrize(
    "how",
    [
        {"train": 150, "test": 60},
        {"train": 1, "test": 60},
        {"train": 60, "test": 1},
        {"train": 60, "test": 60, "step": 0},
        {"train": 60, "test": 60, "objective": "total_trades"},
    ],
)
def test_folds_that_have_no_room_or_nothing_to_choose_by_are_refused(walk, how):
    assert code_of(lambda: walk_forward(walk, SMA, [{"fast": 3, "slow": 8}], **how)) == "invalid_folds"


def test_a_training_too_short_for_one_trial_is_said_as_the_single_run_says_it(walk):
    with pytest.raises(BadData, match="needs 63 bars"):
        walk_forward(walk, SMA, [{"fast": 3, "slow": 60}], train=50, test=20)


def test_too_many_runs_are_refused_before_one_is_made(walk, monkeypatch):
    monkeypatch.setattr(running, "MAX_RUNS", 8)
    trials = grid(SMA, {"fast": [3, 5, 8], "slow": [10, 20, 30]})

    assert code_of(lambda: sweep(walk, SMA, trials, each_symbol=True)) == "sweep_too_large"
    assert code_of(lambda: walk_forward(walk, SMA, trials, train=100, test=40)) == "sweep_too_large"


def test_folds_move_on_or_grow(walk):
    trials = [{"fast": 3, "slow": 8}]
    rolling = walk_forward(walk, SMA, trials, train=100, test=40)
    growing = walk_forward(walk, SMA, trials, train=100, test=40, step=30, anchored=True)

    assert len(rolling) == 2
    assert [tuple(fold) for fold in rolling.folds] == [(0, 100, 140), (40, 140, 180)]
    assert [tuple(fold) for fold in growing.folds] == [(0, 100, 140), (0, 130, 170), (0, 160, 200)]


@pytest.mark.parametrize("each_symbol", [False, True])
def test_a_walk_and_a_sweep_of_each_symbol_can_be_stopped(walk, monkeypatch, each_symbol):
    monkeypatch.setattr(running, "BLOCK", 400)
    trials = grid(SMA, {"fast": [3, 5, 8], "slow": [10, 20, 30]})
    heard = []

    def stop(done, total, phase):
        heard.append((done, total, phase))
        raise Stopped

    run = partial(sweep, each_symbol=True) if each_symbol else partial(walk_forward, train=100, test=40)
    with pytest.raises(Stopped):
        run(walk, SMA, trials, report=stop)
    assert heard == [(0, 9, "sweep") if each_symbol else (0, 18, "screen")]


def test_a_walk_of_weights_says_how_many_runs_are_done(walk):
    heard = []
    item = strategies.get("donchian_breakout")
    walk_forward(
        walk, item, [{"entry": 20}, {"entry": 30}], train=100, test=40, report=lambda *told: heard.append(told)
    )

    assert {(total, phase) for _, total, phase in heard} == {(4, "walk")}
    assert [done for done, *_ in heard] == sorted(done for done, *_ in heard)
    assert (heard[0][0], heard[-1][0]) == (0, 4)


def test_where_no_trial_has_the_objective_none_is_chosen_and_nothing_is_said(walk):
    @strategy(family="test", source="none")
    def nothing(bars):
        """Hold nothing."""
        return np.zeros(bars.close.shape)

    found = walk_forward(walk, nothing, [{}], train=100, test=40)

    assert found.chosen.tolist() == [-1, -1]
    assert all(np.isnan(column).all() for side in (found.trained, found.tested) for column in side.values())


def test_a_screened_walk_says_how_many_are_screened_and_then_run(walk):
    heard = []
    trials = [{"fast": fast, "slow": 8} for fast in (2, 3, 4, 5)]
    found = walk_forward(walk, SMA, trials, train=100, test=40, report=lambda *at: heard.append(at))

    run = heard[-1][1]
    assert len(found.folds) <= run <= 8
    assert heard == [(0, 8, "screen"), (8, 8, "screen"), (0, run, "walk"), (run, run, "walk")]


def test_where_no_crossing_ever_trades_none_is_chosen():
    bars = Bars.from_closes(np.datetime64("2020-01-01") + np.arange(300), 100.0 + np.arange(300.0), ("A",))
    heard = []

    found = walk_forward(
        bars,
        SMA,
        [{"fast": 3, "slow": 8}, {"fast": 4, "slow": 9}],
        train=100,
        test=40,
        report=lambda *at: heard.append(at),
    )

    assert found.chosen.tolist() == [-1] * len(found.folds)
    assert np.isnan(found.trained["sharpe"]).all()
    assert heard == [(0, 10, "screen"), (10, 10, "screen")]


@pytest.mark.parametrize("crash", [60, 300, 700, 880])
def test_the_depth_of_a_position_held_for_hundreds_of_bars_is_found_wherever_it_is(crash):
    close = np.concatenate((np.linspace(120.0, 100.0, 30), 100.0 * 1.001 ** np.arange(900)))
    close[crash] *= 0.95
    bars = Bars.from_closes(np.datetime64("2020-01-01") + np.arange(len(close)), close, ("A",))
    config = Config(commission_bps=0.0, slippage_bps=0.0)
    found, alone = (
        sweep(bars, SMA, [{"fast": 10, "slow": 20}], config),
        backtest(bars, SMA.bind(fast=10, slow=20), config),
    )

    assert (found.alone, len(alone.trades)) == (0, 1)
    assert found["max_drawdown"][0] == alone.metrics["max_drawdown"] == pytest.approx(0.95 * 1.001 - 1.0, rel=1e-9)


@pytest.mark.parametrize("held", [2, 3, 5, 7, 8, 9, 17, 40, 63, 64, 65, 130, 500])
def test_in_a_long_history_the_depth_of_a_short_position_is_found_wherever_it_is(held):
    total = 100_000  # from here on fewer stretches have their extremes written down
    rng = np.random.default_rng(held)
    close = np.full(total, 100.0)
    close[10 : 10 + held] = 110.0
    close[10 + rng.integers(held)] = 90.0
    time_of = np.datetime64("2000-01-01T00:00") + np.arange(total) * np.timedelta64(1, "m")
    bars = Bars.from_closes(time_of, close, ("A",))
    weights = np.zeros((1, total))
    weights[0, 9 : 9 + held] = 1.0
    config = Config(commission_bps=0.0, slippage_bps=0.0)

    found = replay(bars, weights, config)

    assert found["max_drawdown"][0] == figures_of(bars, weights.T, config, ("max_drawdown",))["max_drawdown"] < -0.09


def test_a_position_too_small_to_be_sold_is_left_to_the_single_run():
    close = 100.0 * np.exp(np.random.default_rng(0).normal(0.0, 0.02, 420))
    bars = Bars.from_closes(np.datetime64("2020-01-01") + np.arange(420), close, ("A",))
    config = Config(commission_per_share=95.0, commission_bps=0.0, slippage_bps=0.0, initial_capital=1.0)
    weights = np.tile((np.arange(420) // 2) % 2, (2, 1)).astype(float)
    weights[1] = np.roll(weights[0], 1)

    found = replay(bars, weights, config, figures=("annual_volatility", "max_drawdown"))

    assert found.alone == 2
    for at in range(2):
        alone = figures_of(bars, weights[at][:, None], config, ("annual_volatility", "max_drawdown"))
        assert {name: found[name][at] for name in alone} == pytest.approx(alone, rel=1e-12)
