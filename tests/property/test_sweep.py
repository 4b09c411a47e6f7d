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
from engine.sweep import account, crossings, kernel, running, sweep
from engine.sweep.account import FROM_SUMS

BOUNDED = settings(derandomize=True, max_examples=40, deadline=None)
SMA = strategies.get("sma_cross")
FIGURES = tuple(FROM_SUMS)
# What is made of the same operations in the same order; the others are sums in another order.
EXACT = ("final_equity", "total_return", "max_drawdown", "total_trades")

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
        commission_per_share=draw(st.sampled_from([0.0, 0.01])),
        slippage_bps=draw(st.sampled_from([0.0, 2.0, 25.0])),
        max_leverage=draw(st.sampled_from([0.5, 1.0, 2.5])),
        allow_short=draw(st.booleans()),
        risk_free_rate=draw(st.sampled_from([0.0, 0.03])),
    )


def market(seed, holes, volatility=0.02, total=150, ticks=False):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, volatility, (total, 1)), axis=0))
    open = close * np.exp(rng.normal(0, 0.01, close.shape))
    if ticks:  # prices of few values: the averages tie
        close, open = np.maximum(np.round(close / 4) * 4, 4.0), np.maximum(np.round(open / 4) * 4, 4.0)
    high, low = np.maximum(open, close), np.minimum(open, close)
    missing = rng.random(close.shape) < holes
    for values in (open, high, low, close):
        values[missing] = np.nan
    time = np.busday_offset("2020-01-01", np.arange(total), roll="forward")
    return Bars.from_arrays(time, open, high, low, close, symbols=("A",))


def agrees(bars, item, trials, config, **how):
    found = sweep(bars, item, trials, config, figures=FIGURES, **how)
    for at, params in enumerate(found.trials):
        alone = backtest(bars, item.bind(**params), config).metrics
        for name in FIGURES:
            one, expected = found[name][at], alone[name]
            if expected is None or name in EXACT:
                assert one == expected or (expected is None and math.isnan(one)), (name, params)
            else:
                assert one == pytest.approx(expected, rel=1e-12, abs=1e-12), (name, params)
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
    compiled = [sweep(bars, SMA, crossed, config, figures=FIGURES), sweep(bars, dice, thrown, config, figures=FIGURES)]
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(crossings, "cross", kernel.cross.twin)
        patch.setattr(account, "follow", kernel.follow.twin)
        twins = [sweep(bars, SMA, crossed, config, figures=FIGURES), sweep(bars, dice, thrown, config, figures=FIGURES)]
    for one, twin in zip(compiled, twins, strict=True):
        for name in FIGURES:
            assert one[name].tobytes() == twin[name].tobytes(), name
