"""Which trials may be the best is told from sums, within bounds that hold the ratios of the accounts themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies
from engine import Bars, Config
from engine.sweep import Trials, folds, screening, walk
from engine.sweep import sweep as sweep_of
from engine.sweep.account import Account
from engine.sweep.crossings import Pairs
from engine.sweep.screening import Screening
from tests.property.test_walk import cut, market

BOUNDED = settings(derandomize=True, max_examples=40, deadline=None)
SMA = strategies.get("sma_cross")
PAIRS = [(fast, slow) for fast in (2, 3, 4, 5) for slow in (8, 13, 21, 34, 40)]
TRIALS = [{"fast": fast, "slow": slow} for fast, slow in PAIRS + PAIRS[:3]]  # of equals the first is chosen
PARTS = np.array([(0, 50), (17, 67), (80, 160), (3, 12), (60, 110), (0, 160)])

seeds = st.integers(0, 2**32 - 1)


@st.composite
def configs(draw):
    """Those with which a trial goes all in and all out."""
    return Config(
        fill=draw(st.sampled_from(["next_open", "next_close", "same_close"])),
        commission_bps=draw(st.sampled_from([0.0, 10.0, 300.0])),
        commission_per_share=draw(st.sampled_from([0.0, 0.01])),
        slippage_bps=draw(st.sampled_from([0.0, 5.0])),
        risk_free_rate=draw(st.sampled_from([0.0, 0.03])),
    )


def bounds_of(bars, config):
    """Bounds [n, F] over the parts, by a screening of all trials."""
    one = Account.of(bars, config)
    pairs = Pairs.of(Trials.of(SMA, TRIALS), SMA.crossing, config)
    assert Screening.applies(one, pairs)
    parts = [cut(bars, first, stop) for first, stop in PARTS]
    lengths = np.array([len(part) for part in parts])
    periods = np.array([part.periods_per_year for part in parts])
    return Screening.of(one, pairs, PARTS, lengths, periods).bounds(slice(0, len(TRIALS)))


def holds_all(bars, config):
    """The ratios of the accounts, made by their own runs, are within the bounds."""
    lower, upper = bounds_of(bars, config)
    for at, (first, stop) in enumerate(PARTS):
        part = cut(bars, first, stop)
        if len(part) < 42:  # too few bars for the longest window
            continue
        found = sweep_of(part, SMA, TRIALS, config, figures=("sharpe", "total_trades"))
        for trial, (ratio, trades) in enumerate(zip(found["sharpe"], found["total_trades"], strict=True)):
            low, high = lower[trial, at], upper[trial, at]
            if np.isnan(low):
                assert (trades, str(high), str(ratio)) == (0, "nan", "nan"), (trial, at)
            elif not np.isnan(ratio):
                assert low <= ratio <= high, (trial, at)


@BOUNDED
@given(seeds, configs(), st.sampled_from([0.0, 0.2]), st.booleans())
def test_the_ratio_of_every_account_is_within_its_bounds(seed, config, holes, ticks):
    holds_all(market(seed, holes, ticks), config)


@BOUNDED
@given(seeds, st.sampled_from([0.0, 10.0]), st.sampled_from([1e-2, 1e-6, 1e-9, 1e-13]))
def test_bounds_hold_where_prices_hardly_move(seed, commission, size):
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, size, 160)))
    bars = Bars.from_closes(market(0, 0.0, ticks=False).time, close, ("A",))
    config = Config(fill="next_close", commission_bps=commission, slippage_bps=0.0)
    holds_all(bars, config)
    assert chooses_alike(bars, config, {"train": 100, "test": 60})  # in one training no more can contend than are there


@BOUNDED
@given(seeds, configs(), st.sampled_from([1.0, 100.0, 1e6, 1e13]))
def test_bounds_hold_where_prices_are_far_apart_and_costs_eat_them(seed, config, times):
    rng = np.random.default_rng(seed)
    close = 0.008 * np.exp(np.linspace(0.0, np.log(times), 160) + np.cumsum(rng.normal(0.0, 0.05, 160)))
    bars = Bars.from_closes(market(0, 0.0, ticks=False).time, close, ("A",))
    config = replace(config, fill="next_close")
    holds_all(bars, config)
    chooses_alike(bars, config, {"train": 50, "test": 20})


def chooses_alike(bars, config, how):
    """A screened walk has the choices and the figures of one that runs every trial; says whether it ran few."""
    judged = []
    judge = folds._Forward.judged
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folds._Forward, "judged", lambda *asked: (judged.append(asked), judge(*asked))[1])
        screened = walk(bars, SMA, TRIALS, config, **how)
        few = not judged
        patch.setattr(Screening, "applies", staticmethod(lambda *_: False))
        every = walk(bars, SMA, TRIALS, config, **how)

    assert screened.chosen.tolist() == every.chosen.tolist()
    for name, figures in every.trained.items():
        assert screened.trained[name].tobytes() == figures.tobytes(), name
    return few


@BOUNDED
@given(seeds, configs(), st.sampled_from([0.0, 0.2]), st.booleans(), st.integers(1, 2))
def test_a_screened_walk_chooses_what_a_walk_that_runs_every_trial_chooses(seed, config, holes, anchored, threads):
    how = {"train": 50, "test": 20, "step": 17, "anchored": anchored, "threads": threads}
    assert chooses_alike(market(seed, holes, ticks=False), config, how)


@BOUNDED
@given(seeds, configs(), st.booleans())
def test_after_ties_every_trial_is_run(seed, config, anchored):
    how = {"train": 50, "test": 20, "step": 17, "anchored": anchored}
    assert not chooses_alike(market(seed, 0.0, ticks=True), config, how)


def test_bounds_are_narrow_where_there_are_no_ties():
    lower, upper = bounds_of(market(1, 0.0, ticks=False), Config())
    traded = ~np.isnan(lower)
    assert traded.mean() > 0.6
    assert (upper - lower)[traded].max() < 1e-7


@settings(derandomize=True, max_examples=15, deadline=None)
@given(seeds, configs(), st.booleans())
def test_the_compiled_screening_equals_its_twins_bit_for_bit(seed, config, ticks):
    bars = market(seed, 0.1, ticks)
    compiled = bounds_of(bars, config)
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        for name in ("weigh", "screen"):
            patch.setattr(screening, name, getattr(screening, name).twin)
        twins = bounds_of(bars, config)
    assert compiled[0].tobytes() == twins[0].tobytes()
    assert compiled[1].tobytes() == twins[1].tobytes()
