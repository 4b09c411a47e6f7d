"""The trials of a search: pages of them, and a figure over two parameters; also while the search runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from flask import Response, jsonify
from sqlalchemy import Row

import engine.metrics  # noqa: F401  (fills the registry)
from app.columns import array, numbers
from app.errors import Unknown
from app.sweeps import KIND, PARAM
from app.web import cursors, curves, reading
from app.web.access import owner
from app.web.context import services
from engine.bars import Floats
from engine.errors import InvalidInput, UnknownName
from engine.figures import METRICS

# Most values of an axis of a surface: a million points are no picture.
MOST_VALUES = 500
# As `sort`, instead of a figure.
BEST_FIRST = "best"


def page(job_id: str, query: Mapping[str, Any]) -> Response:
    """A page of trials, sorted by a figure on request."""
    row = services().jobs.get(job_id, owner())
    first = cursors.of_rows(query.get("cursor"))
    if row.status != "succeeded":
        return jsonify(_page(row, query, first))
    return reading.unchanging(services().jobs.result(job_id, owner()), lambda: jsonify(_page(row, query, first)))


def surface(job_id: str, query: Mapping[str, Any]) -> dict[str, Any]:
    """The best or the mean of a figure at every pair of values of two parameters; of one, if no other was searched."""
    row = services().jobs.get(job_id, owner())
    table, asked = _trials(row), row.request["sweep"]
    x = query.get("x") or next(iter(asked["grid"]))
    y = query.get("y") or next((name for name in asked["grid"] if name != x), None)
    if x == y:
        raise InvalidInput("x and y must be two parameters.", pointer="/y", given=y, allowed=list(asked["grid"]))
    axes = {where: _axis(table, asked, name, where, query.get("bins")) for where, name in (("x", x), ("y", y))}
    figure = query.get("figure") or asked["objective"][0]
    values = _figure(table, asked, figure, "/figure")
    keep = ~np.isnan(values)
    if "symbol" in query:
        keep &= _of_symbol(table, query["symbol"])
    (xs, columns), (ys, rows) = axes["x"], axes["y"]
    cells, shape = (rows * len(xs) + columns)[keep], (len(ys), len(xs))
    bests, places = _bests(cells, values[keep], len(xs) * len(ys), figure)
    found = _means(cells, values[keep], len(xs) * len(ys)) if query["take"] == "mean" else bests
    numbered = np.append(numbers(table["trial"])[keep], np.nan)[places]  # the last one stands for no trial
    trial = [[None if np.isnan(at) else int(at) for at in line] for line in numbered.reshape(shape)]
    z = [curves.finite(line) for line in found.reshape(shape)]
    return {
        "x": xs,
        "y": ys,
        "z": z,
        "trial": trial,
        "parameters": {"x": x, "y": y},
        "figure": figure,
        "take": query["take"],
    }


def _page(row: Row[Any], query: Mapping[str, Any], first: int) -> dict[str, Any]:
    table, asked = _trials(row), row.request["sweep"]
    order = _order(table, asked, query.get("sort"))
    if "trial" in query:
        order = np.flatnonzero(numbers(table["trial"]) == query["trial"]).tolist()
    after = first + int(query["limit"])
    return {
        "trials": _rows(table, asked, order[first:after]),
        "total": table.num_rows,
        "axes": list(asked["grid"]),
        "objective": asked["objective"],
        "better": {name: METRICS[name].better for name in asked["figures"]},
        "complete": row.status == "succeeded",
        "next": cursors.encoded(str(after)) if after < len(order) else None,
    }


def _trials(row: Row[Any]) -> pa.Table:
    """The trials that have been made. Raises Unknown for a job that keeps no table of them."""
    if row.kind != KIND:
        raise Unknown(f"A job of kind {row.kind} keeps no table of trials.", code="no_such_part", given="trials")
    if row.status == "succeeded":
        return reading.artifact(row.id, "trials")
    parts = [curves.read(chunk.found) for chunk in services().store.families.parts(row.id) if chunk.found is not None]
    return pa.concat_tables(parts) if parts else pa.table({"trial": np.empty(0, dtype=np.int64)})


def _order(table: pa.Table, asked: Mapping[str, Any], sort: str | None) -> Sequence[int]:
    if sort is None or not table.num_rows:
        return range(table.num_rows)
    if sort == BEST_FIRST:
        return _best_first(table, asked)
    name = sort.removeprefix("-")
    values = _figure(table, asked, name, "/sort")
    keys = -values if sort.startswith("-") else values
    return [int(at) for at in np.argsort(keys, kind="stable")]  # NaN comes last


def _best_first(table: pa.Table, asked: Mapping[str, Any]) -> Sequence[int]:
    """By the objective; trials outside of the constraints, and those without an objective, come last."""
    objective = asked["objective"][0]
    values = numbers(table[objective])
    outside = np.isnan(values)
    for name, bounds in asked["constraints"].items():
        limited = numbers(table[name])
        outside |= ~((limited >= bounds.get("min", -np.inf)) & (limited <= bounds.get("max", np.inf)))
    keys = values if METRICS[objective].better == "lower" else -values
    return [int(at) for at in np.lexsort((keys, outside))]


def _figure(table: pa.Table, asked: Mapping[str, Any], name: str, pointer: str) -> Floats:
    if name not in asked["figures"]:
        raise UnknownName.of("figure", name, asked["figures"], pointer=pointer)
    return numbers(table[name]) if table.num_rows else np.empty(0)


def _rows(table: pa.Table, asked: Mapping[str, Any], places: Sequence[int]) -> list[dict[str, Any]]:
    chosen = table.take(array(np.array(places, dtype=np.int64))).to_pylist()
    return [_told(row, asked["figures"]) for row in chosen]


def _told(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    figures = {name: row[name] for name in names}
    return {
        "trial": row["trial"],
        **({"symbol": row["symbol"]} if "symbol" in row else {}),
        "params": {name.removeprefix(PARAM): value for name, value in row.items() if name.startswith(PARAM)},
        "figures": {name: value if value is None or np.isfinite(value) else None for name, value in figures.items()},
        "error": row["error"],
    }


def _axis(
    table: pa.Table, asked: Mapping[str, Any], name: str | None, where: str, bins: int | None
) -> tuple[list[Any], Any]:
    """The values of a parameter in their order, and of every trial the place of its own among them.

    Numbers that have more values than `bins` are told in so many equal stretches, by the middles of these.
    """
    if name is None:
        return [None], np.zeros(table.num_rows, dtype=np.int64)
    if name not in asked["grid"]:
        raise UnknownName.of("axis", name, asked["grid"], pointer=f"/{where}")
    column = table[PARAM + name].to_pylist() if table.num_rows else []
    values = sorted(set(column), key=lambda value: (value is None, value))
    if bins and len(values) > bins and all(type(value) in (int, float) for value in values):
        return _stretches(np.array(column, dtype=np.float64), bins)
    if len(values) > MOST_VALUES:
        raise InvalidInput(
            f"{name} has {len(values)} values, a surface at most {MOST_VALUES}: numbers can be told in bins.",
            pointer=f"/{where}",
            given=len(values),
            allowed={"maximum": MOST_VALUES},
        )
    places = {value: at for at, value in enumerate(values)}
    return values, np.array([places[value] for value in column], dtype=np.int64)


def _stretches(column: Floats, bins: int) -> tuple[list[Any], Any]:
    edges = np.linspace(column.min(), column.max(), bins + 1)
    places = np.clip(np.searchsorted(edges, column, side="right") - 1, 0, bins - 1)
    return ((edges[:-1] + edges[1:]) / 2.0).tolist(), places


def _of_symbol(table: pa.Table, symbol: str) -> Any:
    known = table["symbol"].to_pylist() if "symbol" in table.column_names else []
    if symbol not in known:
        raise UnknownName.of("symbol", symbol, list(dict.fromkeys(known)), pointer="/symbol")
    return np.array([name == symbol for name in known])


def _means(cells: Any, values: Floats, size: int) -> Floats:
    counts = np.bincount(cells, minlength=size)
    means = np.full(size, np.nan)
    np.divide(np.bincount(cells, weights=values, minlength=size), counts, out=means, where=counts > 0)
    return means


def _bests(cells: Any, values: Floats, size: int, figure: str) -> tuple[Floats, Any]:
    """Of every cell its best value and the first place that has it; NaN and -1 where there is none."""
    order = np.lexsort((values if METRICS[figure].better == "lower" else -values, cells))
    filled, first = np.unique(cells[order], return_index=True)
    best, places = np.full(size, np.nan), np.full(size, -1)
    places[filled] = order[first]
    best[filled] = values[places[filled]]
    return best, places
