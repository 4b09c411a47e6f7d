"""Returns of yields, rates and spreads against cases that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine import curves, returns

TENORS = np.array([0.25, 1.0, 2.0, 5.0])
FUNDING = np.array([10.0, 10.0])


def flat(*levels):
    return np.repeat(np.array(levels)[:, None], len(TENORS), axis=1)


def test_a_yield_between_tenors_is_linear_and_outside_it_is_that_of_the_end():
    curve = np.array([10.0, 11.0, 12.0, 15.0])
    asked = [0.1, 0.25, 0.625, 2.0, 3.0, 5.0, 9.0]
    assert [float(curves.yield_at(TENORS, curve, years)) for years in asked] == [10, 10, 10.5, 12, 13, 15, 15]


def test_a_missing_tenor_spoils_only_the_yields_that_need_it():
    curve = np.array([10.0, np.nan, 12.0, 15.0])
    assert np.isnan(curves.yield_at(TENORS, curve, 1.5))
    assert curves.yield_at(TENORS, curve, 2.0) == 12.0
    assert curves.yield_at(TENORS, curve, 3.5) == 13.5


def test_roll_down_is_the_price_on_the_curve_over_the_price_at_the_old_yield():
    rising = np.array([10.0, 11.0, 12.0, 15.0])
    left = 2.0 - 21 / 252
    later = 12.0 - 21 / 252
    expected = ((1 + later / 100) ** -left) / (1.12**-left) - 1
    assert curves.roll_down(TENORS, rising, 2.0) == pytest.approx(expected, rel=1e-12)
    assert expected > 0
    assert curves.roll_down(TENORS, flat(10.0)[0], 2.0) == 0.0
    assert curves.roll_down(TENORS, rising, 0.05) == 0.0


def test_a_flat_curve_that_stays_earns_its_carry():
    found = returns.zero_coupon(TENORS, flat(12.0, 12.0), 2.0, FUNDING)
    assert found.tolist() == [0.0, pytest.approx(0.02 / 252, rel=1e-12)]


def test_a_falling_yield_gains_for_whoever_receives():
    found = returns.zero_coupon(TENORS, flat(12.0, 11.0), 2.0, FUNDING)[1]
    exact = 1.11 ** -(2 - 1 / 252) / 1.12**-2 - 1 - 0.10 / 252
    assert found == pytest.approx(0.02 / 252 + 2 / 1.12 * 0.01 + 6 / 1.12**2 * 0.01**2 / 2, rel=1e-12)
    assert found == pytest.approx(exact, abs=1e-4)  # the two are one up to third order and compounding
    assert returns.zero_coupon(TENORS, flat(12.0, 13.0), 2.0, FUNDING)[1] < 0


def test_a_rising_curve_that_stays_pays_for_rolling_down_it():
    curve = np.array([[10.0, 11.0, 12.0, 15.0]] * 2)
    found = returns.zero_coupon(TENORS, curve, 5.0, FUNDING)[1]
    down = (1.0 / 252) / 100  # the curve rises by one point a year there
    assert found == pytest.approx(0.05 / 252 + 5 / 1.15 * down + 30 / 1.15**2 * down**2 / 2, rel=1e-9)


def test_a_linker_grows_with_inflation():
    plain, linked = (
        returns.zero_coupon(TENORS, flat(6.0, 6.0), 2.0, FUNDING, accrual=accrual)[1] for accrual in (0.0, 0.0002)
    )
    assert linked - plain == pytest.approx(0.0002, rel=1e-9)


def test_a_dollar_that_stays_costs_the_difference_of_rates():
    found = returns.dollar(np.array([5.0, 5.0, 5.5]), np.full(3, 13.0), np.full(3, 4.0))
    assert found[1] == pytest.approx(np.exp(-0.09 / 252) - 1, rel=1e-12)
    assert found[2] == pytest.approx(1.1 * np.exp(-0.09 / 252) - 1, rel=1e-12)
    assert returns.index_future(np.array([5.0, 5.0, 5.5]), np.full(3, 9.0)) == pytest.approx(found, rel=1e-12)


def test_protection_gains_when_the_spread_widens_and_costs_its_premium_when_it_stays():
    stays, widens = (returns.protection(np.array([200.0, then]), np.array([4.0, 4.0]))[1] for then in (200.0, 300.0))
    hazard = 0.02 / 0.75
    duration = (1 - np.exp(-(0.04 + hazard) * 5)) / (0.04 + hazard)
    assert stays == pytest.approx(-0.02 / 252, rel=1e-12)
    assert widens == pytest.approx(-0.02 / 252 + duration * 0.01, rel=1e-12)
    assert 4.0 < duration < 4.5


def test_a_price_series_has_the_returns_that_it_is_made_of():
    made = returns.prices(np.array([0.0, 0.1, -0.5]), 50.0)
    assert made == pytest.approx([50.0, 55.0, 27.5])
    assert np.isnan(returns.prices(np.array([0.0, np.nan, 0.1]))).tolist() == [False, True, True]


def test_what_is_missing_on_a_session_is_missing_in_its_return_and_in_the_next_one():
    yields = flat(12.0, 12.0, 12.0, 12.0)
    yields[1] = np.nan
    found = returns.zero_coupon(TENORS, yields, 2.0, np.full(4, 10.0))
    assert np.isnan(found).tolist() == [False, True, True, False]
