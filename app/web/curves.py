"""The large parts of a result, read from Parquet without pandas: curves, pages of trades, files to take away."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from engine.bars import Floats

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def read(data: bytes) -> pa.Table:
    # `read_table` goes by pyarrow's datasets, which import pandas.
    return pyarrow.parquet.ParquetFile(pa.BufferReader(data)).read()


def columns(table: pa.Table, names: Sequence[str], *, points: int | None = None) -> dict[str, Any]:
    """Columns as lists, decimated to at most `points` rows where there are more."""
    values = {name: table[name].to_numpy() for name in names if name != "time"}
    if points is not None and table.num_rows > points:
        rows = decimate(table["value"].to_numpy(), table["drawdown"].to_numpy(), points)
        table, values = table.take(pa.array(rows)), {name: column[rows] for name, column in values.items()}
    times = table["time"].cast(pa.timestamp("s", "UTC"), safe=False).to_numpy()
    told = np.datetime_as_string(times.astype("datetime64[s]"), timezone="UTC")
    return {"time": told.tolist()} | {name: _numbers(column) for name, column in values.items()}


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
    return [{name: plain(value) for name, value in row.items()} for row in table.to_pylist()]


def plain(value: Any) -> Any:
    """NaN becomes null, a time becomes ISO 8601 in UTC."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def as_csv(table: pa.Table) -> Iterator[str]:
    """A CSV file in pieces. A text that a spreadsheet would run as a formula is quoted with an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(table.column_names)
    for batch in table.to_batches(max_chunksize=4096):
        writer.writerows([_cell(value) for value in row.values()] for row in batch.to_pylist())
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def as_json(tables: dict[str, pa.Table]) -> str:
    return json.dumps({name: rows(table) for name, table in tables.items()}, allow_nan=False, separators=(",", ":"))


def _cell(value: Any) -> Any:
    told = plain(value)
    return f"'{told}" if isinstance(told, str) and told.startswith(FORMULA_STARTS) else told


def _numbers(column: Floats) -> list[float | None]:
    if np.isfinite(column).all():
        return list(column.tolist())
    return [plain(value) for value in column.tolist()]
