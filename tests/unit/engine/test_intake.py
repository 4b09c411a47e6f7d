"""Whatever is handed over as prices, times or names becomes bars or a refusal that says what it was."""

from __future__ import annotations

import weakref
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest

from engine import Bars, intake
from engine.errors import BadData

DAYS = np.array(["2024-01-01", "2024-01-02", "2024-01-03"], dtype="datetime64[ns]")
CLOSE = [1.0, 2.0, 3.0]
NAN = float("nan")


def both(**change):
    """The bars made of closes alone and of four prices, each from the same change."""
    given = {"time": DAYS, "close": CLOSE, "symbols": ("A",)} | change
    four = dict.fromkeys(("open", "high", "low"), given["close"])
    return [lambda: Bars.from_closes(**given), lambda: Bars.from_arrays(**given, **four)]


def refused(code, says, **change):
    for make in both(**change):
        with pytest.raises(BadData, match=says) as error:
            make()
        assert error.value.code == code


@pytest.mark.parametrize(
    ("close", "code", "says"),
    [
        (["1", "2", "x"], "bad_numbers", "holds text, expected numbers"),
        (["1", "2", "3"], "bad_numbers", "holds text"),
        ([b"1", b"2", b"3"], "bad_numbers", "holds bytes"),
        ([1 + 2j, 2, 3], "bad_numbers", "holds complex numbers"),
        ([True, True, True], "bad_numbers", "holds truths"),
        (DAYS, "bad_numbers", "holds times"),
        (DAYS - DAYS[0], "bad_numbers", "holds durations"),
        (np.zeros(3, dtype=[("a", "f8")]), "bad_numbers", "holds records"),
        ([1.0, None, 3.0], "bad_numbers", "holds None in row 1"),
        (np.array([1.0, "a", 3.0], dtype=object), "bad_numbers", "the text 'a' in row 1"),
        (np.array([[1.0], [2.0], [True]], dtype=object), "bad_numbers", "True in row 2"),
        ([10**400, 1, 2], "bad_numbers", "an integer of 1329 bits in row 0"),
        ([10**5000, 1, 2], "bad_numbers", "an integer of 16610 bits in row 0"),
        ([Decimal("sNaN"), 1, 2], "bad_numbers", "sNaN"),
        ({"a": 1}, "bad_numbers", 'holds {"a": 1} in row 0'),
        ((x for x in CLOSE), "bad_numbers", "generator"),
        (None, "bad_numbers", "None in row 0"),
        ([[1.0], [1.0, 2.0], [3.0]], "bad_shape", "rows of different lengths"),
        (np.ones((3, 1, 1)), "bad_shape", "has shape"),
        (1.0, "bad_shape", "has shape"),
    ],
)
def test_what_is_no_price_is_said(close, code, says):
    refused(code, says, close=close)


@pytest.mark.parametrize(
    "close",
    [
        [1, 2, 3],
        np.array(CLOSE, dtype=np.float32),
        np.array(CLOSE, dtype=np.longdouble),
        np.array([1, 2, 3], dtype=np.uint8),
        [Decimal(1), Decimal(2), 3],
        np.array([1, 2.0, np.int64(3)], dtype=object),
        np.array([[9, 1], [9, 2], [9, 3]])[:, 1],
    ],
)
def test_every_kind_of_real_number_is_a_price(close):
    for make in both(close=close):
        assert make().close[:, 0].tolist() == CLOSE


def test_what_is_masked_is_missing():
    for kind in (float, int):
        masked = np.ma.array([1, 2, 3], mask=[0, 1, 0], dtype=kind)
        for make in both(close=masked):
            np.testing.assert_array_equal(make().close[:, 0], [1.0, NAN, 3.0])


def test_volume_and_adjusted_closes_are_read_as_strictly():
    for name in ("volume", "adj_close"):
        with pytest.raises(BadData, match=f"{name} holds text"):
            Bars.from_arrays(DAYS, *[CLOSE] * 4, **{name: ["1", "2", "3"]}, symbols=("A",))


@pytest.mark.parametrize(
    "time",
    [
        ["2024-01-01", "2024-01-02", "2024-01-03"],
        np.array(["2024-01-01", "2024-01-02", "2024-01-03"], dtype=object),
        [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)],
        [datetime(2024, 1, 1), datetime(2024, 1, 2), datetime(2024, 1, 3)],
        [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3)],
        [datetime(2024, 1, day, 5, tzinfo=timezone(timedelta(hours=5))) for day in (1, 2, 3)],
        list(DAYS),
        DAYS.astype("datetime64[D]"),
    ],
)
def test_times_come_in_many_forms(time):
    for make in both(time=time):
        assert make().time.tobytes() == DAYS.tobytes()


@pytest.mark.parametrize(
    ("time", "says"),
    [
        ([1, 2, 3], "time holds numbers"),
        ([1.0, 2.0, 3.0], "time holds numbers"),
        ([True, False, True], "time holds truths"),
        (DAYS - DAYS[0], "time holds durations"),
        (["2024-01-01", "foo", "2024-01-03"], 'no ISO 8601 time in UTC: .*"foo"'),
        (["2024-01-01T00:00Z", "2024-01-02T00:00Z", "2024-01-03T00:00Z"], "in UTC"),
        ([date(2024, 1, 1), "x", 3], "the text 'x' in row 1"),
        ([date(2024, 1, 1), 2, 3], "time holds 2 in row 1"),
        (["2300-01-01", "2300-01-02", "2300-01-03"], "2300-01-01 is outside the years"),
        (["99999-01-01"] * 3, "99999-01-01 is outside the years"),
        ([date(2300, 1, 1)] * 3, "outside the years"),
        ([None, None, None], "Bar 0 has no time"),
        (np.array(["NaT"] * 3, dtype="datetime64"), "Bar 0 has no time"),
    ],
)
def test_what_is_no_time_is_said(time, says):
    refused("bad_time", says, time=time)


@pytest.mark.parametrize("time", [None, "2024-01-01", [["2024-01-01"], ["2024-01-02"], ["2024-01-03"]], []])
def test_there_is_one_time_for_each_bar(time):
    for make in both(time=time):
        with pytest.raises(BadData, match=r"one time per bar|has shape"):
            make()


def test_a_nanosecond_in_a_text_is_kept():
    assert intake.times(["2024-01-01T00:00:00.000000001"])[0] == DAYS[0] + np.timedelta64(1, "ns")


@pytest.mark.parametrize(
    ("symbols", "says"),
    [
        ("A", "sequence of names, got the text 'A'"),
        (None, "sequence of names, got None"),
        (1, "sequence of names, got 1"),
        ((1,), "must be a name, got 1"),
        (("",), "must be a name, got the text ''"),
        (([],), r"must be a name, got \[\]"),
        ((10**5000,), "an integer of 16610 bits"),
        (("A", "A"), "must be unique"),
        ((), "at least one"),
    ],
)
def test_what_is_no_name_is_said(symbols, says):
    refused("bad_symbols", says, symbols=symbols)


def test_an_array_is_unshared_where_nobody_else_can_write_to_its_memory():
    assert intake.unshared([np.ones(3)])
    assert intake.unshared([np.ones(6).reshape(3, 2)])
    held = np.ones(6)
    assert not intake.unshared([held])
    assert not intake.unshared([held.reshape(3, 2)])
    whole, part = [np.ones(6)], [np.ones(6).reshape(3, 2)]
    found_again = weakref.ref(whole[0]), weakref.ref(part[0].base)
    assert not intake.unshared(whole)
    assert not intake.unshared(part)
    assert all(find() is not None for find in found_again)
    seen = memoryview(np.ones(3))
    assert not intake.unshared([np.asarray(seen)])
    assert not intake.unshared([np.frombuffer(bytearray(8))])
    assert not intake.unshared([np.ma.ones(3)])
    assert not intake.unshared([[1.0]])
