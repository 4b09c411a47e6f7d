"""Spaces that are asked for in other ways than a grid of numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
import pytest

from engine import Bars, Range, strategy, sweep
from engine.sweep import Search, Space
from engine.sweep.asked import Asked


@strategy(family="test", source="none")
def everything(
    bars: Bars,
    count: Annotated[int, Range(1, 9), "A count."] = 3,
    width: Annotated[float, Range(0.0, 4.0), "A width."] = 2.0,
    side: Annotated[Literal["long", "short"], "A side."] = "long",
    strict: Annotated[bool, "Whether."] = False,
) -> np.ndarray:
    """Nothing."""
    return np.zeros(bars.close.shape)


def test_all_that_a_strategy_may_be_is_searched_but_for_what_is_given():
    space = Space.whole(everything, {"count": 4})

    assert list(space.axes) == ["width", "side", "strict"]
    assert (space.axes["side"], space.axes["strict"]) == (("long", "short"), (False, True))
    assert space.base == {"count": 4}
    assert (space.size, space.shape) == (None, None)


def test_axes_are_told_as_plain_values():
    grid = {"count": [1, 2], "width": {"low": 0.5, "high": 4.0, "log": True}}
    told = Space.of(everything, grid, lattice=False).told()

    assert told["count"] == [1, 2]
    assert {name: told["width"][name] for name in ("low", "high", "log")} == {"low": 0.5, "high": 4.0, "log": True}


def test_a_search_of_nothing_is_the_strategy_as_it_is():
    search = Search(Space.of(everything, {}))

    assert search.candidates == 1
    assert list(search.stretch(0, 1).trials) == [dict(everything.bind().params)]


def test_a_strategy_without_parameters_has_one_trial():
    @strategy(family="test", source="none")
    def plain(bars: Bars) -> np.ndarray:
        """Nothing."""
        return np.zeros(bars.close.shape)

    for search in (Search(Space.whole(plain, {})), Search(Space.whole(plain, {}), 5)):
        assert search.candidates == 1
        assert [dict(trial) for trial in search.stretch(0, 1).trials] == [{}]


def test_what_is_drawn_is_the_same_whatever_was_looked_at_before():
    grid = {"count": {"low": 1, "high": 9}, "width": {"low": 0.0, "high": 4.0}}
    for axes in (grid, {**grid, "width": [0.5, 1.0, 2.0]}, {"count": [1, 2]}):
        space = Space.of(everything, axes, lattice=False)
        whole, last_first = Search(space, 2, seed=3), Search(space, 2, seed=3)
        rows = [last_first.stretch(at, at + 1).trials[0] for at in (1, 0)]
        assert list(whole.stretch(0, 2).trials) == rows[::-1]


def test_candidates_that_were_asked_for_are_known_by_number_and_a_stretch_needs_only_its_own():
    def early(count: int, **_: object) -> str | None:
        return None if count < 8 else "count must be below 8."

    space = Space.of(
        replace(everything, rule=early), {"count": [2, 5, 9], "width": {"low": 1.0, "high": 3.0}}, lattice=False
    )
    asked = Asked(space).knowing({4: (1, 2.5), 5: (2, 1.0), 6: (0, 1)})
    stretch = asked.stretch(4, 7)

    assert asked.candidates == 3
    assert (stretch.numbers.tolist(), stretch.skipped) == ([4, 6], 1)
    assert [(trial["count"], trial["width"]) for trial in stretch.trials] == [(5, 2.5), (2, 1.0)]
    with pytest.raises(KeyError):
        asked.stretch(0, 1)


def test_only_what_is_there_can_be_imported():
    with pytest.raises(AttributeError, match="has no attribute 'sweeps'"):
        _ = sweep.sweeps
