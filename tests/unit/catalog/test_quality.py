"""What is wrong with prices, and which runs it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from app.catalog import Catalog
from app.quality import inspect, require_clean
from engine import Bars
from engine.errors import BadData

TIME = np.busday_offset("2024-01-01", np.arange(120), roll="forward")


def bars(close, volume=None, time=TIME):
    close = np.asarray(close, dtype=float)
    names = tuple("ABCDE"[: close.shape[1]])
    if volume is None:
        return Bars.from_closes(time, close, names)
    return Bars.from_arrays(time, close, close, close, close, volume, symbols=names)


def rising(columns=3):
    return 100.0 + np.arange(120.0)[:, None] + np.arange(columns)


def codes(found):
    return [(item.code, item.severity, item.symbol, item.start, item.end) for item in found]


def test_good_bars_have_nothing_to_tell():
    assert inspect(bars(rising())) == ()


@pytest.mark.parametrize(("missing", "severity"), [(3, "warning"), (19, "warning"), (20, "error"), (60, "error")])
def test_sessions_that_a_symbol_misses_while_others_trade(missing, severity):
    close = rising()
    close[10 : 10 + missing, 1] = np.nan
    (found,) = inspect(bars(close))
    assert codes([found]) == [("data_gap", severity, "B", str(TIME[10]), str(TIME[9 + missing]))]
    assert found.times == missing


def test_late_listing_and_an_early_end_are_no_gaps():
    close = rising()
    close[:40, 0] = close[80:, 1] = np.nan
    assert inspect(bars(close)) == ()


def test_days_on_which_few_trade_are_no_sessions_for_the_others():
    """A coin that trades at weekends makes no holes in shares."""
    days = np.arange("2024-01-01", "2024-05-01", dtype="datetime64[D]")
    close = np.full((len(days), 3), 10.0) + np.arange(len(days))[:, None]
    close[~np.is_busday(days), :2] = np.nan
    assert inspect(bars(close, time=days)) == ()


@pytest.mark.parametrize(("days", "severity"), [(7, None), (20, "warning"), (40, "error")])
def test_days_without_any_bar(days, severity):
    time = TIME.copy()
    time[50:] += days
    found = inspect(bars(rising(1), time=time))
    assert [item.severity for item in found] == ([severity] if severity else [])
    assert all(item.symbol == "A" and item.start == str(time[49] + 1) for item in found)


@pytest.mark.parametrize(("length", "severity"), [(4, None), (5, "warning"), (19, "warning"), (20, "error")])
def test_closes_that_stand_still_although_something_is_traded(length, severity):
    close = rising(2)
    close[30 : 30 + length, 0] = close[30, 0]
    found = inspect(bars(close, np.full((120, 2), 5.0)))
    expected = [("stale_price", severity, "A", str(TIME[30]), str(TIME[29 + length]))] if severity else []
    assert codes(found) == expected
    assert inspect(bars(close, np.zeros((120, 2)))) == ()
    assert inspect(bars(close)) == ()


def test_a_minute_without_a_move_is_not_stale():
    time = np.datetime64("2024-01-02T14:30") + np.arange(120) * np.timedelta64(1, "m")
    assert inspect(bars(np.full((120, 1), 7.0), np.ones((120, 1)), time=time)) == ()


@pytest.mark.parametrize("factor", [0.5, 0.25, 0.1, 4.0, 20.0])
def test_a_jump_that_looks_like_a_split_is_told(factor):
    close = rising(2)
    close[70:, 1] *= factor
    (found,) = inspect(bars(close))
    assert (found.code, found.severity, found.symbol, found.start) == ("split_suspected", "warning", "B", str(TIME[70]))


def test_a_fall_that_no_split_makes_is_not():
    close = rising(1)
    close[70:] *= 0.62
    assert inspect(bars(close)) == ()


def test_only_runs_that_touch_an_error_are_refused():
    close = rising()
    close[10:50, 1] = np.nan
    found = inspect(bars(close))
    with pytest.raises(BadData, match=f"B misses 40 sessions .* {TIME[10]}") as caught:
        require_clean(found, ["A", "B"], str(TIME[0]), str(TIME[20]))
    assert (caught.value.code, caught.value.pointer) == ("data_gap", "/start_date")
    require_clean(found, ["A", "C"], str(TIME[0]), str(TIME[-1]))
    require_clean(found, ["B"], str(TIME[50]), str(TIME[-1]))
    require_clean(found, ["B"], str(TIME[0]), str(TIME[9]))


def test_nothing_that_ships_is_refused():
    for dataset in Catalog.standard().datasets():
        assert [item for item in dataset.findings if item.severity == "error"] == []
