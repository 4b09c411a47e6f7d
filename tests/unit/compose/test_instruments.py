"""Prices of instruments, by sums that fit on paper."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.instruments import COST_KEYS, INSTRUMENTS, UNITS, price, prices
from engine import STANDARD_COSTS

NAN = np.nan


def told(**values):
    return {key: np.array(row, dtype=float) for key, row in values.items()}


def test_a_di_future_earns_its_carry_and_loses_its_duration_when_the_yield_rises():
    """One year at 10%, over cash at 12%, and the yield goes to 11%: D = 1 / 1.1, C = 2 / 1.21."""
    found = price("DI_1Y", told(DI_1Y=[10, 11], CDI=[12, 99]))

    carry, change = (0.10 - 0.12) / 252, 0.01
    assert found == pytest.approx([100.0, 100.0 * (1 + carry - change / 1.1 + 2 / 1.21 * change**2 / 2)], rel=1e-14)


def test_a_treasury_bond_rolls_down_to_the_nearest_point_that_is_known():
    """Two years at 5%: a session later it is a bond of 2 - 1/252 years, 1/252 of the way to 4% at one year."""
    curve = {"UST_2Y": [5, 5], "SOFR": [5, 5]}
    rolled = 0.01 / 252
    gain = 2 / 1.05 * rolled + 6 / 1.05**2 * rolled**2 / 2

    assert price("UST_2Y", told(**curve, UST_1Y=[4, 4])) == pytest.approx([100, 100 * (1 + gain)], rel=1e-14)
    assert price("UST_2Y", told(**curve, UST_3M=[9, 9], UST_1Y=[4, 4]))[1] == pytest.approx(100 * (1 + gain), rel=1e-14)
    assert price("UST_2Y", told(**curve, UST_1Y=[4, NAN])).tolist() == [100.0, 100.0]
    assert price("UST_2Y", told(**curve, UST_5Y=[1, 1])).tolist() == [100.0, 100.0]


def test_an_inflation_linked_bond_earns_the_inflation_that_was_released_last():
    """6% real over cash at 12%; IPCA of 0.5% and, once it is released, 1% a month of 21 sessions."""
    found = price("NTNB_2Y", told(NTNB_2Y=[6, 6, 6], CDI=[12, 12, 12], IPCA_MOM=[0.5, 0.5, 1.0]))

    carry = (0.06 - 0.12) / 252
    first = 100 * (1 + carry + 1.005 ** (1 / 21) - 1)
    assert found == pytest.approx([100.0, first, first * (1 + carry + 1.01 ** (1 / 21) - 1)], rel=1e-14)


def test_the_dollar_starts_at_its_rate_and_pays_the_difference_of_the_overnight_rates():
    found = price("USDBRL", told(USDBRL=[5.0, 5.1], CDI=[12, 12], SOFR=[4, 4]))

    assert found == pytest.approx([5.0, 5.1 * math.exp(-0.08 / 252)], rel=1e-14)


def test_protection_pays_its_premium_and_gains_when_the_spread_widens():
    """200 to 210 bps at a riskless 4%: hazard 0.02 / 0.75, so premiums are discounted at 1/15."""
    found = price("CDS_5Y", told(CDS_5Y=[200, 210], UST_5Y=[4, 4]))

    duration = (1 - math.exp(-5 / 15)) * 15
    assert found == pytest.approx([100.0, 100 * (1 - 0.02 / 252 + duration * 0.001)], rel=1e-14)


def test_there_is_a_price_only_where_everything_is_known_and_it_starts_there():
    found = price("DI_1Y", told(DI_1Y=[10, 10, NAN, 10, 10], CDI=[NAN, 12, 12, 12, 12]))

    session = 1 - 0.02 / 252
    assert found == pytest.approx([NAN, 100.0, NAN, 100 * session, 100 * session**2], rel=1e-14, nan_ok=True)
    assert price("DI_1Y", told(DI_1Y=[10, 10], CDI=[NAN, 12])) is None
    assert price("DI_1Y", told(DI_1Y=[10, 10])) is None


def test_what_becomes_known_of_a_curve_later_changes_no_price_before(rng):
    rows = {key: rng.normal(10.0, 0.3, 60) for key in ("DI_1M", "DI_3M", "DI_6M", "DI_1Y", "DI_2Y", "CDI")}
    rows["DI_3M"][rng.random(60) < 0.3] = NAN
    rows["DI_6M"][rng.random(60) < 0.3] = NAN
    rows["CDI"][:4] = NAN
    whole = prices(rows)

    assert set(whole) == {"DI_3M", "DI_6M", "DI_1Y", "DI_2Y"}
    for cut in range(12, 60):
        early = prices({key: values[:cut] for key, values in rows.items()})
        for name, values in early.items():
            assert values.tobytes() == whole[name][:cut].tobytes(), (name, cut)


def test_every_instrument_is_made_of_its_own_series_and_is_charged_as_one():
    assert all(item.needs[0] == name for name, item in INSTRUMENTS.items())
    assert set(COST_KEYS.values()) <= set(STANDARD_COSTS)
    assert {UNITS["USDBRL"], UNITS["CDS_5Y"], UNITS["DI_1M"], UNITS["UST_3M"]} == {"price", "bps", "percent"}


@pytest.fixture
def rng():
    return np.random.default_rng(3)
