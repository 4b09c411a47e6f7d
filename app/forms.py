"""The one form of data that come from outside: sorted, float64, times in UTC; and the hash of what they say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from app.canonical import canonical_json
from app.columns import array, coded, codes, moments, numbers
from engine import intake
from engine.bars import Floats, Times
from engine.errors import BadData, InvalidInput
from engine.intake import FIRST, LAST, PRICES, told

MOST_SYMBOLS = 1000
# Numbers that a dataset may hold: 320 MB in memory.
MOST_NUMBERS = 40_000_000
LONGEST_SYMBOL = 64
FIELDS = (*intake.FIELDS, "adj_close")

_SPACINGS = ((4.0, "daily"), (10.0, "weekly"), (45.0, "monthly"), (135.0, "quarterly"))


def bars(table: pa.Table) -> tuple[pa.Table, dict[str, Any]]:
    """The one form of these bars, and the manifest's `layout` and `columns`: sorted, float64, times in UTC.

    Raises:
        BadData: a time is missing or beyond the range, or comes twice (for a symbol).
        InvalidInput: more symbols or numbers than a dataset may hold.
    """
    if "symbol" not in table.column_names:
        return _wide(table), {"layout": "wide"}
    fields = [name for name in FIELDS if name in table.column_names]
    if "close" not in fields or (len(fields) > 1 and not set(PRICES) <= set(fields)):
        raise InvalidInput(
            "Bars by symbol have the columns open, high, low and close, or close alone.",
            code="missing_column",
            given=table.column_names,
            allowed=["time", "symbol", *FIELDS],
        )
    times, (column, symbols) = _times(table["time"]), codes(table["symbol"])
    check_symbols(symbols)
    days = np.unique(times)
    check_size(len(days) * len(symbols) * len(fields))
    order = np.lexsort((times, column))
    times, column = times[order], column[order]
    twice = np.flatnonzero((np.diff(column) == 0) & (np.diff(times) == np.timedelta64(0, "ns")))
    if len(twice):
        symbol = symbols[column[twice[0]]]
        raise BadData(f"{symbol} has two bars at {told(times[twice[0]])}.", code="duplicate_bar")
    values = {name: numbers(table[name])[order] for name in fields}
    if fields == ["close"]:
        closes = _spread(days, times, column, values["close"])
        return _table(days, dict(zip(symbols, closes, strict=True))), {"layout": "wide"}
    return _table(times, {"symbol": coded(column, symbols)} | values), {
        "layout": "long",
        "columns": {name: name for name in fields},
    }


def _wide(table: pa.Table) -> pa.Table:
    symbols = [name for name in table.column_names if name != "time"]
    check_symbols(symbols)
    check_size(table.num_rows * len(symbols))
    times = _times(table["time"])
    order = np.argsort(times, kind="stable")
    times = times[order]
    twice = np.flatnonzero(np.diff(times) == np.timedelta64(0, "ns"))
    if len(twice):
        raise BadData(f"{told(times[twice[0]])} comes twice.", code="duplicate_bar")
    return _table(times, {name: numbers(table[name])[order] for name in symbols})


def _spread(days: Times, times: Times, column: Any, values: Floats) -> Iterator[Floats]:
    """The values of each symbol [T], NaN where it has none; `column` is sorted."""
    edges = np.searchsorted(column, np.arange(int(column[-1]) + 2))
    for first, stop in pairwise(edges.tolist()):
        spread = np.full(len(days), np.nan)
        spread[days.searchsorted(times[first:stop])] = values[first:stop]
        yield spread


def observations(table: pa.Table) -> pa.Table:
    """Rows of series in their one order: by key, then by the time observed, then by publication."""
    key, names = codes(table["key"])
    observed, available = _times(table["observed"]), _times(table["available"])
    order = np.lexsort((available, observed, key))
    return pa.table(
        {
            "key": coded(key[order], names),
            "observed": array(observed[order]),
            "available": array(available[order]),
            "value": array(numbers(table["value"])[order]),
        }
    )


def _table(times: Times, columns: Mapping[str, Any]) -> pa.Table:
    arrays = {name: array(values) if isinstance(values, np.ndarray) else values for name, values in columns.items()}
    return pa.table({"time": array(times)} | arrays)


def _times(column: pa.ChunkedArray) -> Times:
    found = moments(column)
    wrong = np.isnat(found) | (found < FIRST) | (found >= LAST)
    if wrong.any():
        raise BadData(f"Row {int(np.argmax(wrong))} has no time between 1678 and 2261.", code="bad_time")
    return found


def check_symbols(symbols: Collection[str]) -> None:
    if not 1 <= len(symbols) <= MOST_SYMBOLS:
        raise InvalidInput(
            f"A dataset has between 1 and {MOST_SYMBOLS:,} symbols, this one {len(symbols):,}.",
            code="too_many_symbols",
            given=len(symbols),
            allowed={"maximum": MOST_SYMBOLS},
        )
    for name in symbols:
        if not name.isprintable() or name != name.strip() or not 1 <= len(name) <= LONGEST_SYMBOL:
            raise InvalidInput(
                f"A symbol has 1 to {LONGEST_SYMBOL} printable characters without blanks around them.",
                code="bad_symbol",
                given=ascii(name[:80]),
            )


def check_size(count: int) -> None:
    if count > MOST_NUMBERS:
        raise InvalidInput(
            f"Times × symbols × fields are {count:,} numbers; a dataset holds at most {MOST_NUMBERS:,}.",
            code="too_much_data",
            given=count,
            allowed={"maximum": MOST_NUMBERS},
        )


def frequency_of(times: Times) -> str:
    """What the median spacing of the sessions, and the bars within them, are called."""
    days = np.unique(times.astype("datetime64[D]"))
    if len(times) >= 2 * len(days) or len(days) < 2:
        return "intraday" if len(times) > 1 else "daily"
    spacing = float(np.median(np.diff(days).astype(np.int64)))
    return next((name for longest, name in _SPACINGS if spacing < longest), "yearly")


def add_to(digest: Any, table: pa.Table) -> None:
    """The values of a canonical table: what they are called, and their bits in little-endian order."""
    digest.update(canonical_json([table.num_rows, table.column_names]))
    for name in table.column_names:
        column = table[name]
        if pa.types.is_timestamp(column.type):
            values: Any = moments(column).view(np.int64)
        elif pa.types.is_floating(column.type):
            values = numbers(column) + 0.0  # one zero, and below one NaN
            values[np.isnan(values)] = np.nan
        else:
            values, names = codes(column)
            digest.update(canonical_json(names))
        digest.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
