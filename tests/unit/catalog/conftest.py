"""Datasets in folders, and bars to put away."""

from __future__ import annotations

import hashlib
import json
import secrets

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from app.depot import Folder
from app.depot.bucket import Bucket
from engine import Bars

MANIFEST = {
    "title": "Made up",
    "kind": "bars",
    "frequency": "daily",
    "calendar": "Monday to Friday",
    "quality": "synthetic",
    "source": "A seed",
    "cite": "None",
    "licence": "None",
    "units": "coins",
    "notes": "",
    "file": "data.parquet",
    "time": "date",
    "layout": "wide",
}


def market(total=300, size=3, *, close_only=True):
    """Prices with holes."""
    rng = np.random.default_rng(5)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (total, size)), axis=0))
    close[rng.random(close.shape) < 0.05] = np.nan
    time = np.busday_offset("2020-01-01", np.arange(total), roll="forward")
    symbols = tuple(f"S{column}" for column in range(size))
    if close_only:
        return Bars.from_closes(time, close, symbols)
    keys = ("ES", None, "FX")[:size]
    open, volume = close * 1.001, rng.integers(0, 200, close.shape).astype(float)
    return Bars.from_arrays(time, open, open * 1.01, close * 0.99, close, volume, symbols=symbols, cost_keys=keys)


@pytest.fixture(params=[True, False], ids=["closes", "ohlcv"])
def bars(request):
    return market(close_only=request.param)


@pytest.fixture
def dataset(tmp_path):
    """dataset(bars, **manifest): writes it as `made` below a root and gives the root."""

    def write(bars, **changes):
        folder = tmp_path / "datasets" / "made"
        folder.mkdir(parents=True, exist_ok=True)
        columns = {name: bars.close[:, at].copy() for at, name in enumerate(bars.symbols)}
        pyarrow.parquet.write_table(pa.table({"date": bars.time, **columns}), folder / "data.parquet")
        digest = hashlib.sha256((folder / "data.parquet").read_bytes()).hexdigest()
        (folder / "manifest.json").write_text(json.dumps({**MANIFEST, "sha256": digest, **changes}))
        return folder.parent

    return write


class FolderSite:
    """A folder of datasets, and what others do to it."""

    def __init__(self, folder):
        self.folder = folder

    def depot(self):
        """As another machine finds it."""
        return Folder(self.folder)

    def names(self, dataset):
        return sorted(path.name for path in self._of(dataset, "").glob("*"))

    def write(self, dataset, name, data):
        path = self._of(dataset, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def remove(self, dataset, name):
        self._of(dataset, name).unlink()

    def _of(self, dataset, name):
        return self.folder / dataset.id / dataset.version / name


class BucketSite:
    """The same of a bucket."""

    def __init__(self, objects, prefix, mirrors):
        self.objects = objects
        self.prefix = prefix
        self.mirrors = mirrors

    def depot(self):
        return Bucket(self.objects.url(self.prefix), self.mirrors / secrets.token_hex(4))

    def names(self, dataset):
        return self.objects.names(self._of(dataset))

    def write(self, dataset, name, data):
        self.objects.write(f"{self._of(dataset)}/{name}", data)

    def remove(self, dataset, name):
        self.objects.remove(f"{self._of(dataset)}/{name}")

    def _of(self, dataset):
        return f"{self.prefix}/{dataset.id}/{dataset.version}"


@pytest.fixture
def bucket(objects, tmp_path):
    return BucketSite(objects, f"{secrets.token_hex(6)}/datasets", tmp_path / "mirrors")


@pytest.fixture(params=["folder", "bucket"])
def site(request, tmp_path):
    """Where datasets lie, of each kind in turn."""
    return FolderSite(tmp_path / "library") if request.param == "folder" else request.getfixturevalue("bucket")
