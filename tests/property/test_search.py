"""A search by number: any stretch of its candidates, made anywhere, is that part of the whole."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Bars, Range, strategy
from engine.errors import InvalidInput, InvalidParameter
from engine.sweep import MAX_TRIALS, Search, Space, grid

BOUNDED = settings(derandomize=True, max_examples=60, deadline=None)


def ordered(low: int, high: int, **_: object) -> str | None:
    return None if low < high else "low must be below high."


@strategy(family="test", source="none", check=ordered)
def pair(
    bars: Bars,
    low: Annotated[int, Range(1, 60), "A number."] = 10,
    high: Annotated[int, Range(1, 60), "Another."] = 20,
    width: Annotated[float, Range(0.0, 4.0), "A width."] = 2.0,
    side: Annotated[Literal["long", "short"], "A side."] = "long",
    strict: Annotated[bool, "Whether."] = False,
) -> np.ndarray:
    """Nothing."""
    return np.zeros(bars.close.shape)


values = st.lists(st.integers(1, 60), min_size=1, max_size=6, unique=True)
grids = st.fixed_dictionaries(
    {"low": values, "high": values},
    optional={
        "width": st.lists(st.floats(0, 4), min_size=1, max_size=3, unique=True),
        "side": st.just(["long", "short"]),
        "strict": st.just([False, True]),
    },
)


def sets(stretch):
    return [] if stretch.trials is None else list(stretch.trials)


def in_pieces(search, cuts):
    edges = sorted({0, search.candidates, *(cut % (search.candidates + 1) for cut in cuts)})
    return [search.stretch(first, stop) for first, stop in pairwise(edges)]


@given(axes=grids)
@BOUNDED
def test_a_grid_has_the_combinations_of_its_axes_in_order(axes):
    search = Search(Space.of(pair, axes))
    whole = search.stretch(0, search.candidates)

    if whole.trials is None:
        with pytest.raises(InvalidInput, match="breaks the rule"):
            grid(pair, axes)
        return
    expected = grid(pair, axes)
    assert sets(whole) == list(expected)
    assert whole.skipped == expected.skipped
    assert len(whole.numbers) + whole.skipped == search.candidates


@given(axes=grids, cuts=st.lists(st.integers(0, 10_000), max_size=5), draws=st.none() | st.integers(1, 40))
@BOUNDED
def test_stretches_join_to_the_whole(axes, cuts, draws):
    search = Search(Space.of(pair, axes), draws, seed=7)
    whole = search.stretch(0, search.candidates)
    pieces = in_pieces(search, cuts)

    assert [item for piece in pieces for item in sets(piece)] == sets(whole)
    assert np.concatenate([piece.numbers for piece in pieces]).tolist() == whole.numbers.tolist()
    assert sum(piece.skipped for piece in pieces) == whole.skipped


@given(seed=st.integers(0, 2**53 - 1), draws=st.integers(1, 80))
@BOUNDED
def test_a_random_search_of_a_lattice_draws_no_point_twice(seed, draws):
    space = Space.of(pair, {"low": {"start": 1, "stop": 30}, "high": {"start": 20, "stop": 60}})
    search = Search(space, draws, seed)
    found = sets(search.stretch(0, search.candidates))

    assert len(found) == draws
    assert len({(item["low"], item["high"]) for item in found}) == draws
    assert all(item["low"] < item["high"] for item in found)


@given(seed=st.integers(0, 1000), draws=st.integers(1, 40))
@BOUNDED
def test_a_random_search_of_everything_stays_within_the_bounds_and_depends_on_its_seed_alone(seed, draws):
    def found(seed):
        search = Search(Space.whole(pair, {"strict": True}), draws, seed)
        return sets(search.stretch(0, search.candidates))

    drawn = found(seed)
    assert len(drawn) == draws
    assert drawn == found(seed)
    assert drawn != found(seed + 1)
    for item in drawn:
        assert item == pair.validate(item)
        assert item["strict"] is True


def test_a_small_space_is_searched_whole_when_more_is_asked_for():
    search = Search(Space.of(pair, {"low": [1, 2, 3], "high": [2, 3]}), 1000, seed=3)
    found = sets(search.stretch(0, search.candidates))

    assert sorted((item["low"], item["high"]) for item in found) == [(1, 2), (1, 3), (2, 3)]


def test_an_interval_is_drawn_evenly_or_evenly_over_its_orders_of_magnitude():
    for log, middle in ((False, 2.05), (True, 0.632)):
        space = Space.of(pair, {"width": {"low": 0.1, "high": 4.0, "log": log}}, lattice=False)
        search = Search(space, 4000, seed=1)
        widths = [item["width"] for item in sets(search.stretch(0, search.candidates))]
        assert min(widths) >= 0.1
        assert max(widths) <= 4.0
        assert np.median(widths) == pytest.approx(middle, rel=0.06)


def test_a_parameter_that_stays_has_its_value_in_every_trial():
    space = Space.of(pair, {"low": [1, 2]}, {"high": 40, "side": "short"})
    assert all(item["high"] == 40 and item["side"] == "short" for item in sets(Search(space).stretch(0, 2)))


@pytest.mark.parametrize(
    ("axes", "code", "pointer"),
    [
        ({"lo": [1]}, "invalid_parameter", "/grid/lo"),
        ({"low": [0]}, "invalid_parameter", "/grid/low"),
        ({"low": []}, "invalid_grid", "/grid/low"),
        ({"low": 3}, "invalid_grid", "/grid/low"),
        ({"low": {"start": 1}}, "invalid_grid", "/grid/low"),
        ({"low": {"start": 1, "stop": 9, "by": 2}}, "invalid_request", "/grid/low/by"),
        ({"low": {"start": 9, "stop": 1}}, "invalid_grid", "/grid/low"),
        ({"low": {"low": 1}}, "invalid_grid", "/grid/low"),
        ({"width": {"low": 1, "high": 2}}, "invalid_grid", "/grid/width"),
        ({"side": ["up"]}, "invalid_parameter", "/grid/side"),
        ({"strict": {"start": 0, "stop": 1}}, "invalid_parameter", "/grid/strict"),
    ],
)
def test_what_is_no_grid_is_refused_where_it_is_wrong(axes, code, pointer):
    with pytest.raises(InvalidInput) as refused:
        Space.of(pair, axes)
    assert (refused.value.code, refused.value.pointer) == (code, pointer)


@pytest.mark.parametrize(
    "axis", [{"low": 2, "high": 1}, {"low": 0, "high": 1, "log": True}, {"low": 0, "high": 1, "log": 1}, {"low": 1}]
)
def test_what_is_no_interval_is_refused(axis):
    with pytest.raises(InvalidInput) as refused:
        Space.of(pair, {"width": axis}, lattice=False)
    assert refused.value.pointer == "/grid/width"


def test_a_choice_has_no_values_in_between():
    with pytest.raises(InvalidInput):
        Space.of(pair, {"side": {"low": 1, "high": 2}}, lattice=False)


def test_whole_numbers_between_two_bounds_are_a_range():
    assert Space.of(pair, {"low": {"low": 3, "high": 6}}).axes == {"low": (3, 4, 5, 6)}


def test_a_value_of_a_parameter_that_stays_is_checked():
    with pytest.raises(InvalidParameter) as refused:
        Space.of(pair, {"low": [1]}, {"width": 9.0})
    assert refused.value.pointer == "/params/width"
    with pytest.raises(InvalidParameter):
        Space.of(pair, {"low": [1]}, {"wide": 1.0})


@pytest.mark.parametrize("step", [1e-4, 1e-9])
def test_too_many_combinations_are_refused_before_any_is_made_saying_what_would_fit(step):
    axes = {"low": {"start": 1, "stop": 60}, "width": {"start": 0, "stop": 4, "step": step}, "high": [50, 60]}
    with pytest.raises(InvalidInput) as refused:
        Space.of(pair, axes)
    assert refused.value.code == "sweep_too_large"
    every = int(refused.value.message.split("One value in ")[1].split()[0])
    counts = (60, round(4 / step) + 1, 2)
    assert np.prod([-(-count // every) for count in counts]) <= MAX_TRIALS
    assert np.prod([float(-(-count // (every - 1))) for count in counts]) > MAX_TRIALS


def test_an_axis_of_a_random_search_has_a_bound_too():
    with pytest.raises(InvalidInput) as refused:
        Space.of(pair, {"width": {"start": 0, "stop": 4, "step": 1e-9}}, lattice=False)
    assert refused.value.pointer == "/grid/width"


def test_a_rule_that_excludes_everything_is_told_with_an_example():
    with pytest.raises(InvalidInput, match="low must be below high") as refused:
        Search(Space.of(pair, {"low": [20, 30], "high": [10, 15]})).first()
    assert refused.value.code == "empty_sweep"
    with pytest.raises(InvalidInput):
        Search(Space.of(pair, {"low": [20, 30], "high": [10, 15]}), 5).first()


def test_the_first_trial_is_found_behind_many_that_the_rule_excludes():
    space = Space.of(pair, {"width": {"start": 0, "stop": 4, "step": 0.001}, "low": [9], "high": [9, 3, 60]})
    assert Search(space).first()["high"] == 60
