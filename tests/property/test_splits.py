"""Folds and groups, bar by bar: what is trained on, tested and dropped, and what trials make of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.errors import InvalidInput
from engine.stitching import Piece, stitched
from engine.sweep.combining import by_group, judge_splits
from engine.sweep.splits import Groups, month_folds
from tests.property import test_engine
from tests.property.test_portfolio import throws

BOUNDED = settings(derandomize=True, max_examples=40, deadline=None)
MANY = settings(BOUNDED, max_examples=100)

seeds = st.integers(0, 2**32 - 1)


@st.composite
def divisions(draw):
    count = draw(st.integers(2, 7))
    how = draw(st.integers(2 * count, 90)), count, draw(st.integers(1, count - 1))
    try:
        return Groups(*how, draw(st.integers(0, 6)), draw(st.integers(0, 25)))
    except InvalidInput:
        assume(False)


@MANY
@given(divisions())
def test_a_bar_is_trained_on_when_no_test_is_near_it(groups):
    at = np.arange(groups.total)
    for split in groups.splits:
        tested = np.concatenate([at[groups.bounds[each] : groups.bounds[each + 1]] for each in split])
        after = at[:, None] - tested
        near = (after >= -groups.purge) & (after <= groups.purge + groups.embargo)
        trained = [at[first:stop] for first, stop in groups.training(split).values()]
        assert np.concatenate(trained).tolist() == at[~near.any(axis=1)].tolist()


@MANY
@given(divisions())
def test_groups_hold_every_bar_once_and_differ_by_a_bar_at_most(groups):
    sizes = np.diff(groups.bounds)
    assert (groups.bounds[0], groups.bounds[-1]) == (0, groups.total)
    assert sizes.max() - sizes.min() <= 1
    assert (np.diff(sizes) <= 0).all()


@st.composite
def calendars(draw):
    """Sessions of some years, some of them missing, and months of training, test and step."""
    days = np.arange(draw(st.integers(0, 365)), draw(st.integers(900, 1400))) + np.datetime64("2019-01-01")
    held = np.random.default_rng(draw(seeds)).random(len(days)) < draw(st.sampled_from([0.5, 0.7, 1.0]))
    how = {"train": draw(st.integers(2, 8)), "test": draw(st.integers(1, 6))}
    how |= {"step": draw(st.none() | st.integers(1, 9)), "anchored": draw(st.booleans())}
    return days[held], how


@MANY
@given(calendars())
def test_folds_are_the_bars_of_their_months(asked):
    sessions, how = asked
    folds, months = month_folds(sessions, **how), sessions.astype("datetime64[M]")
    for at, fold in enumerate(folds):
        start = months[0] + how["train"] + at * (how["step"] or how["test"])
        begin = months[0] if how["anchored"] else start - how["train"]
        assert np.flatnonzero((months >= begin) & (months < start)).tolist() == list(range(fold.first, fold.split))
        within = (months >= start) & (months < start + how["test"])
        assert np.flatnonzero(within).tolist() == list(range(fold.split, fold.stop))
    start += how["step"] or how["test"]
    assert start + how["test"] > months[-1] + 1 or (months >= start).sum() < 2


@MANY
@given(calendars(), st.integers(500, 899))
def test_later_sessions_move_no_fold(asked, days):
    sessions, how = asked
    part = sessions[sessions < np.datetime64("2019-01-01") + days]
    whole = month_folds(sessions, **how)
    try:
        folds = month_folds(part, **how)
    except InvalidInput:
        return
    assert folds[:-1] == whole[: len(folds) - 1]
    last = folds[-1]
    assert (last.first, last.split) == whole[len(folds) - 1][:2]
    assert last.stop == min(whole[len(folds) - 1].stop, len(part))


@BOUNDED
@given(seeds, test_engine.configs(), st.integers(2, 5), st.integers(0, 3), st.integers(0, 4))
def test_a_training_is_the_returns_of_its_bars_one_after_the_other(seed, config, count, purge, embargo):
    groups = Groups(100, count, 1 + seed % (count - 1), purge, embargo)
    bars = test_engine.market(seed, total=groups.total, size=2, volatility=(0.02, 0.2)[seed % 2])
    trials = [{"seed": (seed + at) % 101, "scale": config.max_leverage} for at in range(2)]
    names = ("sharpe", "total_return", "final_equity")
    told = []
    found = judge_splits(
        bars, throws, trials, config, groups=groups, figures=names, report=lambda *news: told.append(news)
    )
    assert told == [(0, 2, "walk"), (1, 2, "walk")]
    alone = judge_splits(bars, throws, trials[1:], config, groups=groups, figures=names)
    assert all(alone[name].tobytes() == found[name][1:].tobytes() for name in names)
    for row, params in enumerate(trials):
        runs = by_group(bars, throws.bind(**params), config.fitted(bars), groups)
        returns = np.concatenate([run.returns for run in runs])
        for column, split in enumerate(groups.splits):
            kept = returns[np.concatenate([np.arange(*each) for each in groups.training(split).values()])]
            for spent in np.flatnonzero(np.cumprod(1.0 + kept) <= 0.0)[:1]:
                kept[spent + 1 :] = 0.0  # an account that is used up earns nothing
            near = {"rel": 1e-9, "abs": 1e-12, "nan_ok": True}
            assert found["total_return"][row, column] == pytest.approx(np.prod(1.0 + kept) - 1.0, **near)
            deviation = kept.std(ddof=1) if np.ptp(kept) > 1e-12 else np.nan
            ratio = (kept.mean() - config.risk_free_rate / 252.0) / deviation * np.sqrt(252.0)
            assert found["sharpe"][row, column] == pytest.approx(ratio, **near | {"rel": 1e-6})
        whole = stitched([Piece(run) for run in runs], bars.periods_per_year)
        assert found["final_equity"][row, -1] == whole.ledger.equity[-1]


@BOUNDED
@given(seeds, test_engine.configs(), st.integers(2, 5))
def test_a_group_knows_nothing_of_later_ones(seed, config, count):
    bars, size = test_engine.market(seed, total=120), 20
    bound, config = throws.bind(seed=seed % 101), config.fitted(bars)
    whole = by_group(bars, bound, config, Groups(120, 6, 1))
    part = by_group(test_engine.truncated(bars, count * size), bound, config, Groups(count * size, count, 1))
    for one, other in zip(whole[:count], part, strict=True):
        test_engine.same_past(one.ledger, other.ledger, size)
        assert one.trades.tobytes() == other.trades.tobytes()
