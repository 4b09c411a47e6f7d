"""Sovereign risk: fiscal premium, curve, peers and rating; direction, size, reason."""

from __future__ import annotations

import math

import numpy as np
import pytest

import strategies
from engine.panel import Series
from tests.macro import MEMBERS, monthly, reason_at, steady, world, z_of

TOTAL = 40  # to 23 February 2018: the last figures are those of January
PEERS = [name for name in MEMBERS if name != "BR"]


def item(name):
    return strategies.get(name)


def flat(**values):
    return {key: np.full(TOTAL, value) for key, value in values.items()}


@pytest.mark.parametrize(
    ("name", "key"),
    [(name, need.key) for name in ("SOV_BR_01", "SOV_01", "SOV_03") for need in strategies.get(name).series],
)
def test_without_an_input_there_is_no_position_and_the_reason_names_it(name, key):
    decision = item(name).bind(window=20).decide(world(item(name), total=120, without=(key,)))
    assert not decision.weights.any()
    assert reason_at(decision, -1).startswith(key)
    assert "is missing or stale." in reason_at(decision, -1)


def fiscal(burden, premium):
    """Debt and deficit that end `burden` away from their mean, long rates that end `premium` away from theirs."""
    debt = steady(80.0, 36, wiggle=1.0, shock=burden)
    surplus = steady(-1.0, 36, wiggle=0.1, shock=-burden / 4.0)
    yields = steady(11.0, TOTAL, shock=premium)
    changed = {
        "DEBT_GDP": monthly("DEBT_GDP", "percent", debt, "2018-01"),
        "PRIMARY_GDP": monthly("PRIMARY_GDP", "percent", surplus, "2018-01"),
        "DI_10Y": yields,
        "UST_10Y": np.full(TOTAL, 3.0),
    }
    return changed, z_of(debt - surplus, 24), z_of(yields - 3.0, 20)


@pytest.mark.parametrize(
    ("burden", "premium", "direction"),
    [(6.0, -0.5, 1.0), (-6.0, 0.5, -1.0), (6.0, 0.5, 0.0), (-6.0, -0.5, 0.0), (6.0, 0.0, 0.0), (0.0, -0.5, 0.0)],
)
def test_brazil_is_sold_when_its_finances_are_bad_and_long_rates_do_not_show_it(burden, premium, direction):
    changed, risk, spread = fiscal(burden, premium)
    bars = world(item("SOV_BR_01"), total=TOTAL, changed=changed)
    decision = item("SOV_BR_01").bind(months=24, window=20, max_position=0.5).decide(bars)
    score = (risk - spread) / 2.0
    assert decision.score[-1] == pytest.approx(score)
    assert decision.raw[-1] == pytest.approx(changed["DI_10Y"][-1] - 3.0)
    size = direction * 0.5 * math.tanh(abs(score) / 2.0)
    assert bars.symbols == ("DI_10Y", "USDBRL")
    assert decision.weights[-1] == pytest.approx([-size, size])
    assert reason_at(decision, -1) == ("" if direction else "Risk and spread do not disagree by 1 and 1.5.")


def test_the_debt_counts_from_its_publication_on():
    changed, _, spread = fiscal(6.0, -0.5)
    debt = changed["DEBT_GDP"]
    last = np.datetime64("2018-02-23T21:00", "ns")  # an hour after the last close
    changed["DEBT_GDP"] = Series(
        "DEBT_GDP", "percent", debt.observed, np.append(debt.available[:-1], last), debt.value, 75.0
    )
    decision = (
        item("SOV_BR_01").bind(months=24, window=20).decide(world(item("SOV_BR_01"), total=TOTAL, changed=changed))
    )
    surplus = changed["PRIMARY_GDP"].value
    assert decision.score[-1] == pytest.approx((z_of(debt.value[:-1] - surplus[:-1], 24) - spread) / 2.0)
    assert not decision.weights[-1].any()


@pytest.mark.parametrize(
    ("shock", "debt", "direction"), [(60.0, 95.0, -1.0), (-60.0, 60.0, 1.0), (0.0, 75.0, 0.0), (0.0, 300.0, 0.0)]
)
def test_dear_protection_is_sold_and_cheap_protection_bought(shock, debt, direction):
    five, one = steady(200.0, TOTAL, wiggle=3.0, shock=shock), steady(90.0, TOTAL, wiggle=2.0, shock=shock)
    changed = {**flat(DEBT_GDP=debt), "CDS_5Y": five, "CDS_1Y": one}
    decision = (
        item("SOV_01").bind(window=20, max_position=0.9).decide(world(item("SOV_01"), total=TOTAL, changed=changed))
    )
    burden = max(-1.0, min(1.0, (debt - 75.0) / 10.0))
    score = 0.5 * z_of(five, 20) - 0.3 * z_of(five - one, 20) + 0.2 * burden
    assert decision.score[-1] == pytest.approx(score)
    assert decision.weights[-1, 0] == pytest.approx(direction * 0.9 * math.tanh(abs(score) / 2.0))
    assert reason_at(decision, -1) == ("" if direction else "|X| is below 1.25.")


def test_a_steep_curve_speaks_against_selling_protection():
    """Of two worlds with the same five-year spread the one whose one-year spread stayed low has the lower score."""
    five = steady(200.0, TOTAL, wiggle=3.0, shock=60.0)
    scores = []
    for shock in (60.0, 0.0):
        changed = {**flat(DEBT_GDP=75.0), "CDS_5Y": five, "CDS_1Y": steady(90.0, TOTAL, wiggle=2.0, shock=shock)}
        scores.append(
            item("SOV_01").bind(window=20).decide(world(item("SOV_01"), total=TOTAL, changed=changed)).score[-1]
        )
    assert scores[1] < scores[0]


# debt, current account, inflation, growth of each member.
FIGURES = {
    "BR": (88.0, -2.0, 4.5, 2.5),
    "MX": (52.0, -1.0, 4.2, 1.8),
    "CO": (60.0, -4.5, 6.1, 3.1),
    "CL": (38.0, -3.5, 3.3, 2.2),
    "ZA": (71.0, -1.8, 5.4, 0.9),
    "TR": (34.0, -5.2, 40.0, 4.4),
    "PL": (49.0, 0.4, 5.0, 3.6),
    "HU": (73.0, -0.9, 6.6, 1.2),
}
SLOPES = (2.0, -6.0, 3.0, -9.0)


def peers(premium):
    """Spreads that are linear in the figures, but for Brazil's premium in basis points [T]."""
    changed = {}
    for name, figures in FIGURES.items():
        for key, value in zip(("DEBT_GDP", "CURRENT_ACCOUNT", "INFLATION", "GROWTH"), figures, strict=True):
            changed[f"{key}.{name}"] = np.full(TOTAL, value)
        fair = 40.0 + sum(slope * value for slope, value in zip(SLOPES, figures, strict=True))
        changed[f"CDS_5Y.{name}"] = np.full(TOTAL, fair) + (premium if name == "BR" else 0.0)
    return changed


def among_peers(premium, without=(), **changed):
    bars = world(item("SOV_02"), total=TOTAL, changed={**peers(premium), **changed}, without=without)
    return item("SOV_02").bind(window=20).decide(bars)


@pytest.mark.parametrize(("shock", "direction"), [(25.0, -1.0), (-25.0, 1.0), (0.0, 0.0)])
def test_protection_that_is_dear_among_peers_is_sold(shock, direction):
    premium = steady(30.0, TOTAL, wiggle=2.0, shock=shock)
    decision = among_peers(premium)
    # Brazil is no part of the fit: all of its premium is left over.
    assert decision.raw == pytest.approx(premium, abs=1e-8)
    score = z_of(premium, 20)
    assert decision.score[-1] == pytest.approx(score)
    assert decision.weights[-1, 0] == pytest.approx(direction * math.tanh(abs(score) / 2.0))
    assert reason_at(decision, -1) == ("" if direction else "|z| is below 1.5.")


def test_the_fit_of_a_day_is_made_of_the_peers_known_on_it():
    premium = steady(30.0, TOTAL, wiggle=2.0, shock=25.0)
    gone = np.full(TOTAL, 250.0)
    gone[20:] = np.nan  # stale a week later; until then Hungary is off the line
    raw = among_peers(premium, **{"CDS_5Y.HU": gone}).raw
    assert abs(raw[19] - premium[19]) > 1.0
    assert raw[-1] == pytest.approx(premium[-1])


@pytest.mark.parametrize("without", [("CDS_5Y.HU", "GROWTH.PL"), tuple(f"CDS_5Y.{name}" for name in PEERS)])
def test_with_too_few_peers_there_is_no_position_and_the_reason_says_so(without):
    decision = among_peers(steady(30.0, TOTAL, shock=25.0), without)
    assert not decision.weights.any()
    told = "A panel of 6 peers with CDS_5Y, DEBT_GDP, CURRENT_ACCOUNT, INFLATION, GROWTH is missing or stale."
    assert reason_at(decision, -1) == told


@pytest.mark.parametrize("key", ["CDS_5Y", "DEBT_GDP", "CURRENT_ACCOUNT", "INFLATION", "GROWTH"])
def test_without_a_figure_of_brazil_there_is_no_position_and_the_reason_names_it(key):
    decision = among_peers(steady(30.0, TOTAL, shock=25.0), (f"{key}.BR",))
    assert not decision.weights.any()
    assert reason_at(decision, -1) == f"{key}.BR is missing or stale."


def test_peers_that_do_not_tell_the_figures_apart_give_no_fit():
    same = {f"GROWTH.{name}": np.full(TOTAL, 2.0) for name in PEERS}
    decision = among_peers(steady(30.0, TOTAL, shock=25.0), **same)
    assert not decision.weights.any()
    assert np.isnan(decision.raw).all()


def rating(debt, growth, trade, spread):
    """Debt in percent, growth in percent a year, trade balance in USD bn a year, daily spread."""
    index = 100.0 * np.repeat([1.0, 1.0 + growth / 100.0], 12)
    return {
        "DEBT_GDP": np.full(TOTAL, debt),
        "IBC_BR": monthly("IBC_BR", "index", index, "2018-01"),
        "TRADE_BAL": monthly("TRADE_BAL", "usd_mn", np.full(24, trade * 1000.0 / 12.0), "2018-01"),
        "CDS_5Y": spread,
    }


@pytest.mark.parametrize(
    ("debt", "growth", "trade", "fixed", "shock", "direction"),
    [
        (90.0, 0.5, -2.5, 0.35 + 0.25 + 0.1, 20.0, 1.0),
        (70.0, 3.5, 2.5, -0.35 - 0.25 - 0.1, -20.0, -1.0),
        (80.0, 2.0, 0.0, 0.0, 20.0, 0.0),
    ],
)
def test_protection_is_bought_when_a_downgrade_is_likely(debt, growth, trade, fixed, shock, direction):
    spread = steady(200.0, TOTAL, wiggle=2.0, shock=shock)
    bars = world(item("SOV_03"), total=TOTAL, changed=rating(debt, growth, trade, spread))
    decision = item("SOV_03").bind(change=5, window=20, max_position=0.8).decide(bars)
    score = fixed + 0.2 * z_of(spread[5:] - spread[:-5], 20)
    assert decision.score[-1] == pytest.approx(score)
    assert decision.raw[-1] == pytest.approx(1.0 / (1.0 + math.exp(-score)))
    size = direction * 0.8 * math.tanh(abs(score) / 2.0)
    assert bars.symbols == ("CDS_5Y", "DI_10Y")
    assert decision.weights[-1] == pytest.approx([size, -size])
    assert reason_at(decision, -1) == ("" if direction else "The probability of a downgrade is between 0.27 and 0.73.")


def test_no_fundamental_counts_for_more_than_twice_its_scale():
    spread = steady(200.0, TOTAL, wiggle=2.0)
    for way in (1.0, -1.0):
        changed = rating(80.0 + way * 75.0, 2.0 - way * 20.0, -way * 90.0, spread)
        decision = item("SOV_03").bind(change=5, window=20).decide(world(item("SOV_03"), total=TOTAL, changed=changed))
        assert decision.score[-1] == pytest.approx(way * 1.6 + 0.2 * z_of(spread[5:] - spread[:-5], 20))


@pytest.mark.parametrize("name", ["SOV_BR_01", "SOV_01", "SOV_02", "SOV_03"])
def test_no_leg_is_above_the_largest_weight(name):
    tight = {
        "SOV_BR_01": {"months": 24, "risk_threshold": 0.1, "spread_threshold": 0.1},
        "SOV_01": {"threshold": 0.5},
        "SOV_02": {},
        "SOV_03": {"change": 10, "threshold": 0.6, "debt_level": 60.0},
    }[name]
    decision = item(name).bind(window=40, max_position=0.6, **tight).decide(world(item(name), total=300, seed=2))
    assert decision.weights.any()
    assert np.abs(decision.weights).max() <= 0.6
