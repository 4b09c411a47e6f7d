"""Averages of all windows that a sweep compares."""

from __future__ import annotations

import math

import numpy as np
import pytest

import strategies
from engine import Bars, backtest
from engine.sweep import sweep
from engine.sweep.course import course_of
from engine.sweep.crossings import rolled
from engine.sweep.turns import TILE

SMA = strategies.get("sma_cross")


def course_from(close):
    time = np.datetime64("2020-01-01", "ns") + np.arange(len(close)) * np.timedelta64(60, "s")
    return course_of(Bars.from_closes(time, close, ("A",)), 0, at_open=False)


def test_small_sums_after_large_ones_are_those_of_exact_arithmetic_rounded_to_float32():
    rng = np.random.default_rng(3)
    close = np.exp(np.linspace(np.log(9e8), 0.0, 60_000)) * rng.uniform(0.99, 1.0, 60_000)
    windows = np.array([2, 7, 64, TILE, TILE + 1, 5_000])

    averages = rolled(course_from(close), windows)

    for window, row in zip(windows.tolist(), averages.rough, strict=True):
        assert np.isnan(row[: window - 1]).all()
        for t in [window - 1, *rng.integers(window, len(close), 60).tolist(), len(close) - 1]:
            exact = math.fsum(close[t + 1 - window : t + 1]) / window
            assert abs(float(row[t]) - exact) <= 1.0001 * 2.0**-24 * exact, (window, t)


@pytest.mark.parametrize("total", [2, 65, TILE - 1, TILE, TILE + 1, 2 * TILE + 3])
def test_averages_are_there_from_the_first_full_window_to_the_last_bar(total):
    close = np.arange(1.0, total + 1.0)
    windows = np.array([2, 3, TILE, TILE + 2])

    averages = rolled(course_from(close), windows)

    for window, row in zip(windows.tolist(), averages.rough, strict=True):
        expected = np.full(total, np.nan)
        expected[window - 1 :] = close[window - 1 :] - (window - 1) / 2
        np.testing.assert_array_equal(row, expected.astype(np.float32))


def test_prices_too_far_apart_for_shared_sums_are_compared_by_sums_of_their_own():
    rng = np.random.default_rng(4)
    close = np.exp(np.linspace(np.log(1e13), 0.0, 300) + np.cumsum(rng.normal(0.0, 0.2, 300)))
    time = np.busday_offset("2020-01-01", np.arange(300), roll="forward")
    bars = Bars.from_closes(time, close, ("A",))
    trials = [{"fast": fast, "slow": slow} for fast, slow in ((2, 5), (3, 9), (5, 30))]

    assert np.isnan(rolled(course_of(bars, 0, at_open=False), np.array([2, 5])).rough).all()
    found = sweep(bars, SMA, trials, figures=("final_equity", "total_trades"))

    assert found.figures["final_equity"].tolist() == [
        backtest(bars, SMA.bind(**params)).metrics["final_equity"] for params in trials
    ]
    assert (found.figures["total_trades"] > 0).all()
