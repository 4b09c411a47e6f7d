"""A sweep is many single runs: for any prices, gaps, settings and parameters it finds what each of them finds."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies
from engine import Bars, Config, Range, backtest, strategy
from engine.sweep import account, course, crossings, lanes, replay, running, sweep
from engine.sweep.account import FROM_SUMS
from tests.property import test_engine
from tests.property.test_strategies import SMALL
from tests.shelf import PRICE

BOUNDED = settings(derandomize=True, max_examples=40, deadline=None)
SMA = strategies.get("sma_cross")
FIGURES = tuple(FROM_SUMS)
# What is made of the same operations in the same order; the others are sums in another order.
EXACT = ("final_equity", "total_return", "max_drawdown", "total_trades")

# The kernels that Python calls.
ENTRANCES = (
    *((course, name) for name in ("lay", "climb")),
    *((crossings, name) for name in ("roll", "cross", "cross_each")),
    (account, "replayed"),
    (lanes, "clear"),
)

seeds = st.integers(0, 2**32 - 1)


@strategy(family="test", source="none")
def dice(
    bars: Bars,
    seed: Annotated[int, Range(0, 100), "Which throws."] = 0,
    scale: Annotated[float, Range(0.0, 3.0), "Largest weight."] = 1.0,
) -> np.ndarray:
    """Weights at random, with and without an opinion, on traded bars and on others."""
    rng = np.random.default_rng(seed)
    weights = np.round(rng.uniform(-scale, scale, bars.close.shape), 1)
    weights[rng.random(bars.close.shape) < 0.6] = np.nan
    return weights


@st.composite
def configs(draw):
    return Config(
        initial_capital=draw(st.sampled_from([1000.0, 1e6])),
        fill=draw(st.sampled_from(["next_open", "next_close", "same_close"])),
        commission_bps=draw(st.sampled_from([0.0, 1.0, 37.5])),
        cost_table=draw(st.sampled_from([None, {"A": 3.0, "C": 20.0}])),
        commission_per_share=draw(st.sampled_from([0.0, 0.01])),
        slippage_bps=draw(st.sampled_from([0.0, 2.0, 25.0])),
        max_leverage=draw(st.sampled_from([0.5, 1.0, 2.5])),
        allow_short=draw(st.booleans()),
        risk_free_rate=draw(st.sampled_from([0.0, 0.03])),
    )


def market(seed, holes, volatility=0.02, total=150, ticks=False, size=1):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, volatility, (total, size)), axis=0))
    open = close * np.exp(rng.normal(0, 0.01, close.shape))
    if ticks:  # prices of few values: the averages tie
        close, open = np.maximum(np.round(close / 4) * 4, 4.0), np.maximum(np.round(open / 4) * 4, 4.0)
    high, low = np.maximum(open, close), np.minimum(open, close)
    missing = rng.random(close.shape) < holes
    for values in (open, high, low, close):
        values[missing] = np.nan
    time = np.busday_offset("2020-01-01", np.arange(total), roll="forward")
    return Bars.from_arrays(time, open, high, low, close, symbols=tuple("ABCD"[:size]), cost_keys=tuple("ABCD"[:size]))


def is_run(figures, bars, bound, config):
    """These figures are those of the single run: some to the last bit, all to 1e-12."""
    alone = backtest(bars, bound, config).metrics
    for name, one in figures.items():
        expected = alone[name]
        if expected is None or name in EXACT:
            assert one == expected or (expected is None and math.isnan(one)), (name, bound.params)
        else:
            assert one == pytest.approx(expected, rel=1e-12, abs=1e-12), (name, bound.params)


def agrees(bars, item, trials, config, **how):
    found = sweep(bars, item, trials, config, figures=FIGURES, **how)
    for at, params in enumerate(found.trials):
        is_run({name: found[name][at] for name in FIGURES}, bars, item.bind(**params), config)
    return found


windows = st.tuples(st.integers(2, 12), st.integers(1, 30), st.sampled_from(["long", "short", "both"]))


@BOUNDED
@given(seeds, configs(), st.lists(windows, min_size=1, max_size=6), st.sampled_from([0.0, 0.1]), st.booleans())
def test_a_sweep_of_crossings_finds_what_single_runs_find(seed, config, pairs, holes, ticks):
    trials = [{"fast": fast, "slow": fast + more, "side": side} for fast, more, side in pairs]
    agrees(market(seed, holes, ticks=ticks), SMA, trials, config)


@BOUNDED
@given(seeds, configs(), st.sampled_from([0.5, 1.0, 3.0]), st.sampled_from([0.0, 0.3]))
def test_a_sweep_of_any_weights_finds_what_single_runs_find(seed, config, scale, holes):
    trials = [{"seed": (seed + at) % 100, "scale": scale} for at in range(4)]
    agrees(market(seed, holes), dice, trials, config)


@BOUNDED
@given(seeds, configs(), st.lists(windows, min_size=1, max_size=4), st.sampled_from([0.0, 0.3]), st.integers(1, 3))
def test_a_sweep_of_each_symbol_is_a_sweep_of_its_bars_alone(seed, config, pairs, holes, threads):
    bars = market(seed, holes, size=4)
    trials = [{"fast": fast, "slow": fast + more, "side": side} for fast, more, side in pairs]
    found = sweep(bars, SMA, trials, config, figures=FIGURES, each_symbol=True, threads=threads)
    for column, symbol in enumerate(bars.symbols):
        alone = agrees(bars.select([symbol]), SMA, trials, config)
        for name in FIGURES:
            assert found[name][:, column].tobytes() == alone[name].tobytes(), (name, symbol)


@settings(derandomize=True, max_examples=15, deadline=None)
@given(seeds, configs() | test_engine.configs())
def test_each_symbol_takes_any_strategy_and_any_setting(seed, config):
    bars = test_engine.market(seed, size=3, holes=0.2)
    found = sweep(bars, dice, [{"seed": 1}, {"seed": 2}], config, each_symbol=True)
    for column, symbol in enumerate(bars.symbols):
        part = bars.select([symbol])
        for at, params in enumerate(found.trials):
            figures = {name: values[at, column] for name, values in found.figures.items()}
            is_run(figures, part, dice.bind(**params), config)


@BOUNDED
@given(
    seeds, configs(), st.sampled_from([1.0, 3.0]), st.sampled_from([0.0, 0.3]), st.integers(1, 2), st.integers(1, 700)
)
def test_given_weights_do_what_a_strategy_with_these_weights_does(seed, config, scale, holes, threads, block):
    bars = market(seed, holes)
    bounds = [dice.bind(seed=(seed + at) % 100, scale=scale) for at in range(11)]
    weights = np.array([bound(bars)[:, 0] for bound in bounds])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "BLOCK", block)
        found = replay(bars, weights, config, figures=FIGURES, threads=threads)
    for at, bound in enumerate(bounds):
        is_run({name: found[name][at] for name in FIGURES}, bars, bound, config)


@settings(derandomize=True, max_examples=15, deadline=None)
@given(seeds, configs(), st.sampled_from(["int8", "bool", "float32", "F"]))
def test_signals_of_any_kind_are_the_numbers_that_they_stand_for(seed, config, kind):
    bars = market(seed, 0.1)
    signals = np.random.default_rng(seed).integers(0 if kind == "bool" else -1, 2, (9, len(bars)))
    given = np.asfortranarray(signals) if kind == "F" else signals.astype(kind)
    numbers, other = (replay(bars, values, config, figures=FIGURES) for values in (signals.astype(float), given))
    for name in FIGURES:
        assert numbers[name].tobytes() == other[name].tobytes(), name


@pytest.mark.parametrize("item", PRICE, ids=lambda item: item.id)
@settings(derandomize=True, max_examples=15, deadline=None)
@given(seed=seeds, config=test_engine.configs())
def test_a_sweep_of_one_trial_is_the_single_run_of_any_strategy_under_any_setting(item, seed, config):
    bars, small = test_engine.market(seed, total=200), SMALL.get(item.id, {})
    agrees(bars, item, [small], config)


@BOUNDED
@given(seeds, configs())
def test_a_ruined_account_is_left_to_the_single_run(seed, config):
    trials = [{"seed": at, "scale": 3.0} for at in range(3)]
    agrees(market(seed, 0.1, volatility=0.4), dice, trials, config)


@settings(derandomize=True, max_examples=15, deadline=None)
@given(seeds, st.sampled_from([{"stop_loss": 0.03}, {"rebalance": "weekly"}, {"lot_size": 1.0}, {"borrow_bps": 90.0}]))
def test_settings_that_the_compiled_pass_does_not_know_are_single_runs(seed, extra):
    trials = [{"fast": 3, "slow": 8, "side": "both"}, {"fast": 4, "slow": 20}]
    found = agrees(market(seed, 0.05), SMA, trials, Config(**extra))
    assert found.alone == 2


@settings(derandomize=True, max_examples=15, deadline=None)
@given(seeds, configs(), st.integers(1, 3), st.integers(1, 700), st.booleans())
def test_threads_blocks_and_shared_sums_change_no_bit(seed, config, threads, block, shared):
    bars = market(seed, 0.05)
    trials = [{"fast": fast, "slow": slow, "side": "both"} for fast in (2, 3, 5) for slow in (8, 13, 21)]
    whole = sweep(bars, SMA, trials, config, figures=FIGURES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "BLOCK", block)
        patch.setattr(crossings, "SHARED", 2**20 if shared else 0)
        parts = sweep(bars, SMA, trials, config, figures=FIGURES, threads=threads)
    for name in FIGURES:
        assert whole[name].tobytes() == parts[name].tobytes(), name


@settings(derandomize=True, max_examples=15, deadline=None)
@given(seeds, configs(), st.booleans())
def test_the_compiled_passes_equal_their_twins_bit_for_bit(seed, config, ticks):
    bars = market(seed, 0.1, total=60, ticks=ticks)
    crossed = [{"fast": 2, "slow": 5, "side": "both"}, {"fast": 3, "slow": 9}]
    thrown = [{"seed": 1}, {"seed": 2, "scale": 0.7}]
    work = (
        lambda: sweep(bars, SMA, crossed, config, figures=FIGURES),
        lambda: sweep(bars, SMA, crossed, config, figures=FIGURES, each_symbol=True),
        lambda: sweep(bars, dice, thrown, config, figures=FIGURES),
    )
    compiled = [each() for each in work]
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        for module, name in ENTRANCES:
            patch.setattr(module, name, getattr(module, name).twin)
        twins = [each() for each in work]
    for one, twin in zip(compiled, twins, strict=True):
        for name in FIGURES:
            assert one[name].tobytes() == twin[name].tobytes(), name
