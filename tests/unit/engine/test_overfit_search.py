"""The best of a search: splits by hand, what luck claims and how often an edge is found, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from engine.errors import BadData, InvalidInput
from engine.overfit import Tally, backtest_overfitting, deflated_sharpe, probabilistic_sharpe, superior_ability
from engine.overfit.bootstrap import stationary_draws
from engine.overfit.sharpe import shape
from engine.overfit.snooping import bootstrap_variance, from_draws

YEAR = 252


def rng_of(seed):
    return np.random.Generator(np.random.Philox(seed))


def noise(seed, bars, trials):
    return rng_of(seed).standard_normal((bars, trials)) * 0.01


def with_edge(seed, bars, trials, annual):
    returns = noise(seed, bars, trials)
    returns[:, 0] += 0.01 * annual / math.sqrt(YEAR)
    return returns


def best_of(returns):
    ratios = returns.mean(axis=0) / returns.std(axis=0, ddof=1)
    return shape(returns[:, ratios.argmax()]), Tally.of(ratios).variance


def test_two_blocks_by_hand():
    """Trial 0 is best in the first half and worst in the second, trial 1 the other way round: both splits fail."""
    up, down = [0.03, 0.01, 0.03, 0.01], [-0.01, -0.03, -0.01, -0.03]
    flat = [0.01, -0.01, 0.01, -0.01]
    returns = np.array([up + down, down + up, flat + flat, flat + flat]).T
    found = backtest_overfitting(returns, 2)
    high = 0.02 / (0.01 * math.sqrt(4 / 3))
    assert found.pbo == found.probability_of_loss == 1.0
    assert found.logits == pytest.approx([math.log(1 / 4)] * 2)
    assert found.in_sample == pytest.approx([high] * 2)
    assert found.out_of_sample == pytest.approx([-high] * 2)
    assert found.slope is None


def test_the_choice_that_is_best_everywhere_is_never_overfit():
    returns = with_edge(0, 320, 10, 50.0)
    found = backtest_overfitting(returns, 8)
    assert found.pbo == found.probability_of_loss == 0.0
    assert found.logits == pytest.approx([math.log(10)] * math.comb(8, 4))
    assert found.slope == pytest.approx(-1.0, abs=0.2)


def test_trials_that_are_all_alike_tell_nothing():
    found = backtest_overfitting(np.tile(noise(0, 64, 1), 5), 4)
    assert found.pbo == 0.5
    assert found.logits == pytest.approx(np.zeros(6), abs=1e-15)


def test_where_no_trial_ever_trades_there_is_no_choice_to_judge():
    assert backtest_overfitting(np.full((64, 5), 0.001), 4) is None


def test_trials_that_tie_for_the_best_count_with_the_mean_of_their_ranks():
    """In the first half nobody trades but the loser; in the second the three others end up apart."""
    first, second = np.zeros((8, 4)), noise(1, 8, 4) + np.array([0.05, 0.0, -0.05, 0.2])
    first[:, 3] = noise(2, 8, 1)[:, 0] - 0.05
    found = backtest_overfitting(np.vstack([first, second]), 2)
    assert found.in_sample[0] == 0.0
    assert found.logits[0] == pytest.approx(math.log(2 / 3))
    ratios = second.mean(axis=0) / second.std(axis=0, ddof=1)
    assert found.out_of_sample[0] == pytest.approx(ratios[:3].mean())


@pytest.mark.parametrize("blocks", [0, 1, 3, 7, 22, -2])
def test_blocks_that_have_no_halves_are_refused(blocks):
    with pytest.raises(InvalidInput, match="even number from 2 to 20") as caught:
        backtest_overfitting(noise(0, 100, 3), blocks)
    assert caught.value.code == "bad_blocks"


def test_more_trials_than_fit_are_refused_and_not_sampled():
    with pytest.raises(InvalidInput, match="drawn at random") as caught:
        backtest_overfitting(np.zeros((1, 10_001)))
    assert caught.value.detail()["allowed"] == {"maximum": 10_000}


@pytest.mark.parametrize("shape", [(31, 5), (320, 1), (0, 0), (0, 5), (32, 0)])
def test_too_few_bars_or_trials_have_no_pbo(shape):
    assert backtest_overfitting(np.zeros(shape)) is None


def test_returns_with_holes_are_refused():
    returns = noise(0, 40, 3)
    returns[11, 2] = np.inf
    for statistic in (backtest_overfitting, lambda values: superior_ability(values, rng_of(0))):
        with pytest.raises(BadData, match="holds inf in row 11"):
            statistic(returns)


def test_luck_alone_is_claimed_to_be_skill_in_at_most_one_search_of_twenty():
    """300 searches of 200 trials worth nothing: each best looks good alone, hardly any after deflation."""
    alone = deflated = 0
    for seed in range(300):
        best, variance = best_of(noise(seed, 250, 200))
        alone += probabilistic_sharpe(*best) > 0.95
        deflated += deflated_sharpe(best, variance, 200) > 0.95
    assert alone >= 295
    assert deflated <= 15


def test_of_trials_that_are_worth_nothing_the_choice_is_as_often_bad_as_good():
    for trials in (7, 30):
        found = [backtest_overfitting(noise(seed, 256, trials), 8).pbo for seed in range(200)]
        assert np.mean(found) == pytest.approx(0.5, abs=3 * np.std(found) / math.sqrt(200))
        assert 0.05 < np.std(found) < 0.3


def test_the_tests_of_many_strategies_are_right_about_luck():
    """Two standard errors above 5 % of 100 searches are 9 %."""
    found = [superior_ability(noise(seed, 250, 40), rng_of(seed), replications=99) for seed in range(100)]
    for name in ("lower", "consistent", "upper", "reality_check"):
        assert np.mean([getattr(each, name) <= 0.05 for each in found]) <= 0.09
    assert all(each.lower <= each.consistent <= each.upper for each in found)


def test_a_sharpe_ratio_of_three_among_two_hundred_is_found():
    deflated, pbo, tested = [], [], []
    for seed in range(10):
        returns = with_edge(seed, 1250, 200, 3.0)
        deflated.append(deflated_sharpe(*best_of(returns), 200))
        pbo.append(backtest_overfitting(returns, 8).pbo)
        tested.append(superior_ability(returns, rng_of(seed), replications=99).consistent)
    assert np.mean(np.array(deflated) > 0.95) >= 0.9
    assert np.mean(np.array(pbo) < 0.2) >= 0.9
    assert np.mean(np.array(tested) <= 0.05) >= 0.95


def test_a_sharpe_ratio_of_two_among_two_hundred_is_found_more_often_than_not():
    """In five years: Hansen's test sees nearly all, deflation half of them; `docs/statistics.md` has 300 searches."""
    deflated, pbo, tested = [], [], []
    for seed in range(20):
        returns = with_edge(seed, 1250, 200, 2.0)
        deflated.append(deflated_sharpe(*best_of(returns), 200))
        pbo.append(backtest_overfitting(returns, 8).pbo)
        tested.append(superior_ability(returns, rng_of(seed), replications=99).consistent)
    assert np.mean(np.array(deflated) > 0.95) >= 0.3
    assert np.mean(pbo) < 0.25
    assert np.mean(np.array(tested) <= 0.05) >= 0.7


def test_losers_do_not_hide_a_winner_from_hansens_test():
    """White's p value grows with every hopeless strategy that is noisy; the consistent one leaves them out."""
    returns = with_edge(4, 500, 2, 2.0)
    losers = noise(5, 500, 60) * 5 - 0.01
    alone, beside = (superior_ability(values, rng_of(1)) for values in (returns, np.hstack([returns, losers])))
    assert beside.consistent == pytest.approx(alone.consistent, abs=0.02)
    assert beside.reality_check > 0.5
    assert beside.lower <= beside.consistent <= beside.upper


def test_nothing_is_better_than_nothing_when_all_lose():
    found = superior_ability(noise(0, 200, 5) - 0.01, rng_of(0), replications=99)
    assert (found.lower, found.consistent, found.upper) == (1.0, 1.0, 1.0)


def test_the_smallest_p_value_is_one_of_the_resamples():
    found = superior_ability(noise(0, 200, 3) + 0.01, rng_of(0), replications=99)
    assert found.consistent == found.reality_check == 0.01


def test_the_same_seed_gives_the_same_p_values_and_another_does_not():
    returns = noise(1, 200, 10)
    assert superior_ability(returns, rng_of(1)) == superior_ability(returns, rng_of(1))
    assert superior_ability(returns, rng_of(1)) != superior_ability(returns, rng_of(2))


def test_strategies_that_never_trade_are_left_out():
    returns = noise(2, 200, 10)
    beside = np.hstack([np.zeros((200, 3)), returns])
    assert superior_ability(beside, rng_of(1)) == superior_ability(returns, rng_of(1))


@pytest.mark.parametrize("returns", [np.zeros((2, 3)), np.zeros((50, 3)), np.zeros((50, 0))], ids=np.shape)
def test_without_bars_or_movement_there_is_no_p_value(returns):
    assert superior_ability(returns, rng_of(0)) is None


def test_draws_are_whole_resamples_in_runs_of_the_given_mean_length():
    (counts,) = stationary_draws(50, 5.0, 2000, rng_of(0))
    assert counts.shape == (2000, 50)
    assert (counts.sum(axis=1) == 50).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(50), abs=0.1)
    # A resample of blocks of one bar varies as independent draws do, one of whole samples not at all.
    assert next(stationary_draws(50, 1.0, 2000, rng_of(0))).var() == pytest.approx(49 / 50, rel=0.05)
    assert next(stationary_draws(50, 1e12, 10, rng_of(0))).var() == 0.0


def test_draws_do_not_depend_on_how_many_are_made_at_a_time(monkeypatch):
    whole = np.vstack(list(stationary_draws(30, 3.0, 40, rng_of(9))))
    monkeypatch.setattr("engine.overfit.bootstrap._CELLS", 210)
    parts = list(stationary_draws(30, 3.0, 40, rng_of(9)))
    assert [len(part) for part in parts] == [7, 7, 7, 7, 7, 5]
    assert np.array_equal(np.vstack(parts), whole)
    returns = noise(3, 30, 8)
    assert from_draws(returns, parts, 3.0) == from_draws(returns, [whole], 3.0)


def test_the_variance_under_the_bootstrap_is_the_sum_over_all_lags(monkeypatch):
    """Politis and Romano's lemma written out, for an even and an odd number of bars and a few columns at a time."""
    monkeypatch.setattr("engine.overfit.snooping._CELLS", 60)
    for bars in (30, 31):
        values = noise(bars, bars, 5)
        centred = values - values.mean(axis=0)
        expected = (centred**2).mean(axis=0)
        for lag in range(1, bars):
            weight = (1 - lag / bars) * 0.75**lag + lag / bars * 0.75 ** (bars - lag)
            expected += 2 * weight * (centred[lag:] * centred[:-lag]).sum(axis=0) / bars
        assert bootstrap_variance(values, 4.0) == pytest.approx(expected, rel=1e-12)


def test_blocks_hold_together_what_depends():
    """Under dependence blocks of one bar take the best of luck for skill far too often."""
    values = np.concatenate([noise(seed, 20_000, 20) for seed in (7, 8, 9, 10)])
    for t in range(1, len(values)):
        values[t] += 0.6 * values[t - 1]
    searches = values.reshape(320, 250, 20)
    kept = [superior_ability(each, rng_of(1), replications=99).consistent <= 0.05 for each in searches]
    torn = [superior_ability(each, rng_of(1), block_length=1, replications=99).consistent <= 0.05 for each in searches]
    assert np.mean(kept) < 0.25 < 0.5 < np.mean(torn)


def test_between_trials_worth_nothing_the_ratios_vary_as_one_over_the_bars():
    ratios = [shape(column).per_bar for column in noise(8, 400, 2000).T]
    assert Tally.of(ratios).variance == pytest.approx(1 / 400, rel=0.1)
    assert stats.kstest(np.array(ratios) * 20, "norm").pvalue > 0.01
