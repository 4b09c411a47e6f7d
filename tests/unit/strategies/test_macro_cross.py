"""Regimes of growth and inflation, and the appetite for risk: direction, size, reason."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

import strategies
from engine.panel import Series
from tests.macro import monthly, reason_at, steady, world, z_of

TOTAL = 150  # to 27 July 2018
MONTHS = 54  # to June 2018
UNSTOPPED = {"stop": 1.0, "take": 1.0}


def item(name):
    return strategies.get(name)


def row_of(bars, day):
    return int(np.searchsorted(bars.sessions, np.datetime64(day)))


def activity(growth):
    """An index that grew so many percent in the 12 months to each of its months but the first 12."""
    index = [100.0] * 12
    for value in growth:
        index.append(index[-12] * (1.0 + value / 100.0))
    return np.array(index)


def regimes(growth, inflation, **more):
    changed = {
        "IBC_BR": monthly("IBC_BR", "index", activity(growth), "2018-06"),
        "IPCA_12M": monthly("IPCA_12M", "percent", inflation, "2018-06", wait=9.5),
        **more,
    }
    return world(item("CROSS_01"), total=TOTAL, changed=changed)


UP, DOWN = np.linspace(1.0, 6.0, MONTHS), np.linspace(6.0, 1.0, MONTHS)


@pytest.mark.parametrize(
    ("growth", "inflation", "number", "ways"),
    [
        (UP, DOWN, 0, [1, 1, -1, 1]),
        (UP, UP, 1, [1, -1, -1, 1]),
        (DOWN, UP, 2, [-1, -1, 1, 0]),
        (DOWN, DOWN, 3, [0, 1, -1, 1]),
    ],
)
def test_each_regime_has_its_positions(growth, inflation, number, ways):
    bars = regimes(growth, inflation)
    decision = item("CROSS_01").bind(**UNSTOPPED, window=12, max_position=0.5).decide(bars)
    assert bars.symbols == ("IBOV", "DI_2Y", "USDBRL", "NTNB_2Y")
    # Of 12 numbers in even steps the last is 5.5 / sqrt(13) = 1.5254 deviations from the mean.
    size = 0.5 * math.tanh(5.5 / math.sqrt(13.0) / 2.0)
    assert decision.score[-1] == pytest.approx(5.5 / math.sqrt(13.0))
    assert decision.raw[-1] == number
    assert decision.weights[-1] == pytest.approx(size * np.array(ways), abs=1e-9)
    assert reason_at(decision, -1) == ""


def turn():
    """Growth falls until March 2018 and is high from April on: published on 12 May, 12 June and 12 July."""
    growth = DOWN.copy()
    growth[-3:] = 9.0
    return growth


@pytest.mark.parametrize(("confirmations", "day"), [(1, "2018-05-14"), (2, "2018-06-12"), (3, "2018-07-12")])
def test_a_new_regime_needs_its_monthly_confirmations(confirmations, day):
    bars = regimes(turn(), UP)
    decision = item("CROSS_01").bind(**UNSTOPPED, window=12, confirmations=confirmations).decide(bars)
    row = row_of(bars, day)
    assert np.sign(decision.weights[row - 1]).tolist() == [-1, -1, 1, 0]
    assert np.sign(decision.weights[row]).tolist() == [1, -1, -1, 1]
    assert {float(number) for number in decision.raw[:row]} == {2.0}
    assert {float(number) for number in decision.raw[row:]} == {1.0}


def test_a_change_of_regime_takes_the_size_of_its_day():
    bars = regimes(turn(), UP)
    decision = item("CROSS_01").bind(**UNSTOPPED, window=12).decide(bars)
    row = row_of(bars, "2018-06-12")
    score = max(abs(z_of(turn()[:-1], 12)), 5.5 / math.sqrt(13.0))
    assert np.abs(decision.weights[row]).max() == pytest.approx(math.tanh(score / 2.0))


def test_a_regime_that_flips_every_month_is_never_confirmed():
    growth = 3.0 + (-1.0) ** np.arange(MONTHS)
    decision = item("CROSS_01").bind(**UNSTOPPED, window=12).decide(regimes(growth, UP))
    assert not decision.weights.any()
    assert reason_at(decision, -1) == "A regime of IBC_BR and IPCA_12M with 2 readings is missing or stale."


def test_a_revision_is_no_further_confirmation():
    bars = regimes(turn(), UP)
    first = bars.panel.get("IBC_BR")
    again = np.array(["2018-05-20"], dtype="datetime64[ns]")  # April once more, a little higher
    revised = Series(
        "IBC_BR",
        "index",
        np.append(first.observed, first.observed[-3]),
        np.append(first.available, again),
        np.append(first.value, first.value[-3] * 1.001),
        75.0,
    )
    decision = item("CROSS_01").bind(**UNSTOPPED, window=12).decide(regimes(turn(), UP, IBC_BR=revised))
    changes = [day for day, (a, b) in zip(bars.sessions[1:], pairwise(decision.raw), strict=True) if a != b]
    assert changes == [np.datetime64("2018-06-12")]


def test_near_their_means_growth_and_inflation_ask_for_nothing():
    decision = item("CROSS_01").bind(**UNSTOPPED, window=12, threshold=1.6).decide(regimes(UP, UP))
    assert not decision.weights[-1].any()
    assert reason_at(decision, -1) == "Growth and inflation are within 1.6 standard deviations."


@pytest.mark.parametrize(("key", "told"), [("IBC_BR", "IBC_BR"), ("IPCA_12M", "IPCA_12M")])
def test_without_growth_or_inflation_there_is_no_regime_and_the_reason_says_which(key, told):
    decision = (
        item("CROSS_01").bind(**UNSTOPPED, window=12).decide(world(item("CROSS_01"), total=TOTAL, without=(key,)))
    )
    assert not decision.weights.any()
    assert reason_at(decision, -1) == f"{told}, or its history, is missing or stale."


def test_a_figure_that_comes_after_the_close_waits_for_the_next_day():
    bars = regimes(turn(), UP)
    first = bars.panel.get("IBC_BR")
    available = first.available.copy()
    available[-2] = np.datetime64("2018-06-12T21:00")
    late = Series("IBC_BR", "index", first.observed, available, first.value, 75.0)
    decision = item("CROSS_01").bind(**UNSTOPPED, window=12).decide(regimes(turn(), UP, IBC_BR=late))
    row = row_of(bars, "2018-06-12")
    assert decision.raw[row : row + 2].tolist() == [2.0, 1.0]


DAYS = 60
PARAMS = {**UNSTOPPED, "volatility": 5, "correlation": 10, "momentum": 5, "window": 20}


def appetite(way, without=(), **params):
    """Markets that are calm, and on the last day fearless (way 1), fearful (-1) or as before (0)."""
    rng = np.random.default_rng(4)
    changed = {
        "VIX": steady(20.0, DAYS, shock=-way),
        "CDS_5Y": steady(200.0, DAYS, shock=-way),
        "DI_1M": steady(10.0, DAYS, shock=-way),
        "SELIC_TARGET": np.full(DAYS, 10.0),
        "USDBRL": 5.0 * np.exp(rng.normal(0.0, 0.01, DAYS).cumsum()),
        "IBOV": 1e5 * np.exp(rng.normal(0.0, 0.01, DAYS).cumsum()),
    }
    bonds = 100.0 * np.exp(rng.normal(0.0, 0.002, DAYS).cumsum())
    bars = world(item("CROSS_02"), total=DAYS, changed=changed, without=without, closes={"DI_2Y": bonds})
    return changed, bonds, item("CROSS_02").bind(**{**PARAMS, **params}).decide(bars)


def parts(changed, bonds):
    """Share and z-score of each figure on the last day, by their definitions."""
    stocks, dollar = np.diff(np.log(changed["IBOV"])), np.diff(np.log(changed["USDBRL"]))
    yields = np.diff(np.log(bonds))
    spread = [dollar[stop - 5 : stop].std(ddof=1) for stop in range(5, DAYS)]
    together = [np.corrcoef(stocks[stop - 10 : stop], yields[stop - 10 : stop])[0, 1] for stop in range(10, DAYS)]
    momentum = np.log(changed["IBOV"][5:] / changed["IBOV"][:-5])
    return {
        "VIX": (-0.25, z_of(changed["VIX"], 20)),
        "CDS_5Y": (-0.20, z_of(changed["CDS_5Y"], 20)),
        "USDBRL": (-0.15, z_of(spread, 20)),
        "correlation": (0.15, z_of(together, 20)),
        "DI_1M": (-0.15, z_of(changed["DI_1M"] - changed["SELIC_TARGET"], 20)),
        "momentum": (0.10, z_of(momentum, 20)),
    }


@pytest.mark.parametrize("way", [1.0, -1.0, 0.0])
def test_risk_is_held_when_the_appetite_for_it_is_high(way):
    changed, bonds, decision = appetite(way, max_position=0.5)
    score = sum(share * z for share, z in parts(changed, bonds).values())
    assert decision.score[-1] == pytest.approx(score)
    assert (abs(score) > 1.0) == bool(way)
    size = way * 0.5 * math.tanh(abs(score) / 2.0)
    assert decision.weights[-1] == pytest.approx([size, -size, size])  # IBOV, USDBRL, DI_2Y
    assert reason_at(decision, -1) == ("" if way else "|R| is not above 1.")


def test_four_figures_are_enough_and_what_is_missing_is_told():
    changed, bonds, decision = appetite(1.0, without=("VIX", "USDBRL"))
    left = {name: part for name, part in parts(changed, bonds).items() if name not in ("VIX", "USDBRL")}
    score = sum(share * z for share, z in left.values()) / 0.60
    assert decision.score[-1] == pytest.approx(score)
    assert decision.weights[-1].all()
    assert reason_at(decision, -1) == "VIX is missing or stale; the other figures count for it."


@pytest.mark.parametrize("key", ["SELIC_TARGET", "DI_1M"])
def test_three_figures_are_too_few_and_the_reason_names_one_that_is_missing(key):
    _, _, decision = appetite(1.0, without=("CDS_5Y", "USDBRL", key))
    assert not decision.weights.any()
    assert reason_at(decision, -1) == "CDS_5Y is missing or stale."


@pytest.mark.parametrize("name", ["CROSS_01", "CROSS_02"])
def test_no_leg_is_above_the_largest_weight(name):
    tight = {"CROSS_01": {**UNSTOPPED, "window": 12}, "CROSS_02": {**PARAMS, "threshold": 0.4}}[name]
    decision = item(name).bind(max_position=0.6, **tight).decide(world(item(name), total=400, seed=2))
    assert decision.weights.any()
    assert np.abs(decision.weights).max() <= 0.6
