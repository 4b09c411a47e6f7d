"""How well a Sharpe ratio is known: the examples of the papers, limits that are known, and what is not defined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

from engine.errors import BadData, InvalidInput
from engine.overfit import (
    Tally,
    deflated_sharpe,
    effective_trials,
    expected_maximum_sharpe,
    mean_correlation,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_difference,
    sharpe_interval,
)
from engine.overfit.hac import automatic_lag, long_run_variance
from engine.overfit.normal import ndtr, ndtri
from engine.overfit.sharpe import Shape, shape

# Bailey and Lopez de Prado (2014): the best of the trials has an annual 2.5 over 1,250 of 250 days a year.
BEST = Shape(2.5 / math.sqrt(250), -3.0, 10.0, 1250)
VARIANCE = 0.5 / 250
FLAT = np.full(50, 0.001)


def noise(seed=0, *shape, mean=0.0):
    return np.random.default_rng(seed).standard_normal(shape) * 0.01 + mean


def test_the_deflated_ratio_of_the_paper():
    assert expected_maximum_sharpe(VARIANCE, 100) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(BEST, VARIANCE, 100) == pytest.approx(0.9004, abs=5e-5)


def test_the_paper_would_have_allowed_46_trials_and_88_of_normal_returns():
    normal = BEST._replace(skewness=0.0, kurtosis=3.0)
    assert deflated_sharpe(BEST, VARIANCE, 46) == pytest.approx(0.9505, abs=5e-5)
    assert deflated_sharpe(normal, VARIANCE, 88) == pytest.approx(0.9505, abs=5e-5)


def test_the_deflated_ratio_of_the_paper_to_the_last_digit():
    """The closed form written out with scipy.stats, whose tails are computed another way."""
    luck = math.sqrt(VARIANCE) * (
        (1 - np.euler_gamma) * stats.norm.ppf(1 - 1 / 100) + np.euler_gamma * stats.norm.ppf(1 - 1 / (100 * math.e))
    )
    error = math.sqrt((1 + 3.0 * BEST.per_bar + 9 / 4 * BEST.per_bar**2) / 1249)
    assert expected_maximum_sharpe(VARIANCE, 100) == pytest.approx(luck, rel=1e-12)
    assert deflated_sharpe(BEST, VARIANCE, 100) == pytest.approx(
        stats.norm.cdf((BEST.per_bar - luck) / error), rel=1e-12
    )


@pytest.mark.parametrize(("per_year", "years"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_the_minimum_track_records_of_the_paper(per_year, years):
    """Bailey and Lopez de Prado (2012): an annual 2 is above 1 with 95 % after so many years of normal returns."""
    root = math.sqrt(per_year)
    assert minimum_track_record(2 / root, 0.0, 3.0, benchmark_per_bar=1 / root) / per_year == pytest.approx(
        years, abs=5e-3
    )


def test_a_hedge_fund_of_the_paper_needs_five_years():
    root = math.sqrt(12)
    months = minimum_track_record(2 / root, -0.72, 5.78, benchmark_per_bar=1 / root)
    assert months / 12 == pytest.approx(4.99, abs=5e-3)


def test_after_the_minimum_track_record_the_probability_is_reached():
    bars = minimum_track_record(0.1, -1.0, 8.0, benchmark_per_bar=0.02, confidence=0.9)
    before, after = (
        probabilistic_sharpe(0.1, -1.0, 8.0, count, benchmark_per_bar=0.02)
        for count in (math.floor(bars), math.ceil(bars))
    )
    assert before < 0.9 < after


@pytest.mark.parametrize("per_bar", [0.0, -0.1, 1e-200])
def test_no_track_record_is_long_enough_for_a_ratio_that_is_not_above(per_bar):
    assert minimum_track_record(per_bar, 0.0, 3.0) is None


def test_an_estimate_without_variance_has_no_probability_and_no_length():
    assert probabilistic_sharpe(2.0, 3.0, 3.0, 100) is None
    assert minimum_track_record(2.0, 3.0, 3.0) is None
    assert probabilistic_sharpe(0.1, 0.0, 3.0, 1) is None


def test_the_shape_is_that_of_scipy():
    values = np.random.default_rng(1).standard_t(5, 300) * 0.01 + 0.001
    found = shape(values)
    assert found.per_bar == pytest.approx(values.mean() / values.std(ddof=1), rel=1e-12)
    assert found[1:] == pytest.approx((stats.skew(values), stats.kurtosis(values, fisher=False), 300), rel=1e-12)


@pytest.mark.parametrize("values", [[], [0.01], FLAT, FLAT * 3.0], ids=len)
def test_without_variance_there_is_nothing_to_say(values):
    assert shape(values) is None
    assert sharpe_interval(values, 252) is None
    assert sharpe_difference(values, values, 252) is None


def test_a_return_that_is_not_a_number_is_refused_with_its_row():
    values = noise(0, 10)
    values[7] = np.nan
    with pytest.raises(BadData, match="returns holds nan in row 7, expected finite returns") as caught:
        sharpe_interval(values, 252)
    assert caught.value.code == "bad_numbers"
    with pytest.raises(BadData, match=r"shape \(5, 2\)") as caught:
        sharpe_interval(np.ones((5, 2)), 252)
    assert caught.value.code == "bad_shape"


@pytest.mark.parametrize("huge", [1e61, -1e61, np.inf])
def test_a_return_whose_powers_are_no_numbers_is_refused(huge):
    with pytest.raises(BadData, match="in row 1, expected finite returns"):
        shape([0.1, huge, 0.2])


def test_independent_normal_returns_have_the_error_of_lo():
    values = noise(3, 100_000, mean=0.001)
    found = sharpe_interval(values, 252, lag=0)
    per_bar = found.annual / math.sqrt(252)
    assert found.standard_error == pytest.approx(math.sqrt((1 + per_bar**2 / 2) / 100_000 * 252), rel=0.01)
    assert (found.low + found.high) / 2 == pytest.approx(found.annual)
    assert found.high - found.low == pytest.approx(2 * 1.959964 * found.standard_error, rel=1e-6)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(found.annual / found.standard_error))


def test_without_lags_the_error_is_the_one_of_the_probability():
    values = np.random.default_rng(2).standard_t(4, 500) * 0.01 + 0.001
    found, known = sharpe_interval(values, 1.0, lag=0), shape(values)
    population = known.per_bar * math.sqrt(500 / 499)
    variance = 1 - known.skewness * population + (known.kurtosis - 1) / 4 * population**2
    assert found.standard_error == pytest.approx(math.sqrt(variance / 500), rel=1e-12)


def test_dependence_between_bars_widens_the_interval():
    """The error of a mean grows by sqrt((1 + a) / (1 - a)), a the autocorrelation: 1.73 for 0.5."""
    shocks = noise(4, 50_000)
    for t in range(1, len(shocks)):
        shocks[t] += 0.5 * shocks[t - 1]
    wide, narrow = sharpe_interval(shocks, 252), sharpe_interval(shocks, 252, lag=0)
    assert wide.lag > 10
    assert wide.standard_error / narrow.standard_error == pytest.approx(math.sqrt(3), rel=0.05)


def test_a_difference_of_independent_normal_returns_has_the_error_of_memmel():
    shared, own, other = noise(5, 3, 200_000)
    first, second = shared + own + 0.002, shared + other + 0.001
    found = sharpe_difference(first, second, 252, lag=0)
    one, two = shape(first).per_bar, shape(second).per_bar
    rho = np.corrcoef(first, second)[0, 1]
    variance = 2 - 2 * rho + (one**2 + two**2 - 2 * one * two * rho**2) / 2
    assert found.annual == pytest.approx((one - two) * math.sqrt(252))
    assert found.standard_error == pytest.approx(math.sqrt(variance / 200_000 * 252), rel=0.01)
    assert found.p_value < 1e-6


def test_what_two_strategies_share_does_not_blur_their_difference():
    shared, own, other = noise(6, 3, 2500)
    found = sharpe_difference(10 * shared + own, 10 * shared + other, 252)
    apart = math.hypot(*(sharpe_interval(10 * shared + each, 252).standard_error for each in (own, other)))
    assert found.standard_error < apart / 5


def test_a_strategy_and_itself_with_leverage_have_no_difference_to_judge():
    values = noise(7, 500)
    assert sharpe_difference(values, values, 252) is None
    assert sharpe_difference(values, 3 * values, 252) is None
    assert sharpe_difference(values, FLAT.repeat(10), 252) is None


def test_series_of_different_lengths_are_not_compared():
    with pytest.raises(BadData, match="have 5 and 6 bars") as caught:
        sharpe_difference(noise(0, 5), noise(0, 6), 252)
    assert caught.value.code == "bad_shape"


def test_lags_are_bounded_by_the_root_of_the_length():
    alternating = np.tile([1.0, -1.0], 50)
    assert automatic_lag(alternating) == 10
    assert automatic_lag(np.zeros(50)) == 7
    assert long_run_variance(alternating, 500) >= 0.0


def test_one_trial_is_not_deflated():
    alone = probabilistic_sharpe(*BEST)
    assert expected_maximum_sharpe(VARIANCE, 1) == 0.0
    assert deflated_sharpe(BEST, VARIANCE, 1) == alone
    assert deflated_sharpe(BEST, 0.0, 1000) == alone


def test_the_expected_maximum_is_that_of_many_draws():
    """The docstring says how far the closed form is off for few trials."""
    for trials, apart in ((2, -0.08), (5, 0.026), (20, 0.02), (100, 0.009), (1000, 0.004)):
        grid = np.linspace(-9.0, 12.0, 200_001)
        exact = np.trapezoid(grid * trials * stats.norm.pdf(grid) * stats.norm.cdf(grid) ** (trials - 1), grid)
        assert expected_maximum_sharpe(1.0, trials) / exact - 1 == pytest.approx(apart, abs=0.004)


@pytest.mark.parametrize(("variance", "trials"), [(1.0, 0), (1.0, 0.5), (-1.0, 10), (math.nan, 10), (1.0, math.nan)])
def test_less_than_one_trial_and_a_negative_variance_are_refused(variance, trials):
    with pytest.raises(InvalidInput) as caught:
        expected_maximum_sharpe(variance, trials)
    assert caught.value.code == "bad_trials"


def test_the_variance_of_trials_leaves_out_those_without_a_ratio():
    assert Tally.of([0.1, np.nan, 0.3]).variance == pytest.approx(0.02)
    assert Tally.of([0.1, np.nan]).variance is None
    assert Tally.of([]).variance is None


def test_correlated_trials_are_like_fewer():
    assert effective_trials(100, 0.0) == 100
    assert effective_trials(100, 1.0) == 1
    assert effective_trials(101, 0.5) == 51.0
    assert effective_trials(100, -0.2) == 100


def test_the_mean_correlation_is_that_of_the_matrix():
    returns = noise(8, 400, 12) + noise(9, 400, 1)
    matrix = np.corrcoef(returns.T)
    expected = (matrix.sum() - 12) / (12 * 11)
    assert mean_correlation(returns) == pytest.approx(expected, rel=1e-9)
    beside = np.hstack([returns, np.zeros((400, 3)), np.ones((400, 1))])
    assert mean_correlation(beside) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "returns", [np.zeros((0, 3)), np.zeros((3, 0)), np.zeros((9, 3)), np.ones((9, 1))], ids=np.shape
)
def test_without_two_trials_that_vary_there_is_no_correlation(returns):
    assert mean_correlation(returns) is None


def test_the_normal_distribution_is_that_of_scipy():
    values = np.linspace(-37.0, 9.0, 2001)
    chances = np.concatenate((10.0 ** -np.linspace(0.0, 300.0, 1000), np.linspace(1e-9, 1.0, 1001)))

    np.testing.assert_allclose([ndtr(value) for value in values], special.ndtr(values), rtol=1e-12)
    np.testing.assert_allclose([ndtri(chance) for chance in chances], special.ndtri(chances), rtol=2e-15, atol=1e-15)
