"""What bars are accepted, how they are cut, and what a year of them is."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Bars
from engine.errors import BadData, UnknownName

DAYS = np.array(["2024-01-01", "2024-01-02", "2024-01-03"], dtype="datetime64[ns]")
GOOD = {"open": [1.0, 2, 3], "high": [2.0, 3, 4], "low": [0.5, 1, 2], "close": [1.5, 2.5, 3.5], "volume": [1.0, 2, 3]}
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"close": [1.5, 0.0, 3.5]}, "non_positive_price", "EUR has a close that is not positive at 2024-01-02"),
        ({"low": [0.5, -1, 2]}, "non_positive_price", "low"),
        ({"high": [2.0, 2.2, 4]}, "bad_ohlc", "high below its other prices at 2024-01-02"),
        ({"low": [0.5, 2.2, 2]}, "bad_ohlc", "low above"),
        ({"open": [1.0, NAN, 3]}, "bad_ohlc", "only a part of its prices"),
        ({"close": [1.0, NAN, 3]}, "bad_ohlc", "only a part of its prices"),
        ({"high": [2.0, INF, 4]}, "bad_ohlc", "infinite high"),
        ({"volume": [1.0, -2, 3]}, "bad_volume", "volume"),
        ({"volume": [1.0, INF, 3]}, "bad_volume", "volume"),
        ({"open": [1.0, 2.0]}, "bad_shape", "shape"),
        ({"low": [0.5, 1e-300, 2]}, "bad_ohlc", "low that is too small or too large"),
        ({"high": [2.0, 1e300, 4]}, "bad_ohlc", "high that is too small or too large"),
    ],
)
def test_bad_prices_are_refused_with_symbol_and_time(change, code, says):
    with pytest.raises(BadData, match=says) as refused:
        Bars.from_arrays(DAYS, **(GOOD | change), symbols=("EUR",))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("days", "says"),
    [
        (["2024-01-01", "2024-01-03", "2024-01-02"], "2024-01-02 comes out of order"),
        (["2024-01-01", "2024-01-01", "2024-01-02"], "2024-01-01 comes twice"),
        (["2024-01-01", "NaT", "2024-01-02"], "Bar 1 has no time"),
    ],
)
def test_times_must_increase(days, says):
    with pytest.raises(BadData, match=says):
        Bars.from_arrays(np.array(days, dtype="datetime64[ns]"), **GOOD, symbols=("EUR",))


def test_one_bar_is_not_enough():
    with pytest.raises(BadData, match="At least 2") as refused:
        Bars.from_closes(DAYS[:1], [1.0], ("EUR",))
    assert refused.value.code == "not_enough_bars"


@pytest.mark.parametrize("symbols", [("A", "A"), ()])
def test_symbols_are_unique_and_there_is_one(symbols):
    with pytest.raises(BadData):
        Bars.from_closes(DAYS, np.ones((3, len(symbols))), symbols)


def test_a_bar_that_did_not_trade_is_nan_in_every_price():
    holes = {name: [values[0], NAN, values[2]] for name, values in GOOD.items()}
    assert np.isnan(Bars.from_arrays(DAYS, **holes, symbols=("EUR",)).close[1, 0])


def test_arrays_are_read_only_while_the_callers_stay_writable():
    closes = np.ones((3, 1))
    bars = Bars.from_closes(DAYS, closes, ("EUR",))
    with pytest.raises(ValueError, match="read-only"):
        bars.close[0, 0] = 2.0
    closes[0, 0] = 2.0


def test_a_selection_includes_both_dates_and_keeps_the_order_asked_for():
    bars = Bars.from_closes(DAYS, np.arange(1.0, 7.0).reshape(3, 2), ("A", "B"))
    part = bars.select(("B", "A"), "2024-01-02", "2024-01-03")
    assert part.symbols == ("B", "A")
    assert part.close.tolist() == [[4.0, 3.0], [6.0, 5.0]]
    assert part.close_only
    assert len(bars.select(end="2024-01-02")) == 2
    assert len(bars.select(end="2024")) == 3
    assert np.shares_memory(bars.select(start="2024-01-02").close, bars.close)


def test_a_choice_of_symbols_copies_closes_once_where_there_is_nothing_else():
    bars = Bars.from_closes(DAYS, np.arange(1.0, 7.0).reshape(3, 2), ("A", "B"))
    part = bars.select(("B",))
    assert part.close.flags.c_contiguous
    assert all(np.shares_memory(part.close, values) for values in (part.open, part.high, part.low))
    assert not np.shares_memory(part.close, bars.close)


def test_an_empty_range_and_an_unknown_symbol_are_refused():
    bars = Bars.from_closes(DAYS, np.ones((3, 1)), ("EURUSD",))
    with pytest.raises(BadData, match="there are 0"):
        bars.select(start="2025-01-01")
    with pytest.raises(UnknownName, match="EURUSD"):
        bars.select(("EURUDS",))


def times(start, step, count):
    return np.datetime64(start, "ns") + np.arange(count) * np.timedelta64(step)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (np.busday_offset("2024-01-01", np.arange(300), roll="forward"), 252.0),
        (times("2024-01-01", np.timedelta64(1, "D"), 300), 365.0),
        (times("2024-01-05", np.timedelta64(7, "D"), 60), 52.0),
        (np.arange("2020-01", "2023-01", dtype="datetime64[M]").astype("datetime64[D]"), 12.0),
        (np.arange("2000-01", "2010-01", 3, dtype="datetime64[M]").astype("datetime64[D]"), 4.0),
        (np.arange("1990", "2010", dtype="datetime64[Y]").astype("datetime64[D]"), 1.0),
        (times("2024-01-01", np.timedelta64(4, "h"), 600), 365.0 * 6),
        (np.busday_offset("2024-01-01", np.arange(300), roll="forward", weekmask="1111001"), 252.0),
        (np.busday_offset("2024-01-01", np.arange(300), roll="forward", weekmask="1111101"), 252.0),
        (times("2024-01-03T09:00", np.timedelta64(1, "m"), 60), 252.0 * 60),
    ],
)
def test_periods_per_year_follow_from_the_times(time, expected):
    assert Bars.from_closes(time, np.ones((len(time), 1)), ("A",)).periods_per_year == expected


def test_sessions_are_utc_dates():
    bars = Bars.from_closes(times("2024-01-01T22:00", np.timedelta64(1, "h"), 4), np.ones(4), ("A",))
    assert bars.sessions.astype(str).tolist() == ["2024-01-01"] * 2 + ["2024-01-02"] * 2


@pytest.mark.parametrize("year", ["1500", "2500"])
def test_years_that_nanoseconds_cannot_hold_are_refused(year):
    time = np.datetime64(f"{year}-01-01") + np.arange(3)
    with pytest.raises(BadData, match=f"{year}-01-01 is outside") as refused:
        Bars.from_closes(time, np.ones(3), ("A",))
    assert refused.value.code == "bad_time"


def test_a_selection_may_end_or_start_beyond_all_times():
    bars = Bars.from_closes(DAYS, np.ones(3), ("A",))
    assert len(bars.select(start="0001-01-01", end="9999-12-31")) == 3
    for beyond in ({"start": "9999-01-01"}, {"end": "0001-01-01"}):
        with pytest.raises(BadData, match="there are 0"):
            bars.select(**beyond)


@pytest.mark.parametrize("names", [(), ("A", "A")])
def test_a_selection_is_of_different_symbols_and_of_at_least_one(names):
    with pytest.raises(BadData, match="unique"):
        Bars.from_closes(DAYS, np.ones((3, 2)), ("A", "B")).select(names)


def test_there_is_one_time_per_bar():
    with pytest.raises(BadData, match="one time per bar"):
        Bars.from_closes(DAYS.reshape(-1, 1), np.ones(3), ("A",))


def test_close_only_bars_hold_nothing_but_closes():
    one, two, unknown = np.ones(3), np.full(3, 2.0), np.full(3, NAN)
    with pytest.raises(BadData, match="more than a close"):
        Bars(DAYS, one, two, one, one, unknown, ("A",), close_only=True)
