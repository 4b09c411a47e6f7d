"""The bars of a dataset as clients see them: pages, a decimated curve, a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from flask import Response, jsonify

from app.columns import array, coded, numbers
from app.dataset import Dataset
from app.web import cursors, curves, named
from engine.errors import InvalidInput, UnknownName
from engine.intake import FIELDS


def bars(name: str, query: Mapping[str, Any]) -> Response:
    """Bars of one symbol between two days."""
    dataset = named.dataset(name)
    symbol = _symbol(dataset, query.get("symbol"))
    table = _table(dataset, symbol, query.get("start"), query.get("end"))
    if query["format"] == "csv":
        file = Response(curves.as_csv(table), content_type="text/csv; charset=utf-8")
        file.headers["Content-Disposition"] = f'attachment; filename="{dataset.id}-{dataset.version}.csv"'
        return file
    first = cursors.of_rows(query.get("cursor"))
    page, after = _chosen(table, first, query["limit"], query.get("points"))
    return jsonify(
        {
            "dataset_id": dataset.id,
            "version": dataset.version,
            "symbol": symbol,
            **curves.columns(page, FIELDS),
            "bars": table.num_rows,
            "decimated": "points" in query and page.num_rows < table.num_rows,
            "next": cursors.encoded(str(after)) if after < table.num_rows else None,
        }
    )


def _chosen(table: pa.Table, first: int, limit: int, points: int | None) -> tuple[pa.Table, int]:
    """A page and where it ends, or the bars that draw the same picture."""
    if points is None:
        return table.slice(first, limit), first + limit
    if table.num_rows <= points:
        return table, table.num_rows
    close = numbers(table["close"])
    kept = curves.decimate(close, close / np.maximum.accumulate(close) - 1.0, points)
    return table.take(array(kept)), table.num_rows


def _symbol(dataset: Dataset, asked: str | None) -> str:
    names = dataset.symbols
    if asked is None and len(names) == 1:
        return names[0]
    if asked is None:
        raise InvalidInput("Say which symbol.", pointer="/symbol", allowed=list(names))
    if asked not in names:
        raise UnknownName.of("symbol", asked, names, pointer="/symbol")
    return asked


def _table(dataset: Dataset, symbol: str, start: str | None, end: str | None) -> pa.Table:
    """Time, symbol and fields of the bars with a price."""
    times, values = dataset.quotes(symbol)
    known = ~np.isnan(values["close"])
    if start is not None:
        known &= times >= np.datetime64(start)
    if end is not None:
        known &= times < np.datetime64(end) + np.timedelta64(1, "D")
    rows = np.flatnonzero(known)
    columns = {name: array(values[name][rows]) for name in FIELDS}
    stamps = array(times[rows]).cast(pa.timestamp("ns", "UTC"))
    return pa.table(
        {"time": stamps, "symbol": coded(np.zeros(len(rows), np.int32), [symbol]).cast(pa.string()), **columns}
    )
