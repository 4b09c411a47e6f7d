"""The library: datasets that came from outside, each version a `manifest.json` and Parquet files in a depot.

A version is there whole or not at all, and never changes. The newest one by creation is what the dataset's id means,
older ones are found as `id@version`.

A version is the hash of what the data say (the values of the canonical columns and their meaning), not of the bytes
that brought them: the same prices as CSV and as Parquet are the same version, another release of the Parquet writer
makes no new ones, and the same upload is the same version because reading is a function of it.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet

from app import forms, quality
from app.canonical import canonical_json
from app.dataset import Dataset
from app.depot import ID, MANIFEST, VERSION, Depot, Place, drafting, sync
from app.errors import Conflict
from engine.errors import InvalidInput


@dataclass(frozen=True)
class Meaning:
    """What the numbers mean. All of it is in the version: who corrects a source makes a new one."""

    title: str
    quality: str = "real"
    frequency: str = ""  # empty: as the times are spaced
    calendar: str = "as the data show"
    source: str = "not said"
    licence: str = "not said"
    units: str = "not said"
    notes: str = ""
    cost_keys: Mapping[str, str] = field(default_factory=dict)


class Beside(NamedTuple):
    """Series beside bars, or alone: rows `key, observed, available, value`, and the manifest's `series` block.

    `told` holds `about`, and perhaps `calendars` and `session_close`; `file` and `sha256` are added. See `app.panels`.
    """

    table: pa.Table
    told: Mapping[str, Any]


class Kept(NamedTuple):
    """A dataset at its version, and whether that version is new."""

    dataset: Dataset
    new: bool


class Version:
    """Data that are to be kept, and the version that they are.

    Args:
        table: `time, A, B, …` (a column of closes for each symbol) or `time, symbol, open, high, low, close[, volume][,
            adj_close]` (a row for each symbol and time); None for a dataset of series alone.
        meaning: what the numbers mean.
        series: what strategies may read beside the bars.
        origin: what is to be told of how they came (an address, a time of fetching). It is not in the version.

    Raises:
        BadData: the numbers are no bars, or no series; the message names the symbol and time.
        InvalidInput: too much data.
    """

    def __init__(
        self,
        table: pa.Table | None,
        *,
        meaning: Meaning,
        series: Beside | None = None,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        manifest = _told(meaning) | {"kind": "series" if table is None else "bars"}
        digest = hashlib.sha256()
        if table is not None:
            table, layout = forms.bars(table)
            manifest |= layout | {"time": "time"}
            forms.add_to(digest, table)
        if series is not None:
            series = Beside(forms.observations(series.table), series.told)
            forms.add_to(digest, series.table)
            manifest["series"] = dict(series.told)
        digest.update(canonical_json(manifest))
        self.name = digest.hexdigest()[:12]
        self._manifest = manifest | {"version": self.name, "origin": dict(origin or {})}
        self._table, self._series = table, series

    def write(self, draft: Path, id: str, *, after: float, bars_dir: Path | None = None) -> Dataset:
        """Everything of it, into an empty folder, checked by being read as whoever asks for it will read it.

        Args:
            draft: the folder.
            id: of the dataset.
            after: when the newest version was made; clocks of several machines may differ.
            bars_dir: below which processes map its bars, which are put there; None puts them nowhere.
        """
        manifest = dict(self._manifest)
        if self._series is not None:
            manifest["series"] = manifest["series"] | _write_parquet(draft, "series", self._series.table)
            if self._table is None:
                manifest |= {"layout": "observations"} | {name: manifest["series"][name] for name in ("file", "sha256")}
        if self._table is not None:
            manifest |= _write_parquet(draft, "data", self._table)
        written = Dataset(id, draft, manifest)
        if manifest["kind"] == "bars":
            manifest["findings"] = quality.as_rows(quality.inspect(written.all_bars))
        manifest["facts"] = written.count()
        manifest["frequency"] = manifest["frequency"] or forms.frequency_of(written.times)
        manifest["created_at"] = max(time.time(), after + 1e-3)
        _write_bytes(draft / MANIFEST, json.dumps(manifest, indent=1, allow_nan=False).encode())
        dataset = Dataset.described(id, draft / MANIFEST, bars_dir)
        if bars_dir is not None and dataset.kind == "bars":
            _ = dataset.all_bars
        return dataset


class Library:
    """Datasets in a depot, seen by every process as soon as they are there.

    Args:
        depot: where they lie.
        bars_dir: below which their bars are put for processes to map.
        reserved: ids that belong to datasets elsewhere.
    """

    def __init__(
        self, depot: Depot, *, bars_dir: Path | None = None, reserved: Callable[[], Collection[str]] = tuple
    ) -> None:
        self.depot = depot
        self._bars_dir = bars_dir
        self._reserved = reserved
        self._read: dict[Place, Dataset] = {}

    def ids(self) -> list[str]:
        """The ids of all datasets, sorted."""
        return sorted({place.id for place in self.depot.places()})

    def present(self) -> dict[str, Dataset]:
        """The newest version of each, by id."""
        return {dataset.id: dataset for dataset in reversed(self._newest_first(self.depot.places()))}

    def versions(self, dataset_id: str) -> list[Dataset]:
        """All versions of a dataset, newest first; none for an id that is not here."""
        return self._newest_first(self.depot.places(dataset_id)) if ID.fullmatch(dataset_id) else []

    def get(self, dataset_id: str, version: str) -> Dataset | None:
        """A version of a dataset; None where it is not here."""
        place = Place(dataset_id, version)
        known = ID.fullmatch(dataset_id) and VERSION.fullmatch(version) and self.depot.has(place)
        return self._open(place) if known else None

    def _newest_first(self, places: Iterable[Place]) -> list[Dataset]:
        found = [self._open(place) for place in places]
        return sorted(found, key=lambda one: (one.manifest["created_at"], one.version), reverse=True)

    def put(
        self,
        table: pa.Table | None,
        *,
        id: str,
        meaning: Meaning,
        series: Beside | None = None,
        origin: Mapping[str, Any] | None = None,
    ) -> Kept:
        """Keep data as a version of the dataset `id`; the same data with the same meaning are kept once.

        Raises what `Version` does, and:
            InvalidInput: an id that cannot be one: not 1 to 64 letters, digits, _ and -.
            Conflict: `dataset_exists`, an id that belongs to a dataset elsewhere or differs from one here in case only.
        """
        self.check_id(id)
        version = Version(table, meaning=meaning, series=series, origin=origin)
        if found := self.get(id, version.name):
            return Kept(found, new=False)
        with self.draft() as draft:
            version.write(draft, id, after=max(self.known(id).values(), default=0.0))
            return self.keep(draft, Place(id, version.name))

    def draft(self) -> AbstractContextManager[Path]:
        """A folder to write a version into."""
        return drafting(self.depot.drafts)

    def known(self, dataset_id: str) -> dict[str, float]:
        """The versions of a dataset, and when each was made."""
        return {one.version: one.manifest["created_at"] for one in self.versions(dataset_id)}

    def keep(self, draft: Path, place: Place) -> Kept:
        """Keep what `Version.write` has written into a draft of this library."""
        new = self.depot.keep(draft, place)
        return Kept(self._open(place), new=new)

    def check_id(self, id: str) -> None:
        """Raise InvalidInput for what is no id, and Conflict for one that is taken elsewhere."""
        if not ID.fullmatch(id):
            raise InvalidInput(
                "The id of a dataset has 1 to 64 letters, digits, _ and -, and begins with a letter or a digit.",
                code="bad_dataset_id",
                pointer="/name",
                given=id[:80],
                nearest=id_of(id) or None,
            )
        taken = {name.lower(): name for name in (*self.ids(), *self._reserved())}
        other = taken.get(id.lower())
        if other is not None and (other != id or id in self._reserved()):
            what = "belongs to a dataset that does not come from here" if other == id else "differs only in case"
            raise Conflict(
                f"There is already a dataset '{other}': its name {what}. Choose another one.",
                code="dataset_exists",
                pointer="/name",
                given=id,
            )

    def _open(self, place: Place) -> Dataset:
        if place not in self._read:
            manifest = self.depot.manifest_of(place)
            self._read[place] = Dataset.described(place.id, manifest, self._bars_dir, bring=self.depot.bring)
        return self._read[place]


def id_of(name: str) -> str:
    """The id that a name of any kind becomes; empty when nothing is left of it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-")[:64]


def _told(meaning: Meaning) -> dict[str, Any]:
    told = asdict(replace(meaning, cost_keys=dict(meaning.cost_keys)))
    if not told["cost_keys"]:
        del told["cost_keys"]
    return told | {"cite": meaning.source}


def _write_parquet(draft: Path, kind: str, table: pa.Table) -> dict[str, str]:
    """The file's name, which says what is in it, and its hash."""
    path = draft / kind
    pyarrow.parquet.write_table(table, path, compression="zstd", use_dictionary=["symbol", "key"])
    sync(path)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    path = path.rename(draft / f"{kind}-{found[:12]}.parquet")
    return {"file": path.name, "sha256": found}


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    sync(path)
