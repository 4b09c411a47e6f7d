"""An upload from bytes to columns: which layout it has, every number and time in it, and what was found on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app import forms
from app.columns import array, coded, codes
from app.library import Beside
from app.uploads import checks, dates
from app.uploads.figures import Decimals, values
from app.uploads.layout import SERIES, Layout, layout_of
from app.uploads.refusals import cell, refusal
from app.uploads.source import Source, is_text, no_rows, open_source
from engine.bars import Floats, Times

LONGEST_TEXT = 256
TEXTS = ("symbol", "key", "unit", "quality", "calendar")
TIMES = ("time", "observed", "available", "announced", "reference")
# A strategy goes through all events of a calendar.
MOST_EVENTS = 10_000
# A series is stale when it is older than so many of its own spacings, and at least so many days.
STALE_SPACINGS, LEAST_STALE_DAYS = 3.0, 10.0


class Reading(NamedTuple):
    """What `app.library.Library.put` takes, and what the sender should know."""

    table: pa.Table | None
    series: Beside | None
    warnings: tuple[str, ...]


class Columns:
    """The columns of a file as they come in: numbers at once, times and texts when all of them are there."""

    def __init__(self, source: Source, layout: Layout) -> None:
        self.source = source
        self.layout = layout
        self._decimals = Decimals(comma=source.decimal_comma)
        self._parts: dict[str, list[Any]] = {role: [] for role in layout.roles}
        self._kept: list[Any] = []

    def take_all(self) -> None:
        """Read the file. Raises InvalidInput for the first cell that is wrong."""
        total = 0
        for batch in self.source.batches():
            kept = self._filled(batch)
            rows = total + kept
            total += batch.num_rows
            if not len(kept):
                continue
            self._kept.append(rows)
            whole = len(kept) == batch.num_rows
            for role, at in self.layout.roles.items():
                cells = batch.column(at) if whole else batch.column(at).take(array(kept))
                self._parts[role].append(self._read(role, cells, rows))
        if not self._kept:
            raise no_rows()
        self._decimals.settle()
        self._at = np.concatenate(self._kept)
        self.bare = total - len(self._at)

    def row(self, at: int) -> int:
        """The row of the file, of the row `at` that was kept."""
        return self.source.row(int(self._at[at]))

    def name(self, role: str) -> str:
        return self.source.names[self.layout.roles[role]]

    def times(self, role: str) -> dates.Read:
        chunks = self._parts[role]
        if len({str(chunk.type) for chunk in chunks}) > 1:
            chunks = [chunk.cast(pa.string()) for chunk in chunks]
        return dates.read(pa.chunked_array(chunks), self.name(role), self.row)

    def texts(self, role: str) -> pa.ChunkedArray:
        """Texts without blanks around them. Raises InvalidInput for an empty one."""
        found = pa.chunked_array([pc.utf8_trim_whitespace(part.cast(pa.string())) for part in self._parts[role]])
        absent = pc.or_(found.is_null(), pc.equal(found, "")).fill_null(True)
        if pc.any(absent).as_py():
            raise cell(
                "nothing stands here.", "missing_text", self.row(pc.index(absent, True).as_py()), self.name(role)
            )
        return found

    def numbers(self, role: str) -> Floats:
        parts = self._parts[role]
        whole: Floats = np.concatenate(parts) if len(parts) > 1 else parts[0]
        self._parts[role] = [whole]
        return whole

    def _filled(self, batch: pa.RecordBatch) -> Any:
        """Places of the rows that have anything in them: only CSV has blank ones."""
        when = batch.column(self.layout.roles["observed" if self.layout.kind == "series" else "time"])
        if not all(pa.types.is_string(column.type) for column in batch.columns):
            return np.arange(batch.num_rows)
        blank = pc.equal(pc.utf8_trim_whitespace(when), "")
        if not pc.any(blank).as_py():
            return np.arange(batch.num_rows)
        for column in batch.columns:
            blank = pc.and_(blank, pc.equal(pc.utf8_trim_whitespace(column), ""))
        return np.flatnonzero(np.from_dlpack(blank.fill_null(False).cast(pa.int8())) == 0)

    def _read(self, role: str, cells: pa.Array, rows: Any) -> Any:
        def row(at: int) -> int:
            return self.source.row(int(rows[at]))

        name = self.name(role)
        self._check_length(cells, name)
        if role == "time" or (self.layout.kind != "wide" and role in (*TEXTS, *TIMES)):  # a symbol has any name
            if role in TEXTS and not is_text(cells.type):
                raise cell("expected a text.", "bad_text", row(0), name)
            return cells
        found = values(cells, self._decimals, name, row)
        if self.layout.kind != "series":
            bars = self.layout.kind != "wide"
            (checks.volume if role == "volume" and bars else checks.price)(found, name, row)
        return found

    def _check_length(self, cells: pa.Array, name: str) -> None:
        """A dictionary may hold a long text once and mean it in every row."""
        if pa.types.is_dictionary(cells.type):
            cells = cells.dictionary
        if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
            longest = pc.max(pc.binary_length(cells)).as_py() or 0
            if longest > LONGEST_TEXT:
                raise refusal(f"Column '{name}' holds a text of {longest:,} bytes.", "text_too_long")


def read(path: Path, *, symbol: str) -> Reading:
    """Everything that a file holds.

    Args:
        path: a CSV or Parquet file. Nothing is made of its name.
        symbol: what the symbol of a file is called that names none.

    Raises:
        InvalidInput: what is wrong, with row and column; nothing else, whatever the file holds.
    """
    source = open_source(path)
    layout = layout_of(source.names)
    columns = Columns(source, layout)
    columns.take_all()
    notes = list(_notes(columns))
    if layout.kind in ("series", "calendar"):
        beside = (_series if layout.kind == "series" else _calendars)(columns, notes)
        return Reading(None, beside, tuple(notes))
    table = _wide(columns, notes) if layout.kind == "wide" else _long(columns, notes, symbol)
    return Reading(table, None, tuple(notes))


def _notes(columns: Columns) -> Iterator[str]:
    if columns.layout.ignored:
        names = ", ".join(f"'{name[:40]}'" for name in columns.layout.ignored[:10])
        yield f"Columns that mean nothing here were left out: {names}."
    if columns.bare:
        yield f"{columns.bare} blank rows were left out."


def _when(columns: Columns, notes: list[str], symbols: Any = None) -> Times:
    found = columns.times("time")
    notes += found.notes
    if not checks.once(found.times, symbols, columns.name("time"), columns.row):
        notes.append("The rows were not in the order of time; they were sorted.")
    return found.times


def _wide(columns: Columns, notes: list[str]) -> pa.Table:
    symbols = [role for role in columns.layout.roles if role != "time"]
    forms.check_symbols(symbols)
    times = _when(columns, notes)
    closes = {name: columns.numbers(name) for name in symbols}
    for name, values_of in closes.items():
        if np.isnan(values_of).all():
            raise refusal(f"Column '{name}' holds no price.", "no_prices")
    return pa.table({"time": array(times), **{name: array(values_of) for name, values_of in closes.items()}})


def _long(columns: Columns, notes: list[str], symbol: str) -> pa.Table:
    roles = columns.layout.roles
    if "symbol" in roles:
        texts = columns.texts("symbol")
        place, names = codes(texts)
        forms.check_symbols(names)
    else:
        place, names = None, (symbol,)
        notes.append(f"The file names no symbol; it is called '{symbol}'.")
    times = _when(columns, notes, place)
    found = {role: columns.numbers(role) for role in forms.FIELDS if role in roles}
    checks.bars(found, {role: columns.name(role) for role in found}, columns.row)
    at = np.zeros(len(times), np.int32) if place is None else place
    unpriced = np.bincount(at, weights=~np.isnan(found["close"]), minlength=len(names)) == 0
    if unpriced.any():
        raise refusal(f"'{names[int(np.argmax(unpriced))]}' has no price in any row.", "no_prices")
    fields = {name: array(values_of) for name, values_of in found.items()}
    return pa.table({"time": array(times), "symbol": coded(at, names), **fields})


def _series(columns: Columns, notes: list[str]) -> Beside:
    key, names = codes(columns.texts("key"))
    forms.check_symbols(names)
    observed, available = (columns.times(role) for role in ("observed", "available"))
    notes += [note for note in observed.notes if note not in notes]
    number = columns.numbers("value")
    if np.isnan(number).any():
        raise cell(
            "there is no value.", "bad_number", columns.row(int(np.argmax(np.isnan(number)))), columns.name("value")
        )
    _published_once(columns, key, observed.times, available.times)
    about = {name: _about(columns, name, key == at, observed.times, notes) for at, name in enumerate(names)}
    table = pa.table(
        {
            "key": coded(key, names),
            "observed": array(observed.times),
            "available": array(available.times),
            "value": array(number),
        }
    )
    return Beside(table.select(SERIES), {"about": about})


def _calendars(columns: Columns, notes: list[str]) -> Beside:
    """Events by calendar, in the order of their dates, beside no series at all."""
    key, names = codes(columns.texts("calendar"))
    forms.check_symbols(names)
    if len(key) > MOST_EVENTS:
        raise refusal(f"{len(key):,} events are more than {MOST_EVENTS:,}.", "too_much_data")
    said = {role: columns.times(role) for role in ("time", "announced", "reference") if role in columns.layout.roles}
    notes += dict.fromkeys(note for found in said.values() for note in found.notes)
    times = {"date" if role == "time" else role: found.times for role, found in said.items()}
    checks.event_once(times["date"], key, columns.name("time"), columns.row)
    if "announced" not in times:
        notes.append("Without a column 'announced' an event is known on its date only, not ahead of it.")
    order = np.lexsort((times["date"], key))
    texts = {name: np.datetime_as_string(of[order], unit="s").tolist() for name, of in times.items()}
    calendars: dict[str, list[Mapping[str, str]]] = {name: [] for name in names}
    for at, event in zip(key[order], zip(*texts.values(), strict=True), strict=True):
        calendars[names[at]].append(dict(zip(texts, event, strict=True)))
    nothing = array(np.empty(0, "datetime64[ns]"))
    table = pa.table(
        {"key": coded(key[:0], ()), "observed": nothing, "available": nothing, "value": array(np.empty(0))}
    )
    return Beside(table, {"about": {}, "calendars": calendars})


def _published_once(columns: Columns, key: Any, observed: Times, available: Times) -> None:
    order = np.lexsort((available, observed, key))
    same = np.all([np.diff(of[order]).astype(np.int64) == 0 for of in (key, observed, available)], axis=0)
    if same.any():
        first = int(np.argmax(same))
        one, other = (columns.row(int(order[at])) for at in (first, first + 1))
        raise cell(f"the same key and times as in row {one}.", "duplicate_observation", other, columns.name("observed"))


def _about(columns: Columns, name: str, rows: Any, observed: Times, notes: list[str]) -> Mapping[str, Any]:
    about: dict[str, Any] = {"title": name, "unit": "number"}
    for role in ("unit", "quality"):
        if role in columns.layout.roles:
            texts = columns.texts(role).take(array(np.flatnonzero(rows))).unique().to_pylist()
            if len(texts) > 1:
                raise refusal(f"Series '{name}' has the {role}s {texts[0][:40]} and {texts[1][:40]}.", "two_units")
            about[role] = texts[0]
    days = np.unique(observed[rows].astype("datetime64[D]")).astype(np.int64)
    spacing = float(np.median(np.diff(days))) if len(days) > 1 else 0.0
    stale = max(STALE_SPACINGS * spacing, LEAST_STALE_DAYS)
    if "stale_days" in columns.layout.roles:
        stale = float(np.nanmax(columns.numbers("stale_days")[rows]))
    else:
        notes.append(f"A value of {name} counts for {stale:g} days after it became known.")
    return about | {"stale_days": stale}
