"""The measurement beside other libraries: how figures are compared, what a table says, and our side of it."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from bench import walks
from bench.peers import environment, ours, table, workloads
from bench.peers.answer import MODULES
from bench.peers.asking import Asked, Failed
from bench.peers.table import Row, difference
from bench.peers.workloads import FULL, SMALL

NAN = math.nan


def test_figures_differ_relatively_above_one_and_absolutely_below():
    assert difference({"equity": [200.0, 1000.0]}, {"equity": [200.0, 1001.0]}) == (pytest.approx(1 / 1001), "equity")
    assert difference({"sharpe": [0.001]}, {"sharpe": [0.002]}) == (pytest.approx(0.001), "sharpe")


def test_the_figure_that_differs_most_is_named():
    found, name = difference({"a": [1.0], "b": [1.0]}, {"a": [1.0], "b": [2.0], "c": [9.0]})

    assert (found, name) == (0.5, "b")


def test_an_undefined_figure_equals_only_another_undefined_one():
    assert difference({"sharpe": [NAN]}, {"sharpe": [NAN]})[0] == 0.0
    assert difference({"sharpe": [NAN]}, {"sharpe": [0.0]})[0] == math.inf


@pytest.mark.parametrize("theirs", [{"other": [1.0]}, {"sharpe": [1.0, 2.0]}])
def test_figures_that_cannot_be_compared_are_refused(theirs):
    with pytest.raises(ValueError, match="sharpe"):
        difference({"sharpe": [1.0]}, theirs)


def test_a_table_sets_each_library_beside_ours_and_marks_what_disagrees():
    rows = [
        Row("ours", seconds=[0.002, 0.001, 0.003], cpu=0.0005),
        Row("peer", seconds=[0.02], difference=1e-3, tolerance=1e-9, differs="other fills", peak=3 << 20),
        Row("broken", failed="it has ended"),
    ]

    title, head, mine, peer, broken, *notes = table.lines("W1", rows)

    assert title == "W1"
    assert len({len(line) for line in (head, peer)}) == 1
    assert mine.split()[:6] == ["ours", "2.00", "1.00", "0.500", "3", "1.00"]
    assert peer.split()[1:] == ["20.0", "20.0", "-", "1", "10.0", "1.0e-03", "!", "3.0", "0"]
    assert broken.split() == ["broken", *"-" * 8]
    assert notes == ["  peer: other fills", "  broken: it has ended"]


@pytest.mark.parametrize(
    ("number", "text"), [(1234.5, "1,234"), (12.345, "12.3"), (0.01234, "0.0123"), (0.0, "-"), (NAN, "-")]
)
def test_numbers_are_shown_with_three_digits(number, text):
    assert table.shown(number) == text


def test_every_workload_has_a_sentence_a_goal_and_a_side_of_ours():
    assert set(workloads.TEXT) == set(workloads.GOALS) == set(ours.JOBS)
    assert {name: workloads.text(name, FULL) for name in ("W2", "W2b")} == {
        "W2": "the same for all 4,950 pairs of windows 2 to 101: four figures each",
        "W2b": "100 symbols x 2,520 bars x 200 pairs: four figures each",
    }
    assert len(FULL.folds) == 16
    assert workloads.bound("W4", FULL, 10e9) == (pytest.approx(2.016e-3), "20 MB read once at 10.0 GB/s")


def test_every_peer_says_what_is_to_be_installed_and_none_is_a_host():
    assert {"ours", *environment.PACKAGES} == set(MODULES)
    assert not any("/" in package for packages in environment.PACKAGES.values() for package in packages)


@pytest.mark.parametrize("name", ours.JOBS)
def test_our_side_of_a_workload_finds_finite_figures_every_way(name):
    jobs = ours.JOBS[name](SMALL, {})
    found = {label: job.figures(job.run()) for label, job in jobs.items()}

    assert all(np.isfinite(values).all() and values for each in found.values() for values in each.values())
    assert all(difference(found["ours"], each)[0] < 1e-9 for each in found.values())


def test_the_settings_of_somebody_else_change_our_figures():
    plain, invested = (ours.JOBS["W4"](SMALL, like)["ours"] for like in ({}, workloads.WITH_CASH))

    assert 1e-6 < difference(plain.figures(plain.run()), invested.figures(invested.run()))[0] < 0.05


def test_the_same_seed_makes_the_same_bars():
    one, other = walks.daily(5, 40, 3), walks.daily(5, 40, 3)

    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert (one.high >= np.maximum(one.open, one.close)).all()
    assert (one.low <= np.minimum(one.open, one.close)).all()
    assert np.array_equal(one.symbol(2).close[:, 0], one.close[:, 2])


def test_minutes_fill_whole_sessions():
    days, counts = np.unique(walks.minutes(1, 900).time.astype("datetime64[D]"), return_counts=True)

    assert counts.tolist() == [390, 390, 120]
    assert np.is_busday(days).all()


def test_crossings_are_seen_at_the_bar_on_which_they_happen():
    up, down = workloads.crosses(np.array([NAN, 1.0, 3.0, 1.0]), np.array([NAN, 2.0, 2.0, 2.0]))

    assert up.tolist() == [False, False, True, False]
    assert down.tolist() == [False, False, False, True]


def test_a_library_answers_from_a_process_of_its_own_and_a_time_out_ends_it(tmp_path):
    process = Asked("ours", sys.executable, "small", tmp_path / "log")
    try:
        assert process.ask(60, prepare="W4", like={})["jobs"]["ours"]["tolerance"] > 0
        answer = process.ask(60, run="ours", times=2)
        assert len(answer["seconds"]) == 2
        assert answer["process"] > answer["peak"] >= 0

        with pytest.raises(Failed, match=r"did not answer within 0 s"):
            process.ask(0.0, run="ours", times=50)
        with pytest.raises(Failed, match=r"has ended"):
            process.ask(5, run="ours", times=1)
    finally:
        process.end()
