"""The catalog: what data there is, where it comes from, and its bars.

A dataset is a folder with a `manifest.json` (origin, licence, units, calendar, quality, file, sha256) and its file,
or the name of an installed package that carries the file. It may say by which entry of a cost table a symbol is
charged (`cost_keys`: symbol to key), and which column has the closes that are adjusted for splits and dividends
(`adj_close` among its `columns`). Its version is the hash of the file's bytes: what a result names can be found
again, and a file that is not what its manifest says is refused. Bars of a dataset are read and checked once on a
machine: from then on every process maps the file that the first one has left (`app.barstore`).
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from app import barstore, panels
from app.canonical import canonical_json
from app.columns import moments, numbers
from engine.bars import Bars, Floats, Times
from engine.errors import BadData, InvalidInput, UnknownName
from engine.panel import NO_PANEL, Panel
from engine.version import ENGINE_VERSION

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).resolve().parent / "datasets"
OHLCV = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Dataset:
    """One dataset at one version. Without `bars_dir` its bars are read anew by every process."""

    id: str
    folder: Path
    manifest: Mapping[str, Any]
    bars_dir: Path | None = None

    @property
    def kind(self) -> str:
        """`bars` can be traded, `series` (yields, an index of prices) only informs."""
        return str(self.manifest["kind"])

    @property
    def quality(self) -> str:
        return str(self.manifest["quality"])

    @property
    def fields(self) -> tuple[str, ...]:
        return OHLCV if self.manifest["layout"] == "ohlcv" else ("close",)

    @property
    def adjusted(self) -> bool:
        """Whether the prices are made those of a total return."""
        return "adj_close" in self.manifest.get("columns", {})

    @cached_property
    def path(self) -> Path:
        package = self.manifest.get("package")
        if package is None:
            return self.folder / str(self.manifest["file"])
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
        hash too.
        """
        digest = self._require_same(self.path, self.manifest["sha256"])
        meaning = {name: self.manifest[name] for name in ("cost_keys",) if name in self.manifest}
        if self._series:
            self._require_same(self._series_path, self._series["sha256"])
            meaning["series"] = self._series
        if self.adjusted:
            meaning["adj_close"] = self.manifest["columns"]["adj_close"]
        if meaning:
            digest = hashlib.sha256(digest.encode() + canonical_json(meaning)).hexdigest()
        return digest[:12]

    def _require_same(self, path: Path, expected: str) -> str:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != expected:
            raise BadData(
                f"The file of dataset '{self.id}' is not the one that its manifest describes "
                f"(sha256 {digest[:12]}…, expected {expected[:12]}…).",
                code="dataset_changed",
            )
        return digest

    @property
    def _series(self) -> Mapping[str, Any]:
        told: Mapping[str, Any] = self.manifest.get("series", {})
        return told

    @property
    def _series_path(self) -> Path:
        return self.folder / str(self._series["file"])

    @cached_property
    def panel(self) -> Panel:
        """The series and calendars beside the bars, or that the dataset is made of; else an empty panel."""
        if "publication" in self.manifest:
            return panels.of_columns(self.path, self.manifest)
        return panels.read(self._series_path, self._series) if self._series else NO_PANEL

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self._known[1])

    @cached_property
    def all_bars(self) -> Bars:
        """Every bar of every symbol. Raises BadData for a dataset that cannot be traded, or has changed."""
        if self.kind != "bars":
            raise BadData(
                f"Dataset '{self.id}' holds {self.manifest['units']}: it informs strategies, but it has no prices "
                "to trade.",
                code="dataset_not_tradable",
            )
        _ = self.version  # a file that has changed must not be answered from what was made of it before
        if self.bars_dir is None:
            bars = self._read_bars()
        else:
            bars = barstore.mapped(self.bars_dir / self.id, self._key, self._read_bars)
        return bars.with_panel(self.panel) if self._series else bars

    @property
    def _key(self) -> str:
        """What the bars follow from: the file, how to read it, and the engine whose checks they have passed."""
        made_of = {"manifest": self.manifest, "engine": ENGINE_VERSION, "format": barstore.FORMAT}
        return hashlib.sha256(canonical_json(made_of)).hexdigest()[:16]

    def _read_bars(self) -> Bars:
        times, table = self._table()
        if self.manifest["layout"] == "wide":
            closes = np.column_stack([numbers(table[name]) for name in table.column_names])
            symbols = tuple(table.column_names)
            return Bars.from_closes(times, closes, symbols, cost_keys=self._cost_keys(symbols))
        columns: dict[str, Any] = {field: numbers(table[name]) for field, name in self.manifest["columns"].items()}
        symbols = (str(self.manifest["symbol"]),)
        return Bars.from_arrays(times, **columns, symbols=symbols, cost_keys=self._cost_keys(symbols))

    def _cost_keys(self, symbols: tuple[str, ...]) -> tuple[str | None, ...]:
        """By which entry of a cost table each symbol is charged, as the manifest says."""
        keys: Mapping[str, str] = self.manifest.get("cost_keys", {})
        strangers = [name for name in keys if name not in symbols]
        if strangers:
            raise BadData(f"Dataset '{self.id}' gives a cost key to '{strangers[0]}', which it does not hold.")
        return tuple(keys.get(name) for name in symbols)

    def _table(self) -> tuple[Times, pa.Table]:
        """Times [T], and the other columns."""
        table = _read(self.path, self.manifest)
        name = self.manifest["time"]
        return moments(table[name]), table.drop_columns([name])

    @cached_property
    def _known(self) -> tuple[Times, dict[str, Floats]]:
        """Times [T], and by symbol its closes, or the values of a series."""
        with suppress(BadData):  # not tradable, or its prices are refused: it can be described all the same
            return self.all_bars.time, dict(zip(self.all_bars.symbols, self.all_bars.close.T, strict=True))
        times, table = self._table()
        if self.manifest["layout"] == "wide":
            return times, {name: numbers(table[name]) for name in table.column_names}
        return times, {str(self.manifest["symbol"]): numbers(table[self.manifest["columns"]["close"]])}

    @property
    def start(self) -> str:
        return iso_day(self._known[0][0])

    @property
    def end(self) -> str:
        return iso_day(self._known[0][-1])

    @cached_property
    def _coverage(self) -> dict[str, dict[str, Any]]:
        times, values = self._known
        return {name: _coverage(times, column) for name, column in values.items()}

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
            "symbols": list(self.symbols),
            "start": self.start,
            "end": self.end,
            "bars": len(self._known[0]),
            "coverage": self._coverage,
        }


class Catalog:
    """Datasets by id. The roots are read when something is first asked."""

    def __init__(self, roots: Iterable[Path], *, bars_dir: Path | None = None) -> None:
        self._roots = tuple(roots)
        self._bars_dir = bars_dir

    @classmethod
    def standard(cls, further: Iterable[str] = (), *, bars_dir: Path | None = None) -> Catalog:
        """What Queuant ships, and further folders of datasets; bars are mapped from below `bars_dir`."""
        return cls([SHIPPED, *(Path(root).expanduser() for root in further)], bars_dir=bars_dir)

    @cached_property
    def _datasets(self) -> dict[str, Dataset]:
        found: dict[str, Dataset] = {}
        for root in self._roots:
            for path in sorted(root.glob("*/manifest.json")):
                name = path.parent.name
                if name in found:
                    raise BadData(f"Two folders hold a dataset '{name}': {found[name].folder} and {path.parent}.")
                found[name] = Dataset(name, path.parent, json.loads(path.read_text("utf-8")), self._bars_dir)
        return found

    def datasets(self) -> list[Dataset]:
        return list(self._datasets.values())

    def preload(self) -> None:
        """Read or map every tradable dataset now: no request waits for it, and what forks has it too."""
        for dataset in self.datasets():
            try:
                _ = dataset.version, dataset.kind == "bars" and dataset.all_bars
            except BadData as error:  # whoever asks for it hears it; the others must not suffer
                log.warning("dataset %s cannot be read: %s", dataset.id, error.message)

    def get(self, name: str) -> Dataset:
        """The dataset of `id` or `id@version`. Raises UnknownName, and InvalidInput for a version that is gone."""
        dataset_id, _, version = name.partition("@")
        if dataset_id not in self._datasets:
            raise UnknownName.of("dataset", dataset_id, self._datasets, pointer="/dataset")
        dataset = self._datasets[dataset_id]
        if version and version != dataset.version:
            raise InvalidInput(
                f"Dataset '{dataset_id}' has no version '{version[:40]}'.",
                code="unknown_dataset_version",
                pointer="/dataset",
                given=version[:40],
                allowed=[dataset.version],
            )
        return dataset

    def bars(
        self,
        name: str,
        symbols: Iterable[str] | None = None,
        start: str | None = None,
        end: str | None = None,
    ) -> Bars:
        """Bars of some symbols between two dates (ISO, both included).

        Dates of all symbols are a view of the bars that every process shares, a choice of symbols is a copy.
        """
        return self.get(name).all_bars.select(symbols, start, end)


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
    first, last = int(known[0]), int(known[-1])
    return {
        "start": iso_day(times[first]),
        "end": iso_day(times[last]),
        "bars": len(known),
        "missing": last - first + 1 - len(known),
    }


def iso_day(time: np.datetime64) -> str:
    return str(time.astype("datetime64[D]"))
