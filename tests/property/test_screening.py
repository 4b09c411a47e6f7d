"""Which trials may be the best is told from sums, within bounds that hold the ratios of the accounts themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies
from engine import Config
from engine.sweep import Trials, screening, walk
from engine.sweep import sweep as sweep_of
from engine.sweep.account import Account
from engine.sweep.crossings import Pairs
from engine.sweep.screening import Screening
from tests.property.test_walk import cut, market

BOUNDED = settings(derandomize=True, max_examples=60, deadline=None)
SMA = strategies.get("sma_cross")
# Some are there twice, and some hardly ever trade: of equals the first is chosen.
TRIALS = [{"fast": fast, "slow": slow} for fast, slow in ((2, 5), (3, 8), (2, 5), (4, 21), (2, 13), (20, 40), (3, 8))]
RANGES = np.array([[0, 0, 50], [17, 17, 67], [80, 80, 160], [3, 3, 12], [60, 60, 110], [0, 0, 160]])

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
    """Bounds [n, F] over the ranges, by a screening of all trials."""
    one = Account.of(bars, config)
    pairs = Pairs.of(Trials.of(SMA, TRIALS), SMA.crossing, config)
    assert Screening.fits(one, pairs)
    parts = [cut(bars, first, stop) for _, first, stop in RANGES]
    lengths, periods = (np.array([of(part) for part in parts]) for of in (len, lambda part: part.periods_per_year))
    return Screening.of(one, pairs, RANGES, lengths, periods).bounds(slice(0, len(TRIALS)))


@BOUNDED
@given(seeds, configs(), st.sampled_from([0.0, 0.2]), st.booleans())
def test_the_ratio_of_every_account_is_within_its_bounds(seed, config, holes, ticks):
    bars = market(seed, holes, ticks)
    lowest, highest = bounds_of(bars, config)

    for at, (_, first, stop) in enumerate(RANGES):
        part = cut(bars, first, stop)
        if len(part) < 42:  # too few bars for the longest window
            continue
        found = sweep_of(part, SMA, TRIALS, config, figures=("sharpe", "total_trades"))
        for trial, (ratio, trades) in enumerate(zip(found["sharpe"], found["total_trades"], strict=True)):
            low, high = lowest[trial, at], highest[trial, at]
            if np.isnan(low):
                assert (trades, str(high), str(ratio)) == (0, "nan", "nan"), (trial, at)
            elif not np.isnan(ratio):
                assert low <= ratio <= high, (trial, at)


@BOUNDED
@given(seeds, configs(), st.sampled_from([0.0, 0.2]), st.booleans(), st.booleans(), st.integers(1, 2))
def test_who_is_screened_chooses_as_who_runs_all(seed, config, holes, ticks, anchored, threads):
    bars = market(seed, holes, ticks)
    how = {"train": 50, "test": 20, "step": 17, "anchored": anchored, "threads": threads}
    screened = walk(bars, SMA, TRIALS, config, **how)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Screening, "fits", staticmethod(lambda *_: False))
        all_run = walk(bars, SMA, TRIALS, config, **how)

    assert screened.chosen.tolist() == all_run.chosen.tolist()
    for name, figures in all_run.trained.items():
        assert screened.trained[name].tobytes() == figures.tobytes(), name


def test_bounds_are_narrow_where_there_are_no_ties():
    lowest, highest = bounds_of(market(1, 0.0, ticks=False), Config())
    traded = ~np.isnan(lowest)
    assert traded.mean() > 0.7
    assert (highest - lowest)[traded].max() < 1e-8


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
