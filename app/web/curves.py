"""The large parts of a result, read from Parquet without pandas: curves, pages of trades, files to take away."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from app.columns import moments, numbers, texts
from engine.bars import Floats

ROWS_AT_ONCE = 4096
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


def read(data: bytes, names: Sequence[str] | None = None) -> pa.Table:
    """The table of a file, or some of its columns."""
    # `read_table` goes by pyarrow's datasets, which import pandas.
    return pyarrow.parquet.ParquetFile(pa.BufferReader(data)).read(names)


def columns(table: pa.Table, names: Sequence[str], *, points: int | None = None) -> dict[str, Any]:
    """Columns as lists, decimated to at most `points` rows where there are more."""
    values = {name: numbers(table[name]) for name in names if name != "time"}
    times = moments(table["time"])
    if points is not None and len(times) > points:
        rows = decimate(values["value"], values["drawdown"], points)
        times, values = times[rows], {name: column[rows] for name, column in values.items()}
    told = np.datetime_as_string(times, unit="s", timezone="UTC")
    return {"time": told.tolist()} | {name: finite(column) for name, column in values.items()}


def each(table: pa.Table, points: int) -> dict[str, dict[str, Any]]:
    """Every column but the time as a curve of its own, with its own rows: no two have their extremes together."""
    times, found = moments(table["time"]), {}
    for name in table.column_names:
        if name != "time":
            value = numbers(table[name])
            kept = slice(None)
            if len(times) > points:
                kept = decimate(value, value / np.maximum.accumulate(value), points)
            told = np.datetime_as_string(times[kept], unit="s", timezone="UTC")
            found[name] = {"time": told.tolist(), "value": finite(value[kept])}
    return found


def decimate(value: Floats, drawdown: Floats, points: int) -> Any:
    """Rows of at most `points` bars that draw the same picture: the first, the last, the deepest drawdown, and the
    lowest and highest value of every stretch (so every extreme of the whole curve is among them)."""
    count = len(value)
    edges = np.linspace(0, count, (points - 3) // 2 + 1).astype(np.int64)
    kept = {0, count - 1, int(np.argmin(np.nan_to_num(drawdown)))}
    for start, stop in pairwise(edges):
        stretch = value[start:stop]
        if len(stretch):
            kept |= {int(start + np.argmin(stretch)), int(start + np.argmax(stretch))}
    return np.array(sorted(kept))


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as JSON can carry them."""
    told = [_plain(table[name]) for name in table.column_names]
    return [dict(zip(table.column_names, values, strict=True)) for values in zip(*told, strict=True)]


def as_arrow(table: pa.Table) -> bytes:
    """A stream of Arrow's record batches, which a reader takes without parsing anything."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def as_csv(table: pa.Table) -> Iterator[str]:
    """A CSV file in pieces. A text that a spreadsheet would run as a formula is quoted with an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(table.column_names)
    for first in range(0, table.num_rows, ROWS_AT_ONCE):
        told = [_plain(table[name].slice(first, ROWS_AT_ONCE)) for name in table.column_names]
        writer.writerows(map(_cell, values) for values in zip(*told, strict=True))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def as_json(tables: dict[str, pa.Table]) -> str:
    return json.dumps({name: rows(table) for name, table in tables.items()}, allow_nan=False, separators=(",", ":"))


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """A column's values as JSON can carry them: NaN becomes null, a time ISO 8601 in UTC."""
    if pa.types.is_timestamp(column.type):
        return texts(column)
    if pa.types.is_floating(column.type):
        return finite(numbers(column))
    return list(column.to_pylist())


def finite(values: Floats) -> list[float | None]:
    """The values with null for what is not finite."""
    if np.isfinite(values).all():
        return list(values.tolist())
    return [value if math.isfinite(value) else None for value in values.tolist()]
