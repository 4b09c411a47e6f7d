"""The library: datasets that came from outside, below one folder as `<id>/<version>/{manifest.json,data.parquet}`.

A version is there whole or not at all: it is written aside, synced, and renamed into its place; it never changes.
The newest one by creation is what the dataset's id means, older ones are found as `id@version`.

A version is the hash of what the data say (the values of the canonical columns and their meaning), not of the bytes
that brought them: the same prices as CSV and as Parquet are the same version, another release of the Parquet writer
makes no new ones, and the same upload is the same version because reading is a function of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet

from app import forms, quality
from app.canonical import canonical_json
from app.dataset import Dataset
from app.errors import Conflict
from engine.errors import InvalidInput

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
VERSION = re.compile(r"[0-9a-f]{12}")
DRAFTS = ".drafts"

_HOUR = 3600.0


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


class Library:
    """Datasets below a folder, seen by every process as soon as they are there.

    Args:
        folder: where they lie; made when the first one comes.
        bars_dir: below which their bars are put for processes to map.
        reserved: ids that belong to datasets elsewhere.
    """

    def __init__(
        self, folder: Path, *, bars_dir: Path | None = None, reserved: Callable[[], Collection[str]] = tuple
    ) -> None:
        self.folder = folder
        self._bars_dir = bars_dir
        self._reserved = reserved
        self._read: dict[Path, Dataset] = {}

    def ids(self) -> list[str]:
        """The ids of all datasets, sorted. A folder that does not exist holds none."""
        return sorted(path.name for path in _children(self.folder, ID) if any(self._places(path.name)))

    def versions(self, dataset_id: str) -> list[Dataset]:
        """All versions of a dataset, newest first; none for an id that is not here."""
        if not ID.fullmatch(dataset_id):
            return []
        found = [self._open(path) for path in self._places(dataset_id)]
        return sorted(found, key=lambda one: (one.manifest["created_at"], one.version), reverse=True)

    def _places(self, dataset_id: str) -> Iterator[Path]:
        """Folders of versions. One that somebody is just deleting has no manifest any more."""
        for path in _children(self.folder / dataset_id, VERSION):
            if (path / "manifest.json").is_file():
                yield path

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

        Args:
            table: `time, A, B, …` (a column of closes for each symbol) or `time, symbol, open, high, low, close[,
                volume][, adj_close]` (a row for each symbol and time); None for a dataset of series alone.
            id: letters, digits, _ and -.
            meaning: what the numbers mean.
            series: what strategies may read beside the bars.
            origin: what is to be told of how they came (an address, a time of fetching). It is not in the version.

        Raises:
            BadData: the numbers are no bars, or no series; the message names the symbol and time.
            InvalidInput: an id that cannot be one, or too much data.
            Conflict: `dataset_exists`, an id that belongs to a dataset elsewhere or differs from one here in case only.
        """
        self.check_id(id)
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
        manifest |= {"version": digest.hexdigest()[:12], "origin": dict(origin or {})}
        return self._keep(id, manifest, table, series)

    def _keep(self, id: str, manifest: dict[str, Any], table: pa.Table | None, series: Beside | None) -> Kept:
        place = self.folder / id / manifest["version"]
        if place in self._places(id):
            return Kept(self._open(place), new=False)
        drafts = self.folder / DRAFTS
        drafts.mkdir(parents=True, exist_ok=True)
        _sweep(drafts)
        draft = Path(tempfile.mkdtemp(prefix="version-", dir=drafts))
        try:
            self._write(draft, id, manifest, table, series)
            place.parent.mkdir(exist_ok=True)
            new = _rename(draft, place)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return Kept(self._open(place), new=new)

    def _write(
        self, draft: Path, id: str, manifest: dict[str, Any], table: pa.Table | None, series: Beside | None
    ) -> None:
        """Everything of a version, checked by being read as whoever asks for it will read it."""
        if series is not None:
            name = "series.parquet"
            manifest["series"] |= {"file": name, "sha256": _write_parquet(draft / name, series.table)}
            if table is None:
                manifest |= {"layout": "observations", "file": name, "sha256": manifest["series"]["sha256"]}
        if table is not None:
            manifest |= {"file": "data.parquet", "sha256": _write_parquet(draft / "data.parquet", table)}
        written = Dataset(id, draft, manifest)
        if manifest["kind"] == "bars":
            manifest["findings"] = quality.as_rows(quality.inspect(written.all_bars))
        manifest["facts"] = written.count()
        manifest["frequency"] = manifest["frequency"] or forms.frequency_of(written.times)
        newest = max((one.manifest["created_at"] for one in self.versions(id)), default=0.0)
        manifest["created_at"] = max(time.time(), newest + 1e-3)  # clocks of several machines may differ
        _write_bytes(draft / "manifest.json", json.dumps(manifest, indent=1, allow_nan=False).encode())
        _sync(draft)

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

    def _open(self, place: Path) -> Dataset:
        if place not in self._read:
            self._read[place] = Dataset.described(place.parent.name, place, self._bars_dir)
        return self._read[place]


def id_of(name: str) -> str:
    """The id that a name of any kind becomes; empty when nothing is left of it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-")[:64]


def _told(meaning: Meaning) -> dict[str, Any]:
    told = asdict(replace(meaning, cost_keys=dict(meaning.cost_keys)))
    if not told["cost_keys"]:
        del told["cost_keys"]
    return told | {"cite": meaning.source}


def _write_parquet(path: Path, table: pa.Table) -> str:
    pyarrow.parquet.write_table(table, path, compression="zstd", use_dictionary=["symbol", "key"])
    _sync(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rename(draft: Path, place: Path) -> bool:
    """Put a version into its place; False when somebody else has done so a moment before."""
    try:
        draft.rename(place)
    except OSError:
        if not place.is_dir():
            raise
        return False
    _sync(place.parent)
    return True


def _children(folder: Path, pattern: re.Pattern[str]) -> Iterator[Path]:
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from (folder / name for name in names if pattern.fullmatch(name))


def _sweep(drafts: Path) -> None:
    """Remove what writers that died have left."""
    for path in drafts.iterdir():
        try:
            old = time.time() - path.stat().st_mtime > _HOUR
        except FileNotFoundError:  # its writer has just ended
            continue
        if old:
            shutil.rmtree(path, ignore_errors=True)
