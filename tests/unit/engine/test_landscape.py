"""What the figures of many trials say together, on cases that can be checked by eye."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.sweep.landscape import importance, plateau, ranked

NAN = math.nan
ALL = np.ones(6, dtype=bool)


def test_the_best_comes_first_and_what_has_no_figure_nowhere():
    values = np.array([1.0, NAN, 3.0, 3.0, -2.0, 0.5])

    assert ranked(values, "higher", ALL).tolist() == [2, 3, 0, 5, 4]
    assert ranked(values, "lower", ALL).tolist() == [4, 5, 0, 2, 3]


def test_what_breaks_a_constraint_is_not_ranked():
    allowed = np.array([True, True, False, True, True, False])
    assert ranked(np.arange(6.0), "higher", allowed).tolist() == [4, 3, 1, 0]


def test_a_lonely_peak_is_no_plateau():
    values = np.array([0.0, 9.0, 0.0, 4.0, 5.0, 4.0])
    found = plateau(values, [6], [True], "higher", ALL)

    assert found == (4, pytest.approx(13 / 3), 2)


def test_neighbours_are_one_step_along_one_axis():
    lattice = np.array([[1.0, 2.0, 1.0], [2.0, 8.0, 2.0], [1.0, 2.0, 1.0]])
    found = plateau(lattice.ravel(), [3, 3], [True, True], "higher", np.ones(9, dtype=bool))

    # The middle is 8 with four neighbours of 2; an edge is 2 with 8 and two corners of 1.
    assert found == (4, pytest.approx(16 / 5), 4)


def test_a_choice_has_no_next_value():
    lattice = np.array([[1.0, 2.0, 3.0], [50.0, 1.0, 1.0]])
    found = plateau(lattice.ravel(), [2, 3], [False, True], "higher", ALL)

    assert found == (3, pytest.approx(25.5), 1)  # 50 beside 1


def test_points_without_a_trial_and_trials_out_of_bounds_are_no_plateau_but_neighbours_count():
    values = np.array([9.0, 9.0, NAN, 2.0, 3.0, NAN])
    allowed = np.array([False, False, True, True, True, True])

    assert plateau(values, [6], [True], "higher", allowed) == (4, pytest.approx(2.5), 1)
    assert plateau(values, [6], [True], "lower", allowed) == (3, pytest.approx(2.5), 1)


def test_without_any_neighbour_there_is_no_plateau():
    assert plateau(np.array([1.0, NAN, 2.0]), [3], [True], "higher", np.ones(3, dtype=bool)) is None
    assert plateau(np.array([1.0, 2.0]), [2], [False], "higher", np.ones(2, dtype=bool)) is None


def test_a_parameter_that_decides_everything_explains_everything():
    fast, slow = [1, 1, 2, 2], [5, 6, 5, 6]
    values = np.array([0.0, 0.0, 4.0, 4.0])

    assert importance({"fast": fast, "slow": slow}, values) == {"fast": pytest.approx(1.0), "slow": pytest.approx(0.0)}


def test_shares_of_the_variance_are_those_of_the_textbook():
    """Two groups with means 2 and 5 of 1, 3 and 4, 6: between them 9, over all 9 + 4."""
    found = importance({"side": ["a", "a", "b", "b"]}, np.array([1.0, 3.0, 4.0, 6.0]))
    assert found["side"] == pytest.approx(9 / 13)


def test_what_parameters_do_only_together_is_in_none_of_them():
    values = np.array([1.0, -1.0, -1.0, 1.0])
    found = importance({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1]}, values)
    assert found == {"a": pytest.approx(0.0), "b": pytest.approx(0.0)}


def test_many_numbers_are_looked_at_in_tenths():
    width = np.linspace(0.0, 1.0, 500)
    noise = np.random.default_rng(0).normal(size=500)
    found = importance({"width": width.tolist(), "noise": noise.tolist()}, width)

    assert found["width"] == pytest.approx(0.99, abs=0.01)
    assert found["noise"] < 0.06


def test_trials_without_an_objective_are_left_out_and_what_does_not_vary_is_not_explained():
    assert importance({"a": [1, 2, 3]}, np.array([1.0, 3.0, NAN])) == {"a": pytest.approx(1.0)}
    assert importance({"a": [1, 2]}, np.array([2.0, 2.0])) == {"a": None}
    assert importance({"a": [1]}, np.array([2.0])) == {"a": None}
