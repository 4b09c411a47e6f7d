"""Folds by months, and combinations of groups: which bars are trained on, tested, and dropped."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from engine.errors import InvalidInput
from engine.sweep.splits import MOST_SPLITS, Fold, Groups, drift, month_folds, overfit_ratio

YEAR = np.arange("2020-01-01", "2021-01-01", dtype="datetime64[D]")
JAN, FEB, MAR, APR, MAY = 0, 31, 60, 91, 121


def test_folds_are_whole_months_and_roll_on_by_the_test():
    folds = month_folds(YEAR, train=2, test=1)

    assert folds[:2] == (Fold(JAN, MAR, APR), Fold(FEB, APR, MAY))
    assert len(folds) == 10
    assert folds[-1].stop == len(YEAR)


def test_an_anchored_training_begins_with_the_first_bar():
    folds = month_folds(YEAR, train=2, test=1, step=2, anchored=True)

    assert [fold.first for fold in folds] == [0] * 5
    assert folds[1] == Fold(JAN, MAY, MAY + 31)


@pytest.mark.parametrize("stop", [100, 200, 300])
def test_later_bars_move_no_fold(stop):
    part = month_folds(YEAR[:stop], train=2, test=1)

    assert part[:-1] == month_folds(YEAR, train=2, test=1)[: len(part) - 1]


@pytest.mark.parametrize("anchored", [False, True])
def test_a_last_month_that_has_only_begun_is_no_test_yet(anchored):
    begun = month_folds(YEAR[: APR + 1], train=1, test=1, anchored=anchored)

    assert begun == month_folds(YEAR[:APR], train=1, test=1, anchored=anchored)
    assert month_folds(YEAR[: APR + 2], train=1, test=1)[-1] == Fold(MAR, APR, APR + 2)


def test_more_folds_than_are_run_are_refused():
    century = np.arange("1900-01-01", "2000-01-01", 5, dtype="datetime64[D]")

    with pytest.raises(InvalidInput, match="1,199 folds") as caught:
        month_folds(century, train=1, test=1)
    assert (caught.value.code, caught.value.pointer) == ("too_many_folds", "/step_months")
    assert len(month_folds(century, train=200, test=1)) == MOST_SPLITS


def test_months_of_one_bar_are_refused():
    with pytest.raises(InvalidInput, match="1 of test"):
        month_folds(YEAR[[JAN, FEB, MAR, APR]], train=2, test=1)


@pytest.mark.parametrize(
    ("how", "code", "pointer"),
    [
        ({"train": 12, "test": 1}, "invalid_folds", "/train_months"),
        ({"train": 1, "test": 1, "purge": 30}, "invalid_folds", "/train_months"),
    ],
)
def test_months_that_do_not_fit_are_refused(how, code, pointer):
    with pytest.raises(InvalidInput) as caught:
        month_folds(YEAR, **how)

    assert (caught.value.code, caught.value.pointer) == (code, pointer)


def test_a_purge_drops_bars_on_both_sides_of_a_test_and_an_embargo_after_it():
    groups = Groups(total=40, count=4, tested=1, purge=2, embargo=3)

    assert groups.bounds == (0, 10, 20, 30, 40)
    assert groups.training((1,)) == {0: (0, 8), 2: (25, 30), 3: (30, 40)}
    assert groups.training((0,)) == {1: (15, 20), 2: (20, 30), 3: (30, 40)}
    assert groups.training((3,)) == {0: (0, 10), 1: (10, 20), 2: (20, 28)}


def test_an_embargo_longer_than_a_group_goes_on_in_the_next():
    assert Groups(40, 4, 1, 0, 12).training((0,)) == {2: (22, 30), 3: (30, 40)}


@pytest.mark.parametrize(("count", "tested"), [(6, 2), (5, 1), (7, 3), (4, 3)])
def test_every_test_of_every_split_is_in_exactly_one_path(count, tested):
    groups = Groups(total=50, count=count, tested=tested)

    assert len(groups.splits) == comb(count, tested)
    assert groups.paths.shape == (comb(count - 1, tested - 1), count)
    assert len(groups.paths) * count == tested * comb(count, tested)
    used = [(split, group) for path in groups.paths.tolist() for group, split in enumerate(path)]
    assert sorted(used) == [(at, group) for at, split in enumerate(groups.splits) for group in split]


@pytest.mark.parametrize(
    ("how", "code", "pointer"),
    [
        ((40, 4, 4), "invalid_groups", "/cpcv/test_groups"),
        ((40, 30, 1), "invalid_groups", "/cpcv/groups"),
        ((400, 20, 10), "too_many_folds", "/cpcv"),
        ((40, 4, 2, 0, 40), "invalid_groups", "/embargo"),
        ((40, 4, 2, 30, 0), "invalid_groups", "/purge"),
    ],
)
def test_groups_that_do_not_work_are_refused(how, code, pointer):
    with pytest.raises(InvalidInput) as caught:
        Groups(*how)

    assert (caught.value.code, caught.value.pointer) == (code, pointer)


def test_the_overfit_ratio_is_of_choices_that_promised_something():
    inside, outside = np.array([2.0, 1.0, -1.0, np.nan, 4.0]), np.array([1.0, 1.0, 3.0, 1.0, -4.0])

    assert overfit_ratio(inside, outside) == 0.5
    assert overfit_ratio(inside[2:3], outside[2:3]) is None


def test_drift_counts_changes_and_passes_over_folds_without_a_choice():
    chosen = [{"fast": 5, "side": "long"}, None, {"fast": 5, "side": "both"}, {"fast": 9, "side": "long"}]
    found = drift(chosen, ["fast", "side"])

    assert found["fast"] == {"values": [5, None, 5, 9], "changes": 1, "distinct": 2, "low": 5, "high": 9}
    assert (found["side"]["changes"], found["side"]["distinct"], found["side"]["low"]) == (2, 2, None)
