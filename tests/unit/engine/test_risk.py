"""Losses, shocks and limits against cases that can be worked out by hand, and against the figures of a run."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import returns as models
from engine.overfit.normal import ndtri
from engine.risk import drawing, limits, losses, stress
from engine.risk.breaker import Breaker, Watch
from engine.tails import tails_of

ONE = np.ones(1)
SHOCK = stress.Scenario("up", "Up", {"brl_nominal": ((1.0, 100.0), (3.0, 300.0))}, {"equity_br": -0.25, "fx_brl": -0.2})
MEASURES = (losses.historical, losses.parametric)


def fat(count, size=1, seed=3):
    return np.random.default_rng(seed).standard_t(4, (count, size)) * 0.01


@pytest.mark.parametrize("count", [2, 20, 21, 100, 101, 504, 40_000])
def test_historical_figures_are_those_of_a_run_with_the_other_sign(count):
    gains = fat(count)
    found, tails = losses.historical(gains, ONE, losses.TAILS[0.95]), tails_of(gains[:, 0])
    assert found.var == -tails.low
    assert found.cvar == -tails.shortfall


def test_parametric_losses_of_two_days_are_quantile_and_mean_tail_of_their_normal():
    found = losses.parametric(np.array([[0.01], [-0.01]]), np.array([100.0]), 0.05)
    sigma = math.sqrt(2.0)  # of gains of 1 and -1, ddof 1
    assert found.var == pytest.approx(1.6448536269514722 * sigma, rel=1e-15)
    assert found.cvar == pytest.approx(2.0627128075074257 * sigma, rel=1e-12)
    assert found.var_parts.tolist() == [pytest.approx(found.var, rel=1e-15)]


def test_a_hedge_has_a_negative_part():
    moves = np.array([[0.02, 0.02], [-0.01, -0.01], [0.03, 0.03], [-0.04, -0.04]])
    for measure in MEASURES:
        found = measure(moves, np.array([100.0, -60.0]), 0.05)
        assert found.cvar_parts[0] > found.cvar > 0.0 > found.cvar_parts[1]


def test_what_never_moved_loses_nothing_in_any_way():
    for measure in MEASURES:
        found = measure(np.zeros((80, 2)), np.array([5.0, -3.0]), 0.01)
        assert (found.var, found.cvar, found.cvar_parts.tolist()) == (0.0, 0.0, [0.0, 0.0])
    assert not drawing.draw(np.zeros((80, 2)), paths=10, seed=1).any()


def test_positions_that_only_gained_have_a_negative_loss():
    assert losses.historical(np.full((80, 1), 0.01), ONE, 0.05).var == -0.01


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("moves", "values"),
    [(fat(1), ONE), (fat(5), np.ones(2)), (np.array([[0.1], [np.nan]]), ONE), (fat(5), np.array([np.inf]))],
)
def test_what_no_figure_can_be_made_of_is_refused(measure, moves, values):
    with pytest.raises(ValueError, match="positions"):
        measure(moves, values, 0.05)


def test_a_figure_needs_so_many_returns():
    assert {level: losses.least(tail) for level, tail in losses.TAILS.items()} == {0.95: 60, 0.99: 100}


def test_drawn_returns_have_the_deviations_tails_and_dependence_of_the_past():
    moves = fat(504, 3)
    moves[:, 1] = 0.6 * moves[:, 0] + 0.8 * moves[:, 1]
    moves[:, 2] = np.random.default_rng(1).normal(0.0, 0.002, 504)
    drawn = drawing.draw(moves, paths=50_000, seed=1)
    assert drawn.std(axis=0) == pytest.approx(moves.std(axis=0, ddof=1), rel=0.05)
    degrees = [drawing.degrees_of(column) for column in moves.T]
    assert 3.0 < degrees[0] < 6.0
    assert degrees[2] > 10.0
    order = np.corrcoef(np.argsort(np.argsort(drawn, axis=0), axis=0).T)
    past = np.corrcoef(np.argsort(np.argsort(moves, axis=0), axis=0).T)
    assert order == pytest.approx(past, abs=0.05)


def test_the_same_seed_gives_the_same_bits_and_another_one_others():
    first, again, other = (drawing.draw(fat(100, 2), paths=100, seed=seed) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert (first != other).all()


def test_more_instruments_than_days_are_no_matter():
    drawn = drawing.draw(fat(5, 12), paths=200, seed=1)
    assert drawn.shape == (200, 12)
    assert np.isfinite(drawn).all()


def test_ties_have_their_mean_rank():
    assert drawing._ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_the_farthest_draw_is_finite(monkeypatch):
    monkeypatch.setattr(drawing, "uniform", lambda drawn: np.zeros(drawn.shape))
    assert np.isfinite(drawing.draw(fat(100), paths=3, seed=1)).all()
    assert ndtri(2.0**-54) > -9.0


def test_a_move_is_interpolated_along_the_curve_and_flat_beyond_it():
    assert [SHOCK.shift("brl_nominal", years) for years in (0.25, 1.0, 2.0, 3.0, 10.0)] == [100, 100, 200, 300, 300]
    assert SHOCK.shift("usd_rates", 2.0) == 0.0


def test_the_move_of_a_rate_is_the_first_order_of_what_its_instrument_would_return():
    level, years, up = 12.0, 2.0, 1e-4  # percent
    duration = years / (1.0 + level / 100.0)
    move = stress.Scenario("up", "", {"c": ((1.0, up * 100.0),)}, {}).move(stress.Rate("c", years, duration))
    curve = np.array([[level], [level + up]])
    returned = models.zero_coupon(np.array([years]), curve, years, np.array([level, level]))[1]
    assert move == pytest.approx(returned, rel=1e-5)
    assert move < 0.0


@pytest.mark.parametrize(
    ("exposure", "move"),
    [
        (stress.Rate("brl_nominal", 2.0, 1.5), -0.03),
        (stress.Rate("brl_nominal", 2.0, -4.0), 0.08),
        (stress.Rate("usd_rates", 2.0, 1.5), 0.0),
        (stress.Price("equity_br"), -0.25),
        (stress.Price("oil"), 0.0),
        (stress.Pair("USD", "BRL"), 0.25),
        (stress.Pair("BRL", "USD"), -0.2),
        (stress.Pair("EUR", "USD"), 0.0),
        (stress.Pair("EUR", "BRL"), 0.25),
        (stress.Pair("HKD", "USD"), 0.0),
    ],
)
def test_each_factor_moves_what_depends_on_it(exposure, move):
    assert SHOCK.move(exposure) == pytest.approx(move, abs=1e-15)
    assert math.copysign(1.0, SHOCK.move(exposure)) == (-1.0 if move < 0.0 else 1.0)


def test_there_are_six_scenarios_of_factors_that_exist():
    assert [item.name for item in stress.SCENARIOS] == [
        "rates_up",
        "curve_steepening",
        "brl_depreciation",
        "equity_crash",
        "credit_widening",
        "global_risk_off",
    ]
    for item in stress.SCENARIOS:
        assert set(item.rates) <= set(stress.CURVES)
        assert set(item.prices) <= {*stress.CURRENCIES, "equity_us", "equity_br", "oil"}
        assert all(move > -1.0 for move in item.prices.values())


def test_no_currency_is_in_two_groups():
    assert len(stress.GROUP_OF) == sum(map(len, stress.CURRENCIES.values()))


@pytest.mark.parametrize(
    ("value", "used", "status"),
    [
        (-1.0, 0.0, "ok"),
        (0.0, 0.0, "ok"),
        (0.39, 0.78, "ok"),
        (0.4, 0.8, "warning"),
        (np.nextafter(0.5, 0.0), 1.0 - 2.0**-53, "warning"),
        (0.5, 1.0, "breach"),
        (5.0, 10.0, "breach"),
    ],
)
def test_a_limit_is_breached_at_it_and_not_below(value, used, status):
    found = limits.utilisation(value, 0.5)
    assert (found, limits.status(found)) == (used, status)


def test_every_default_is_a_limit_that_could_be_set():
    assert all(limits.LOWEST <= item.default <= limits.HIGHEST for item in limits.LIMITS.values())


def stood(path, breaker):
    """Where a breaker stands after each of these equities, and how much it lets through."""
    watch, found = Watch("closed", path[0]), []
    for equity in path[1:]:
        watch = watch.after(equity, breaker)
        found.append((watch.status, watch.scale(breaker)))
    return found


def test_a_breaker_opens_at_its_drawdown_and_not_above():
    breaker = Breaker(0.25)
    assert stood([100.0, np.nextafter(75.0, 100.0)], breaker) == [("closed", 1.0)]
    assert stood([100.0, 75.0], breaker) == [("open", 0.0)]
    assert stood([100.0, 200.0, 151.0, 150.0], breaker)[1:] == [("closed", 1.0), ("open", 0.0)]


def test_a_book_that_holds_nothing_comes_back_all_the_same():
    found = stood([100.0, 70.0, *[70.0] * 7], Breaker(0.25, cooldown_bars=3))
    assert [status for status, _ in found] == ["open"] * 3 + ["recovery"] * 3 + ["closed"] * 2
    assert [scale for _, scale in found] == [0.0] * 3 + [0.5] * 3 + [1.0] * 2


def test_in_recovery_it_is_measured_from_where_that_began():
    breaker = Breaker(0.25, fraction=0.5, cooldown_bars=1)
    path = [100.0, 70.0, 60.0, 45.0, 44.0, 60.0, 50.0]
    assert stood(path, breaker) == [
        ("open", 0.5),
        ("recovery", 0.75),  # from 60 on
        ("open", 0.5),
        ("recovery", 0.75),  # from 44 on
        ("closed", 1.0),
        ("closed", 1.0),
    ]


def test_without_equity_a_breaker_stays_open():
    assert stood([100.0, 0.0, -5.0, 0.0], Breaker(0.25, cooldown_bars=1)) == [("open", 0.0)] * 3
