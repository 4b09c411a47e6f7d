"""What a file is read as, and how it is refused: with the row and the column of what is wrong."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from app.columns import codes, moments, numbers
from app.uploads import source
from app.uploads.reading import read
from engine.errors import BadData, InvalidInput

LONG = """Date,Ticker,Open,High,Low,Close,Volume
2024-01-02,AAA,10,11,9,10.5,100
2024-01-02,BBB,20,21,19,20.5,
2024-01-03,AAA,10.5,12,10,11,150
"""
WIDE = "time,A,B\n2024-01-02,1,2\n2024-01-03,1.5,\n"


@pytest.fixture
def take(tmp_path):
    """take(text or bytes or table): what the reader makes of it."""

    def take(content):
        path = tmp_path / "upload"
        if isinstance(content, pa.Table):
            pyarrow.parquet.write_table(content, path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read(path, symbol="mine")

    return take


@pytest.fixture
def refused(take):
    """refused(content): the error, which must be one of ours."""

    def refused(content):
        with pytest.raises((InvalidInput, BadData)) as caught:
            take(content)
        return caught.value

    return refused


def days(table, name="time"):
    return moments(table[name]).astype("datetime64[D]").astype(str).tolist()


def parquet(**columns):
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_long_bars_are_read_with_names_in_any_case(take):
    table = take(LONG).table
    assert table.column_names == ["time", "symbol", "open", "high", "low", "close", "volume"]
    place, names = codes(table["symbol"])
    assert [names[at] for at in place] == ["AAA", "BBB", "AAA"]
    assert numbers(table["close"]).tolist() == [10.5, 20.5, 11.0]
    assert np.isnan(numbers(table["volume"])[1])
    assert days(table) == ["2024-01-02", "2024-01-02", "2024-01-03"]


def test_wide_closes_are_read_and_an_empty_cell_is_no_price(take):
    table = take(WIDE).table
    assert table.column_names == ["time", "A", "B"]
    assert numbers(table["A"]).tolist() == [1.0, 1.5]
    assert np.isnan(numbers(table["B"])[1])


def test_bars_without_a_symbol_are_called_as_the_dataset(take):
    found = take("date,open,high,low,close,Adj Close\n2024-01-02,1,2,1,2,1.9\n2024-01-03,2,2,2,2,2\n")
    assert codes(found.table["symbol"])[1] == ("mine",)
    assert numbers(found.table["adj_close"]).tolist() == [1.9, 2.0]
    assert "'mine'" in found.warnings[0]


def test_closes_with_a_volume_are_closes_and_it_is_said(take):
    found = take("date,symbol,close,volume\n2024-01-02,A,1,5\n2024-01-03,A,2,5\n")
    assert found.table.column_names == ["time", "symbol", "close"]
    assert "'volume'" in found.warnings[0]


def test_semicolons_with_decimal_commas_are_the_same_numbers(take):
    text = "Datum;Date;Close\n".replace("Datum;", "") + "02.01.2024;1,5\n03.01.2024;12,25\n"
    found = take(text)
    assert numbers(found.table["close"]).tolist() == [1.5, 12.25]
    assert days(found.table) == ["2024-01-02", "2024-01-03"]


@pytest.mark.parametrize(
    ("rows", "code", "row"),
    [
        ("2024-01-02;1,234\n2024-01-03;2,345", "ambiguous_number", 2),
        ("2024-01-02;1,5\n2024-01-03;2.5", "ambiguous_number", None),
        ("2024-01-02;1.234,5\n2024-01-03;2,5", "ambiguous_number", None),
    ],
)
def test_a_comma_that_may_stand_between_thousands_is_refused(refused, rows, code, row):
    error = refused(f"date;A\n{rows}\n")
    assert error.code == code
    assert row is None or error.given["row"] == row


def test_what_stands_between_thousands_is_named(refused):
    error = refused(LONG.replace(",100\n", ',"1,557,969"\n'))
    assert (error.code, error.given) == ("bad_number", {"row": 2, "column": "Volume", "value": "1,557,969"})
    assert error.message.endswith("Leave out what stands between thousands.")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2024-01-02", "2024-01-31"),
        ("2024/1/2", "2024/1/31"),
        ("02/01/2024", "31/01/2024"),
        ("01/02/2024", "01/31/2024"),
        ("2 Jan 2024", "31 January 2024"),
        ("Jan 2, 2024", "Jan 31, 2024"),
        ("20240102", "20240131"),
        ("1704153600", "1706659200"),
        ("1704153600000", "1706659200000"),
        ("2024-01-02T00:00:00Z", "2024-01-31T00:00:00Z"),
        ("2024-01-02 01:00:00+01:00", "2024-01-31 01:00:00+01:00"),
    ],
)
def test_dates_of_every_common_form_are_the_same_days(take, first, second):
    rows = "".join(f'"{day}",{at}\n' for at, day in enumerate((first, second), 1))
    table = take(f"date,A\n{rows}").table
    assert days(table) == ["2024-01-02", "2024-01-31"]
    assert moments(table["time"])[0] == np.datetime64("2024-01-02")


@pytest.mark.parametrize(
    ("rows", "code", "row"),
    [
        (("01/02/2024", "02/03/2024"), "ambiguous_date", 2),
        (("13/02/2024", "02/13/2024"), "bad_date", 3),
        (("2024-01-02", "2024-02-30"), "bad_date", 3),
        (("2024-01-02", "03/01/2024"), "bad_date", 3),
        (("2024-01-02", ""), "bad_date", 3),
        (("Yesterday", "2024-01-02"), "bad_date", 2),
        (("2024-01-02", "2300-01-01"), "bad_date", 3),
        (("2024-01-02T10:00Z", "2024-01-03T10:00"), "bad_date", 3),
    ],
)
def test_a_date_that_could_mean_two_days_or_none_names_its_row(refused, rows, code, row):
    error = refused("date,A\n" + "".join(f"{day},1\n" for day in rows))
    assert (error.code, error.given["row"], error.given["column"]) == (code, row, "date")
    assert error.given.get("value", "") in ("", *rows, "2300-01-01T00:00:00")


# What stands in row 3 of `LONG` instead -> code, column.
CELLS = {
    "2024-01-02,BBB,20,21,19,x,5": ("bad_number", "Close"),
    "2024-01-02,BBB,20,21,19,inf,5": ("bad_number", "Close"),
    "2024-01-02,BBB,20,21,19,-1,5": ("non_positive_price", "Close"),
    "2024-01-02,BBB,20,21,19,0,5": ("non_positive_price", "Close"),
    "2024-01-02,BBB,20,18,19,19,5": ("bad_ohlc", "High"),
    "2024-01-02,BBB,20,21,20.5,20.5,5": ("bad_ohlc", "Low"),
    "2024-01-02,BBB,20,,19,20,5": ("bad_ohlc", "High"),
    "2024-01-02,BBB,20,21,19,20,-5": ("bad_volume", "Volume"),
    "2024-01-02,AAA,20,21,19,20,5": ("duplicate_bar", "Date"),
    "2024-01-02,,20,21,19,20,5": ("missing_text", "Ticker"),
}


@pytest.mark.parametrize("line", CELLS)
def test_a_bad_cell_is_named_by_row_and_column(refused, line):
    lines = LONG.splitlines()
    lines[2] = line
    error = refused("\n".join(lines))
    code, column = CELLS[line]
    assert (error.code, error.given["row"], error.given["column"]) == (code, 3, column)
    assert error.pointer == "/file"


def test_rows_count_with_blank_ones_among_them(refused):
    error = refused("\n\ndate,A\n2024-01-02,1\n\n\n2024-01-03,x\n")
    assert error.given["row"] == 7


def test_rows_count_over_the_blocks_in_which_a_file_is_read(refused, monkeypatch):
    monkeypatch.setattr(source, "BLOCK", 64)
    rows = "".join(f"2024-01-{day:02d},{day}\n" for day in range(1, 20))
    assert refused(f"date,A\n{rows}2024-01-20,x\n").given["row"] == 21


def test_unsorted_rows_are_taken_and_it_is_said(take):
    assert any("sorted" in note for note in take("date,A\n2024-01-03,1\n2024-01-02,2\n").warnings)
    assert take(WIDE).warnings == ()


# File -> code, nearest.
FILES = {
    "": ("empty_file", None),
    "date,A": ("no_rows", None),
    "date,A\n": ("no_rows", None),
    "tme,A\n2024-01-02,1\n": ("missing_column", "tme"),
    "date,open,high,lwo,close\n2024-01-02,1,1,1,1\n": ("missing_column", "lwo"),
    "date,close,adj_close\n2024-01-02,1,1\n": ("missing_column", None),
    "date,symbol,clse\n2024-01-02,A,1\n": ("missing_column", "clse"),
    "date,A,a\n2024-01-02,1,1\n": ("duplicate_column", None),
    "date,time,A\n2024-01-02,2024-01-02,1\n": ("two_columns", None),
    "date,A\n2024-01-02,1,2\n": ("ragged_row", None),
    'date,A\n2024-01-02,"1\n2024-01-03,2\n': ("bad_number", None),
    "date,A,B\n2024-01-02,1,\n2024-01-03,1,\n": ("no_prices", None),
    "key,observed,value\nCPI,2024-01-01,1\n": ("missing_column", None),
    "calendar,date,anounced\nFOMC,2024-01-31,2023-06-23\n": ("unknown_column", "announced"),
    "calendar,date,announced,available\nFOMC,2024-01-31,2023-06-23,2023-06-23\n": ("two_columns", None),
    "calendar,announced\nFOMC,2023-06-23\n": ("missing_column", None),
    "calendar,date\n": ("no_rows", None),
}


@pytest.mark.parametrize("text", FILES)
def test_a_file_without_the_right_columns_is_refused_with_the_nearest(refused, text):
    error = refused(text)
    assert (error.code, error.nearest) == FILES[text]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (gzip.compress(WIDE.encode(), mtime=0), "unsupported_file"),
        (b"PK\x03\x04 a sheet", "unsupported_file"),
        (WIDE.encode("utf-16"), "not_utf8"),
        (WIDE.encode() + b"2024-01-04,\xff,1\n", "not_utf8"),
        (WIDE.encode() + b"2024-01-04,\x00,1\n", "bad_number"),
        (b"date,A\n" + b"9" * 3_000_000, "bad_csv"),
        (b"date,A\n2024-01-02," + b"9" * 300, "text_too_long"),
        (b"x" * 300_000, "bad_header"),
        (b"date," + b",".join(b"S%d" % at for at in range(1200)) + b"\n", "too_many_columns"),
        (b"PAR1 not really PAR1", "unreadable_parquet"),
        (parquet(time=[1, 2], A=[1.0, 2.0])[:-40], "unreadable_parquet"),
        (parquet(time=[1, 2], A=[[1], [2]]), "bad_column_type"),
        (parquet(time=["2024-01-02"], A=[float("inf")]), "bad_number"),
    ],
)
def test_what_is_no_table_of_ours_is_refused(refused, content, code):
    assert refused(content).code == code


def test_a_line_that_is_no_utf8_is_named(refused):
    assert "Line 4" in refused(WIDE.encode() + b"2024-01-04,\xff,1\n").message


def test_more_than_a_dataset_holds_is_refused_before_it_is_read(refused, monkeypatch):
    monkeypatch.setattr(source, "MOST_NUMBERS", 5)
    assert refused(WIDE).code == "too_much_data"
    assert refused(parquet(time=[1, 2, 3], A=[1.0, 2.0, 3.0])).code == "too_much_data"


@pytest.mark.parametrize(
    "time",
    [
        pa.array(["2024-01-02", "2024-01-03"]),
        pa.array(["2024-01-02", "2024-01-03"]).dictionary_encode(),
        pa.array(np.array(["2024-01-02", "2024-01-03"], "datetime64[ms]")),
        pa.array(np.array(["2024-01-02", "2024-01-03"], "datetime64[D]")),
        pa.array([1_704_153_600, 1_704_240_000]),
    ],
    ids=["text", "dictionary", "timestamp", "date", "epoch"],
)
def test_parquet_is_read_like_csv(take, time):
    table = take(pa.table({"Date": time, "A": [1, 2], "B": ["2.5", None]})).table
    assert days(table) == ["2024-01-02", "2024-01-03"]
    assert numbers(table["A"]).tolist() == [1.0, 2.0]
    assert numbers(table["B"])[0] == 2.5


def test_series_come_with_units_and_how_long_they_count(take):
    rows = (
        "CPI,2024-01-01,2024-02-13,300,index",
        "CPI,2024-02-01,2024-03-12,301,index",
        "RATE,2024-01-02,2024-01-02,5,percent",
    )
    found = take("\n".join(("key,observed,available,value,unit", *rows)))
    about = found.series.told["about"]
    assert found.table is None
    assert {key: item["unit"] for key, item in about.items()} == {"CPI": "index", "RATE": "percent"}
    assert (about["CPI"]["stale_days"], about["RATE"]["stale_days"]) == (93.0, 10.0)
    assert numbers(found.series.table["value"]).tolist() == [300.0, 301.0, 5.0]


def test_a_series_in_two_units_is_refused(refused):
    assert refused(
        "key,observed,available,value,unit\nA,2024-01-01,2024-01-02,1,x\nA,2024-01-02,2024-01-03,1,y\n"
    ).code == ("two_units")


def test_symbols_may_be_called_as_columns_elsewhere_are(take):
    assert take("date,LOW,OPEN,HD\n2024-01-02,1,2,3\n2024-01-03,1,2,3\n").table.column_names == [
        "time",
        "LOW",
        "OPEN",
        "HD",
    ]
    assert take("date,key,V\n2024-01-02,1,2\n2024-01-03,1,2\n").table.column_names == ["time", "key", "V"]
