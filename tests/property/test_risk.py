"""What holds of losses, shocks and limits whatever positions and prices are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.risk import drawing, limits, losses, stress

BOUNDED = settings(derandomize=True, max_examples=60, deadline=None)
MEASURES = (losses.historical, losses.parametric)
TAIL = st.sampled_from(list(losses.TAILS.values()))

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 5)
money = st.floats(1.0, 1e9)
exposed = st.builds(stress.Rate, st.sampled_from(stress.CURVES), st.floats(0.25, 30.0), st.floats(0.01, 30.0))


def past(seed, size):
    random = np.random.default_rng(seed)
    mixed = random.standard_t(4, (120, size)) @ random.normal(0.0, 1.0, (size, size))
    return 0.01 * mixed, random.normal(0.0, 1e5, size)


@BOUNDED
@given(seeds, sizes, TAIL)
def test_parts_of_a_loss_sum_to_it(seed, size, tail):
    moves, values = past(seed, size)
    scale = np.abs(moves @ values).max()
    for measure in MEASURES:
        found = measure(moves, values, tail)
        assert found.var_parts.sum() == pytest.approx(found.var, abs=1e-12 * scale)
        assert found.cvar_parts.sum() == pytest.approx(found.cvar, abs=1e-12 * scale)


@BOUNDED
@given(seeds, sizes, TAIL)
def test_a_part_of_a_normal_loss_is_what_more_of_the_position_would_change(seed, size, tail):
    moves, values = past(seed, size)
    found = losses.parametric(moves, values, tail)
    for place in range(size):
        step = np.zeros(size)
        step[place] = 1e-4
        more, less = (losses.parametric(moves, values * (1.0 + way * step), tail).var for way in (1.0, -1.0))
        assert (more - less) / 2e-4 == pytest.approx(found.var_parts[place], abs=1e-6 * found.var)


@BOUNDED
@given(seeds, sizes, st.floats(0.01, 100.0))
def test_twice_the_positions_lose_twice_as_much(seed, size, times):
    moves, values = past(seed, size)
    for measure in MEASURES:
        one, more = measure(moves, values, 0.05), measure(moves, values * times, 0.05)
        assert (more.var, more.cvar) == pytest.approx((one.var * times, one.cvar * times), rel=1e-9)


@BOUNDED
@given(seeds, sizes)
def test_a_farther_tail_loses_no_less_and_its_mean_no_less_than_its_edge(seed, size):
    moves, values = past(seed, size)
    for measure in MEASURES:
        near, far = (measure(moves, values, tail) for tail in (0.05, 0.01))
        assert far.var >= near.var
        assert far.cvar >= near.cvar
        assert near.cvar >= near.var
        assert measure is losses.historical or far.cvar >= far.var


@BOUNDED
@given(seeds, st.integers(2, 5), TAIL)
def test_the_shortfall_of_two_books_together_is_no_more_than_of_each(seed, size, tail):
    moves, values = past(seed, size)
    part = np.where(np.arange(size) < size // 2, values, 0.0)
    for measure in MEASURES:
        whole, one, other = (measure(moves, held, tail).cvar for held in (values, part, values - part))
        assert whole <= one + other + 1e-9 * np.abs(moves @ values).max()


@BOUNDED
@given(seeds, sizes, st.integers(0, 2**32))
def test_drawn_returns_are_finite_and_repeatable(seed, size, other):
    moves, _ = past(seed, size)
    found = drawing.draw(moves, paths=50, seed=other)
    assert found.shape == (50, size)
    assert np.isfinite(found).all()
    assert found.tobytes() == drawing.draw(moves, paths=50, seed=other).tobytes()


@BOUNDED
@given(exposed, money, st.floats(1.0, 1000.0))
def test_rates_that_rise_hurt_receivers_and_help_payers(exposure, value, up):
    rise = stress.Scenario("rise", "", {exposure.curve: ((1.0, up),)}, {})
    fall = stress.Scenario("fall", "", {exposure.curve: ((1.0, -up),)}, {})
    assert value * rise.move(exposure) < 0.0 < -value * rise.move(exposure)
    assert fall.move(exposure) == -rise.move(exposure)
    dv01 = exposure.duration * value / 1e4
    assert value * rise.move(exposure) == pytest.approx(-dv01 * up, rel=1e-12)


@BOUNDED
@given(st.sampled_from(sorted(stress.GROUP_OF)), st.sampled_from(sorted(stress.GROUP_OF)))
def test_a_pair_and_its_inverse_undo_each_other_in_every_scenario(base, quote):
    for scenario in stress.SCENARIOS:
        way, back = (scenario.move(stress.Pair(*pair)) for pair in ((base, quote), (quote, base)))
        assert (1.0 + way) * (1.0 + back) == pytest.approx(1.0, rel=1e-12)


@BOUNDED
@given(st.floats(limits.LOWEST, limits.HIGHEST), st.floats(-1e3, 1e6))
def test_a_limit_is_breached_just_where_the_value_has_reached_it(limit, value):
    assume(limit > 0.0)
    for tried in (value, limit, np.nextafter(limit, 0.0), np.nextafter(limit, np.inf)):
        assert (limits.status(limits.utilisation(float(tried), limit)) == "breach") == (tried >= limit)
