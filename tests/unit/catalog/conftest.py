"""Datasets in folders, and bars to put away."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

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
