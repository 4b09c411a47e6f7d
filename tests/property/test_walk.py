"""A walk forward is a sweep over each training, and a single run of its best trial over each test."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies
from engine import Bars, Config, Range, simulate, strategy
from engine.sweep import Fold, account, course, crossings, folds, lanes, sweep, walk, windows
from engine.sweep.account import FROM_SUMS
from engine.sweep.combining import forward
from engine.sweep.work import figures_of

BOUNDED = settings(derandomize=True, max_examples=40, deadline=None)
SMA = strategies.get("sma_cross")
FIGURES = tuple(FROM_SUMS)
EXACT = ("final_equity", "total_return", "max_drawdown", "total_trades")
TRIALS = [
    {"fast": fast, "slow": slow, "side": side}
    for fast, slow, side in [(2, 5, "long"), (3, 8, "both"), (2, 13, "short"), (5, 9, "long"), (4, 21, "both")]
]
seeds = st.integers(0, 2**32 - 1)
stretches = st.tuples(st.integers(0, 100), st.integers(25, 60))


@strategy(family="test", source="none")
def moods(bars: Bars, seed: Annotated[int, Range(0, 100), "Which ones."] = 0) -> np.ndarray:
    """Weights that depend on how many bars there are."""
    rng = np.random.default_rng(seed + len(bars))
    return np.where(rng.random(bars.close.shape) < 0.5, np.nan, rng.integers(-1, 2, bars.close.shape))


@st.composite
def configs(draw):
    return Config(
        fill=draw(st.sampled_from(["next_open", "next_close", "same_close"])),
        commission_bps=draw(st.sampled_from([0.0, 10.0])),
        slippage_bps=draw(st.sampled_from([0.0, 5.0])),
        max_leverage=draw(st.sampled_from([0.5, 1.0, 2.5])),
        allow_short=draw(st.booleans()),
        risk_free_rate=draw(st.sampled_from([0.0, 0.03])),
    )


def market(seed, holes, ticks, total=160):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (total, 1)), axis=0))
    open = close * np.exp(rng.normal(0, 0.01, close.shape))
    if ticks:  # prices of few values: the averages tie
        close, open = np.maximum(np.round(close / 4) * 4, 4.0), np.maximum(np.round(open / 4) * 4, 4.0)
    high, low = np.maximum(open, close), np.minimum(open, close)
    missing = rng.random(close.shape) < holes
    for values in (open, high, low, close):
        values[missing] = np.nan
    time = np.busday_offset("2020-01-01", np.arange(total), roll="forward")
    return Bars.from_arrays(time, open, high, low, close, symbols=("A",))


def cut(bars, first, stop):
    return bars.select(start=bars.time[first], end=bars.time[stop - 1])


def is_made_of_its_parts(found, bars, config, objective, trained=EXACT):
    item = found.trials.strategy
    for at, (first, split, stop) in enumerate(found.folds):
        alone = sweep(cut(bars, first, split), item, found.trials, config, figures=(*FIGURES, objective))
        if np.isnan(alone[objective]).all():
            assert found.chosen[at] == -1
            assert all(math.isnan(figures[at]) for figures in (*found.trained.values(), *found.tested.values()))
            continue
        chosen = int(np.nanargmax(alone[objective]))
        assert found.chosen[at] == chosen
        weights = found.trials.bound(chosen)(cut(bars, first, stop))[split - first :]
        tested = figures_of(cut(bars, split, stop), weights, config, FIGURES)
        for name in FIGURES:
            near = {"rel": 1e-12, "abs": 1e-12, "nan_ok": True}
            same = {"rel": 0.0, "abs": 0.0, "nan_ok": True}
            one, other = (same if name in exact else near for exact in (trained, EXACT))
            assert found.trained[name][at] == pytest.approx(alone[name][chosen], **one), (name, at)
            assert found.tested[name][at] == pytest.approx(tested[name], **other), (name, at)


@BOUNDED
@given(seeds, configs(), st.sampled_from([0.0, 0.2]), st.booleans(), st.booleans(), st.integers(1, 2))
def test_a_walk_of_crossings_is_made_of_sweeps_and_single_runs(seed, config, holes, ticks, anchored, threads):
    bars = market(seed, holes, ticks)
    how = {"train": 50, "test": 20, "step": 17, "anchored": anchored, "threads": threads}
    found = walk(bars, SMA, TRIALS, config, figures=FIGURES, **how)

    assert [fold.stop for fold in found.folds] == [70, 87, 104, 121, 138, 155]
    is_made_of_its_parts(found, bars, config, "sharpe", trained=FIGURES)


@settings(derandomize=True, max_examples=10, deadline=None)
@given(seeds, configs(), st.sampled_from(["max_drawdown", "total_return", "sortino"]))
def test_any_objective_decides(seed, config, objective):
    bars = market(seed, 0.1, ticks=False)
    found = walk(bars, SMA, TRIALS, config, train=60, test=30, objective=objective, figures=FIGURES)
    is_made_of_its_parts(found, bars, config, objective)


@settings(derandomize=True, max_examples=10, deadline=None)
@given(seeds, configs(), st.booleans())
def test_a_walk_takes_any_strategy(seed, config, anchored):
    bars = market(seed, 0.1, ticks=False)
    trials = [{"seed": seed % 50 + at} for at in range(4)]
    found = walk(bars, moods, trials, config, train=60, test=30, anchored=anchored, figures=FIGURES)
    is_made_of_its_parts(found, bars, config, "sharpe")


@BOUNDED
@given(seeds, configs(), st.sampled_from([0.0, 0.2]), st.booleans(), st.booleans(), st.integers(70, 159))
def test_a_walk_does_not_see_the_future(seed, config, holes, ticks, anchored, stop):
    """Folds that end before the cut choose the same trials and have the same figures, to the last bit."""
    bars = market(seed, holes, ticks)
    how = {"train": 50, "test": 20, "step": 17, "anchored": anchored, "figures": FIGURES}
    whole, part = walk(bars, SMA, TRIALS, config, **how), walk(cut(bars, 0, stop), SMA, TRIALS, config, **how)
    count = len(part.folds)
    assert whole.folds[:count] == part.folds
    assert whole.chosen[:count].tolist() == part.chosen.tolist()
    for name in FIGURES:
        assert whole.trained[name][:count].tobytes() == part.trained[name].tobytes(), name
        assert whole.tested[name][:count].tobytes() == part.tested[name].tobytes(), name


@settings(derandomize=True, max_examples=15, deadline=None)
@given(seeds, configs(), st.booleans(), st.lists(stretches, min_size=1, max_size=4))
def test_any_stretches_are_judged_as_sweeps_over_their_bars_alone(seed, config, ticks, picked):
    bars = market(seed, 0.1, ticks)
    parts = [(first, first + count) for first, count in picked]
    for item, trials in ((SMA, TRIALS), (moods, [{"seed": 1}, {"seed": 2}])):
        found = folds.judge(bars, item, trials, config, parts=parts, figures=FIGURES)
        for at, (first, stop) in enumerate(parts):
            alone = sweep(cut(bars, first, stop), item, trials, config, figures=FIGURES)
            for name in FIGURES:
                assert found[name][:, at].tobytes() == alone[name].tobytes(), name


@BOUNDED
@given(seeds, configs(), st.integers(0, 40), st.integers(3, 40), st.integers(30, 100))
def test_a_test_decides_with_its_training_in_view_and_begins_with_cash(seed, config, first, test, train):
    bars, bound = market(seed, 0.1, ticks=False), SMA.bind(fast=3, slow=21, side="both")
    fold = Fold(first, first + train, min(len(bars), first + train + test))
    run = forward(bars, bound, config, fold)
    seen, part = cut(bars, first, fold.stop), cut(bars, fold.split, fold.stop)
    assert run.ledger.equity.tobytes() == simulate(part, bound(seen)[train:], config).equity.tobytes()
    shorter = forward(bars, bound, config, fold._replace(stop=fold.stop - 1)).ledger.equity
    assert run.ledger.equity[:-1].tobytes() == shorter.tobytes()
    nothing = forward(bars, None, config, fold)
    assert (nothing.ledger.equity == config.initial_capital).all()


@settings(derandomize=True, max_examples=15, deadline=None)
@given(seeds, configs(), st.booleans())
def test_what_folds_share_changes_no_bit(seed, config, ticks):
    bars = market(seed, 0.1, ticks)
    shared = walk(bars, SMA, TRIALS, config, train=50, test=20, figures=FIGURES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folds, "_TOGETHER", 0)
        apart = walk(bars, SMA, TRIALS, config, train=50, test=20, figures=FIGURES)
    assert shared.chosen.tolist() == apart.chosen.tolist()
    for name in EXACT:
        assert shared.trained[name].tobytes() == apart.trained[name].tobytes(), name
        assert shared.tested[name].tobytes() == apart.tested[name].tobytes(), name


@settings(derandomize=True, max_examples=8, deadline=None)
@given(seeds, configs(), st.booleans())
def test_the_compiled_walk_equals_its_twins_bit_for_bit(seed, config, ticks):
    bars = market(seed, 0.1, ticks, total=70)
    how = {"train": 30, "test": 15, "figures": FIGURES}
    compiled = walk(bars, SMA, TRIALS, config, **how)
    entrances = [(course, "lay"), (course, "climb"), (windows, "climb"), (windows, "stack_up"), (crossings, "roll")]
    entrances += [(windows, "cross_windows"), (lanes, "clear"), (account, "replayed"), (crossings, "cross")]
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        for module, name in entrances:
            patch.setattr(module, name, getattr(module, name).twin)
        twins = walk(bars, SMA, TRIALS, config, **how)
    assert compiled.chosen.tolist() == twins.chosen.tolist()
    for name in FIGURES:
        assert compiled.trained[name].tobytes() == twins.trained[name].tobytes(), name
        assert compiled.tested[name].tobytes() == twins.tested[name].tobytes(), name
