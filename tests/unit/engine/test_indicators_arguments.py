"""What indicators refuse, and how they take their inputs."""

from __future__ import annotations

import numpy as np
import pytest

from engine import indicators as i
from engine.errors import InvalidInput

LINE = np.arange(1.0, 9.0)
BARS = (LINE, LINE + 1, LINE - 0.5, LINE)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: i.sma(LINE, 0), "window must be a whole number of at least 1, given 0"),
        (lambda: i.ema(LINE, -3), "window must be a whole number of at least 1, given -3"),
        (lambda: i.rma(LINE, 2.5), "window must be a whole number of at least 1, given 2.5"),
        (lambda: i.wma(LINE, "3"), "window must be a whole number of at least 1, given '3'"),
        (lambda: i.rolling_std(LINE, 1), "window must be a whole number of at least 2"),
        (lambda: i.rolling_std(LINE, 3, ddof=-1), "ddof must be a whole number of at least 0"),
        (lambda: i.zscore(LINE, 1, ddof=0), "window must be a whole number of at least 2"),
        (lambda: i.rolling_skew(LINE, 2), "window must be a whole number of at least 3"),
        (lambda: i.rolling_kurt(LINE, 3), "window must be a whole number of at least 4"),
        (lambda: i.rolling_corr(LINE, LINE, 1), "window must be a whole number of at least 2"),
        (lambda: i.rolling_beta(LINE, LINE, 1), "window must be a whole number of at least 2"),
        (lambda: i.lag(LINE, -1), "bars must be a whole number of at least 0"),
        (lambda: i.roc(LINE, 0), "bars must be a whole number of at least 1"),
        (lambda: i.macd(LINE, fast=26, slow=12), r"fast \(26\) must be below slow \(12\)"),
        (lambda: i.macd(LINE, signal=0), "signal must be a whole number of at least 1"),
        (lambda: i.adx(*BARS[1:], window=1), "window must be a whole number of at least 2"),
        (lambda: i.keltner(*BARS[1:], range_window=0), "range_window must be a whole number of at least 1"),
        (lambda: i.bollinger(LINE, width=0.0), "width must be a positive number, given 0.0"),
        (lambda: i.volatility(LINE, periods_per_year=np.nan), "periods_per_year must be a positive number"),
        (lambda: i.yang_zhang(*BARS, window=1), "window must be a whole number of at least 2"),
        (lambda: i.ewm_variance(LINE, -1.0), "center_of_mass must be a number of at least 0"),
        (lambda: i.sma(5.0, 2), r"values \[T\] or \[T, N\], given the shape \(\)"),
        (lambda: i.sma(np.ones((2, 2, 2)), 2), r"given the shape \(2, 2, 2\)"),
        (lambda: i.sma(np.array([1.0, np.inf]), 2), "row 1 holds an infinite value"),
        (lambda: i.compare_averages(np.array([np.inf, 1.0, 2.0, 3.0]), 1, 2), "row 0 holds an infinite value"),
        (lambda: i.compare_averages(np.array([1.0, 2.0, 3.0, -np.inf]), 1, 2), "row 3 holds an infinite value"),
        (lambda: i.volatility(np.array([1.0, 2.0, 0.0])), "need positive prices; row 2"),
        (lambda: i.rolling_corr(LINE, LINE[1:], 2), r"shapes \(8,\) and \(7,\) do not stand beside each other"),
        (lambda: i.rolling_corr(LINE, LINE[:1], 2), r"shapes \(8,\) and \(1,\) do not stand beside each other"),
        (lambda: i.cross_above(np.ones((8, 3)), np.ones((8, 2))), "do not stand beside each other"),
        (lambda: i.latch(LINE > 2, LINE[1:] > 2), "on and off must have one shape"),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(call, words):
    with pytest.raises(InvalidInput, match=words):
        call()


def test_a_window_longer_than_the_data_has_no_value():
    two = np.column_stack((LINE, LINE))
    averages = (i.compare_averages(LINE, 3, 9), i.compare_averages(two, 3, 9))
    for found in (
        i.sma(LINE, 9),
        i.rolling_max(LINE, 9),
        i.rolling_std(LINE, 9),
        i.percentile_rank(LINE, 9),
        *averages,
    ):
        assert np.isnan(found).all()


@pytest.mark.parametrize("shape", [(0,), (0, 3), (4, 0)])
def test_nothing_in_is_nothing_out(shape):
    empty = np.empty(shape)
    for found in (i.sma(empty, 2), i.percentile_rank(empty, 2), i.rolling_corr(empty, empty, 2), i.rsi(empty)):
        assert found.shape == shape


def test_numpy_whole_numbers_are_windows_and_whole_numbers_are_values():
    np.testing.assert_array_equal(i.sma(np.arange(4), np.int64(2)), [np.nan, 0.5, 1.5, 2.5])


def test_what_is_given_is_neither_changed_nor_frozen():
    values = LINE.copy().reshape(-1, 1)
    i.sma(values, 2)
    values[0, 0] = 7.0
    i.atr(values, values, values)
    assert values[0, 0] == 7.0


def test_infinite_values_may_be_compared():
    values = np.array([1.0, np.inf, 2.0, 3.0])
    np.testing.assert_array_equal(i.rolling_max(values, 2), [np.nan, np.inf, np.inf, 3.0])
    np.testing.assert_array_equal(i.lag(values, 1), [np.nan, 1.0, np.inf, 2.0])


def test_one_market_stands_beside_every_column():
    rng = np.random.default_rng(2)
    market, stocks = rng.normal(size=30), rng.normal(size=(30, 30))  # as many columns as rows
    beta = i.rolling_beta(stocks, market, 10)
    np.testing.assert_array_equal(beta, i.rolling_beta(stocks, market[:, None], 10))
    np.testing.assert_array_equal(beta[:, 7], i.rolling_beta(stocks[:, 7], market, 10))


def test_of_two_inputs_a_bar_counts_when_both_are_known():
    x = np.array([1.0, 2.0, np.nan, 4.0, 7.0, 9.0])
    y = np.array([2.0, 1.0, 5.0, np.nan, 3.0, 8.0])
    both = np.array([0, 1, 4, 5])
    found = i.rolling_corr(x, y, 3)
    np.testing.assert_array_equal(found[both], i.rolling_corr(x[both], y[both], 3))
    assert np.isnan(found[[2, 3]]).all()


def test_a_level_may_be_crossed_and_a_touch_alone_is_no_cross():
    values = np.array([20.0, 30.0, 29.0, 31.0, np.nan, 29.0, 30.0 + 1e-15, 35.0])
    assert np.flatnonzero(i.cross_above(values, 30.0)).tolist() == [3, 7]
    assert np.flatnonzero(i.cross_below(values, 30.0)).tolist() == [2, 5]
    assert np.flatnonzero(i.cross_above(30.0, values)).tolist() == [2, 5]


def test_a_lone_value_in_a_wild_window_keeps_its_digits():
    """The base of the sums is one of the window's values: an outlier as base costs nothing."""
    values = np.array([1.0, 1e9, 1.0, 1.0 + 1e-6, 1.0, 1.0 + 2e-6])
    np.testing.assert_allclose(i.rolling_std(values, 2, ddof=0)[3:], [5e-7, 5e-7, 1e-6], rtol=1e-9)


def test_no_movement_of_one_side_is_no_slope_and_no_correlation():
    rng = np.random.default_rng(4)
    moving, still = rng.normal(size=20), np.full(20, 0.1)
    assert i.rolling_beta(still, moving, 5)[-1] == 0.0
    assert np.isnan(i.rolling_beta(moving, still, 5)[-1])
    assert np.isnan(i.rolling_corr(still, moving, 5)[-1])
