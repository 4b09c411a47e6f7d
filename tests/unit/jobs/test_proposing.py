"""A Bayesian search as a function: where it looks, by what it was told."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pytest

from engine import Bars, Range, strategy
from engine.sweep import Search, Space
from engine.sweep.asked import keeps_to_rule, values_at
from workers.proposing import FORBIDDEN, Past, propose


def ordered(low: int, high: int, **_: object) -> str | None:
    return None if low < high else "low must be below high."


@strategy(family="test", source="none", check=ordered)
def searched(
    bars: Bars,
    low: Annotated[int, Range(1, 60), "A number."] = 10,
    high: Annotated[int, Range(1, 60), "Another."] = 20,
    width: Annotated[float, Range(0.01, 10.0), "A width."] = 2.0,
    side: Annotated[Literal["long", "short"], "A side."] = "long",
    strict: Annotated[bool, "Whether."] = False,
) -> np.ndarray:
    """Nothing."""
    return np.zeros(bars.close.shape)


ROOM = {"low": {"low": 1, "high": 60}, "high": {"low": 1, "high": 60}, "width": {"low": 0.01, "high": 10, "log": True}}


def space_of(grid):
    return Space.of(searched, grid, {}, lattice=False)


def worth(low, high, width, **_):
    """Smooth, with its best at 17, 42 and 0.5."""
    return -(((low - 17) / 10) ** 2) - ((high - 42) / 10) ** 2 - np.log(width / 0.5) ** 2


def searched_through(space, trials, seed, *, limit=None):
    """Everything that was asked for in rounds of eight."""
    past = []
    made = 0
    while made < trials:
        round_ = propose(space, past, seed=seed, wanted=min(8, trials - made), most=20 * trials)
        if not round_:
            break
        for point in round_:
            if keeps_to_rule(space, point):
                made += 1
                values = dict(space.base) | dict(zip(space.axes, values_at(space, point), strict=True))
                past.append(Past(point, worth(**values), max(0.0, values["low"] - limit) if limit else 0.0))
            else:
                past.append(Past(point, 0.0, FORBIDDEN))
    return past


def best(past):
    return max(each.worth for each in past if each.violation == 0.0)


def test_it_comes_nearer_to_the_best_point_than_three_times_as_many_random_ones():
    space = space_of(ROOM)
    for seed in range(3):
        draws = Search(space, 144, seed)
        random = max(worth(**one) for one in draws.stretch(0, draws.candidates).trials)
        assert best(searched_through(space, 48, seed)) > random


def test_a_round_is_a_function_of_the_seed_and_of_the_past():
    space = space_of({**ROOM, "side": ["long", "short"], "strict": [False, True]})
    first = propose(space, [], seed=5, wanted=8, most=100)
    assert propose(space, [], seed=5, wanted=8, most=100) == first
    assert propose(space, [], seed=6, wanted=8, most=100) != first
    past = searched_through(space, 24, 5)
    assert propose(space, past, seed=5, wanted=8, most=100) == propose(space, past, seed=5, wanted=8, most=100)
    told_else = [Past(each.point, -each.worth, each.violation) for each in past]
    assert propose(space, told_else, seed=5, wanted=8, most=100) != propose(space, past, seed=5, wanted=8, most=100)


def test_values_lie_within_the_axes_and_a_point_is_never_asked_for_twice():
    space = space_of({"low": [3, 5, 9], "high": [60, 20, 30], "side": ["long", "short"]})
    past = searched_through(space, 100, 1)
    assert len(past) == len({each.point for each in past}) == 18  # the space is exhausted
    assert {values_at(space, each.point) for each in past} == {
        (low, high, side) for low in (3, 5, 9) for high in (60, 20, 30) for side in ("long", "short")
    }


def test_what_breaks_the_rule_is_asked_for_less_and_less():
    past = searched_through(space_of(ROOM), 64, 2)
    broken = [each.violation == FORBIDDEN for each in past]
    assert sum(not each for each in broken) == 64
    half = len(past) // 2
    assert sum(broken[half:]) < sum(broken[:half])


def test_what_violates_a_constraint_is_avoided():
    past = searched_through(space_of(ROOM), 64, 3, limit=12)
    late = [each for each in past[len(past) // 2 :] if each.violation != FORBIDDEN]
    assert sum(each.violation == 0.0 for each in late) > len(late) / 2
    assert best(past) > worth(12, 42, 0.5) - 0.5


def test_no_more_points_come_than_are_taken():
    space = space_of({"low": {"low": 50, "high": 60}, "high": {"low": 1, "high": 51}})
    assert len(propose(space, [], seed=1, wanted=8, most=5)) == 5
    assert propose(space, [], seed=1, wanted=0, most=5) == []


def test_the_sampler_says_nothing_of_its_own(capfd: pytest.CaptureFixture[str]):
    propose(space_of(ROOM), [], seed=1, wanted=4, most=9)
    assert capfd.readouterr() == ("", "")
