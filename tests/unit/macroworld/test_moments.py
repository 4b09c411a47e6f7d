"""Sizes of the world beside those of markets: of what was measured on real data, and of that data where it is there."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet
import pytest

from app.columns import moments, numbers

FIRST, LAST = np.datetime64("2010-01-01"), np.datetime64("2025-01-01")
# Measured from 2010 to 2024: standard deviation of a session's change (log return, percentage points), excess kurtosis.
DAILY = {
    "USDBRL": (0.0096, 3.6),
    "VIX": (0.077, 7.0),
    "UST_3M": (0.026, 28.0),
    "UST_1Y": (0.034, 45.0),
    "UST_2Y": (0.045, 14.0),
    "UST_5Y": (0.054, 2.9),
    "UST_10Y": (0.054, 1.7),
}
CORRELATIONS = {
    ("UST_2Y", "UST_10Y"): 0.71,
    ("UST_5Y", "UST_10Y"): 0.93,
    ("UST_3M", "UST_10Y"): 0.21,
    ("UST_10Y", "VIX"): -0.24,
    ("USDBRL", "VIX"): 0.14,
    ("USDBRL", "UST_10Y"): -0.08,
    ("USDBRL", "BRENT"): -0.16,
}
REAL = {
    "USDBRL": ("fx_usd_daily", "USDBRL"),
    "VIX": ("vix_daily", "close"),
    "BRENT": ("energy_daily", "BRENT"),
    **{f"UST_{tenor}": ("us_treasury_par_daily", tenor) for tenor in ("3M", "1Y", "2Y", "5Y", "10Y")},
}
LOGS = ("USDBRL", "VIX", "BRENT", "IBOV")


def changes(key, values):
    return np.diff(np.log(values) if key in LOGS else values)


def kurtosis(x):
    return float(((x - x.mean()) ** 4).mean() / x.var() ** 2 - 3.0)


def autocorrelation(x, lag):
    x = x - x.mean()
    return float((x[lag:] * x[:-lag]).mean() / x.var())


def clustering(x):
    """The mean autocorrelation of squares over twenty sessions."""
    return float(np.mean([autocorrelation((x - x.mean()) ** 2, lag) for lag in range(1, 21)]))


@pytest.fixture(scope="module")
def world(series):
    return {key: changes(key, item.value) for key, item in series.items()}


@pytest.fixture(scope="module")
def real(real_panel):
    found = {}
    for key, (name, column) in REAL.items():
        table = pyarrow.parquet.ParquetFile(real_panel / f"{name}.parquet").read()
        day, values = moments(table["date"]).astype("datetime64[D]"), numbers(table[column])
        known = np.isfinite(values) & (day >= FIRST) & (day < LAST)
        found[key] = dict(zip(day[known][1:].tolist(), changes(key, values[known]).tolist(), strict=True))
    return found


def correlation(one, other):
    count = min(len(one), len(other))
    return float(np.corrcoef(one[:count], other[:count])[0, 1])


@pytest.mark.parametrize("key", DAILY)
def test_moves_are_as_large_as_in_markets_and_their_tails_as_fat(world, key):
    size, tails = DAILY[key]
    assert world[key].std() == pytest.approx(size, rel=0.30)
    assert 0.3 * min(tails, 10.0) < kurtosis(world[key]) < 2.0 * max(tails, 5.0)


@pytest.mark.parametrize("key", ["USDBRL", "BRENT", "SOY", "VIX", "IBOV", "UST_5Y", "UST_10Y", "DI_10Y", "CDS_5Y"])
def test_large_moves_follow_large_ones_and_their_direction_is_open(world, key):
    assert 0.03 < clustering(world[key]) < 0.30
    assert abs(autocorrelation(world[key], 1)) < 0.08


@pytest.mark.parametrize("pair", CORRELATIONS, ids="-".join)
def test_markets_move_together_as_they_do_in_life(world, pair):
    assert correlation(world[pair[0]], world[pair[1]]) == pytest.approx(CORRELATIONS[pair], abs=0.22)


def test_bad_news_weaken_the_currency_widen_the_spread_raise_the_curve_and_sink_shares(world):
    for one, other, least in (
        ("USDBRL", "CDS_5Y", 0.35),
        ("USDBRL", "DI_5Y", 0.25),
        ("CDS_5Y", "DI_10Y", 0.35),
        ("VIX", "CDS_5Y", 0.25),
        ("DI_2Y", "DI_5Y", 0.80),
    ):
        assert correlation(world[one], world[other]) > least, (one, other)
    assert correlation(world["IBOV"], world["VIX"]) < -0.4
    assert correlation(world["IBOV"], world["USDBRL"]) < -0.3


def test_levels_are_those_of_the_country(series):
    for key, low, high in (
        ("SELIC_TARGET", 2.0, 20.0),
        ("IPCA_12M", -1.0, 13.0),
        ("DI_2Y", 3.0, 22.0),
        ("CDS_5Y", 60.0, 700.0),
        ("VIX", 5.0, 100.0),
        ("DEBT_GDP", 45.0, 100.0),
        ("NTNB_5Y", 0.5, 11.0),
        ("UST_10Y", 0.3, 6.0),
    ):
        assert low <= series[key].value.min() < series[key].value.max() <= high, key
    assert 12.0 < np.median(series["VIX"].value) < 22.0
    assert np.ptp(series["SELIC_TARGET"].value) > 7.0
    assert np.ptp(series["DEBT_GDP"].value) > 15.0


def test_the_policy_rate_follows_inflation_and_surveys_foresee_it(series):
    rate, expected = series["SELIC_TARGET"], series["FOCUS_IPCA_12M"]
    assert correlation(rate.value[120:], expected.value[:-120]) > 0.5
    ahead = series["FOCUS_SELIC_Y1"].value[:-252]
    assert (
        correlation(ahead - rate.value[: len(ahead)], rate.value[252 : 252 + len(ahead)] - rate.value[: len(ahead)])
        > 0.3
    )


@pytest.mark.parametrize("key", DAILY)
def test_sizes_and_tails_are_those_of_the_real_panel(world, real, key):
    found = np.array(list(real[key].values()))
    assert world[key].std() == pytest.approx(found.std(), rel=0.30)
    assert 0.3 * min(kurtosis(found), 10.0) < kurtosis(world[key]) < 2.0 * max(kurtosis(found), 5.0)
    assert autocorrelation(world[key], 1) == pytest.approx(autocorrelation(found, 1), abs=0.12)
    assert clustering(world[key]) == pytest.approx(clustering(found), abs=0.15)


@pytest.mark.parametrize("pair", CORRELATIONS, ids="-".join)
def test_correlations_are_those_of_the_real_panel(world, real, pair):
    one, other = (real[key] for key in pair)
    days = sorted(one.keys() & other.keys())
    measured = correlation(np.array([one[day] for day in days]), np.array([other[day] for day in days]))
    assert measured == pytest.approx(CORRELATIONS[pair], abs=0.03)  # the target is what it says that it is
    assert correlation(world[pair[0]], world[pair[1]]) == pytest.approx(measured, abs=0.22)
