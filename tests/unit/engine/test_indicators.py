"""Ties, crosses, latches and month ends."""

from __future__ import annotations

import numpy as np
import pytest

from engine import indicators


def column(*values):
    return np.array(values, dtype=float).reshape(-1, 1)


def test_a_rolling_sum_forgets_what_left_the_window_entirely():
    values = column(1e16, 1.0, 1.0, 1.0)
    assert indicators.rolling_sum(values, 2)[:, 0].tolist()[2:] == [2.0, 2.0]


@pytest.mark.parametrize("price", [1.1, 0.1, 1.0837, 3333.33])
def test_equal_averages_of_a_constant_price_are_a_tie(price):
    relation = indicators.compare_averages(np.full((300, 1), price), 20, 50)
    assert np.isnan(relation[:49]).all()
    assert (relation[49:] == 0.0).all()


def test_averages_that_are_equal_on_paper_are_a_tie_though_not_in_binary():
    # (1.1 + 1.2 + 1.3) / 3 = 1.2 = (1.1 + 1.3) / 2, while 1.1 + 1.3 is not twice 1.2 in floats.
    assert indicators.compare_averages(column(1.2, 1.1, 1.3), 2, 3)[2, 0] == 0.0


def test_a_tie_is_one_over_missing_bars_too():
    # After a million the sliding sums have lost digits: this tie is only seen by adding the window up again.
    relation = indicators.compare_averages(column(1e6, 1.2, np.nan, 1.1, np.nan, np.nan, 1.3, 9.0), 2, 3)[:, 0]
    assert (relation[6], relation[7]) == (0.0, 1.0)
    assert np.isnan(relation[[2, 4, 5]]).all()


def test_a_difference_in_the_sixth_digit_is_no_tie():
    assert indicators.compare_averages(column(1.2, 1.1, 1.300001), 2, 3)[2, 0] == 1.0


def test_a_cross_goes_from_at_or_below_to_above_and_a_tie_alone_is_none():
    relation = column(np.nan, 1, 0, 1, -1, 0, 1, 1, 0, -1)
    up, down = indicators.crosses(relation)
    assert np.flatnonzero(up[:, 0]).tolist() == [3, 6]
    assert np.flatnonzero(down[:, 0]).tolist() == [4, 9]


def test_a_cross_is_seen_over_a_missing_bar():
    up, _ = indicators.crosses(column(-1, np.nan, 1))
    assert np.flatnonzero(up[:, 0]).tolist() == [2]


def test_what_stands_after_a_cross_may_be_any_two_numbers():
    relation = column(np.nan, 1, 0, 1, -1, 0, 1, np.nan, 0, -1)
    assert indicators.last_cross(relation, 0.25, 2)[:, 0].tolist() == [0, 0, 0, 0.25, 2, 2, 0.25, 0.25, 0.25, 2]


@pytest.mark.parametrize("columns", [1, 3])
def test_where_a_square_is_no_float_a_slope_is_right_and_a_correlation_unknown(columns):
    x = np.repeat(column(1e200, 3e200, 5e200, 9e200), columns, axis=1)
    y = np.repeat(column(1, 2, 3, 5), columns, axis=1)
    np.testing.assert_allclose(indicators.rolling_beta(x, y, 3)[2:], 2e200, rtol=1e-12)
    assert np.isnan(indicators.rolling_corr(x, y, 3)).all()


def test_movement_that_is_not_known_is_not_called_none():
    high, low = column(2, 3, 4, 5, -np.inf), column(1, 2, 3, 2, 1)
    found = indicators.adx(high, low, low, window=2)
    assert np.isnan(found.plus[-1, 0])
    assert not np.isnan(found.plus[-2, 0])


def test_a_latch_stays_until_it_is_released():
    on = column(0, 1, 0, 0, 1, 1).astype(bool)
    off = column(1, 0, 0, 1, 0, 1).astype(bool)
    assert indicators.latch(on, off)[:, 0].tolist() == [0, 1, 1, 0, 1, 1]


def test_within_the_last_weekday_of_a_month_the_first_bar_decides():
    days = np.array(["2024-05-30", "2024-05-31", "2024-06-03"], dtype="datetime64[m]")
    times = (days[:, None] + np.array([570, 571, 572])).ravel().astype("datetime64[ns]")

    assert np.flatnonzero(indicators.month_ends(times)).tolist() == [3]


@pytest.mark.parametrize(
    ("days", "decided"),
    [
        # Good Friday on the last weekday of March, and no bar on that of April either
        ("2024-03-28 2024-04-01 2024-04-29 2024-05-02 2024-05-31", [1, 3, 4]),
        ("2024-01-26 2024-02-02 2024-02-23 2024-03-01 2024-03-22 2024-03-29 2024-04-05", [1, 3, 5]),  # Fridays
        ("2024-01-31 2024-04-08 2024-04-09", [0]),  # months without a bar have no decision
        ("2024-01-30 2024-04-08 2024-04-09", [1]),
    ],
)
def test_a_decision_that_came_late_does_not_stand_for_that_of_its_own_month(days, decided):
    time = np.array(days.split(), dtype="datetime64[ns]")

    assert np.flatnonzero(indicators.month_ends(time)).tolist() == decided


def test_month_ends_are_last_weekdays_or_the_first_bar_after_a_holiday():
    days = np.array(
        ["2024-03-27", "2024-03-28", "2024-04-01", "2024-04-30", "2024-05-31", "2024-06-28", "2024-07-01"],
        dtype="datetime64[ns]",
    )  # 29 March 2024 was Good Friday
    assert days[indicators.month_ends(days)].astype("datetime64[D]").astype(str).tolist() == [
        "2024-04-01",
        "2024-04-30",
        "2024-05-31",
        "2024-06-28",
    ]
