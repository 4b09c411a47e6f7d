"""Series out of manifests and files: a history of publication, and a rule of it for columns."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from app.catalog import Catalog
from engine.errors import BadData

ROWS = {  # of two series, mixed
    "key": ["B", "A", "B", "A"],
    "observed": ["2024-02-29", "2024-01-31", "2024-01-31", "2024-02-29"],
    "available": ["2024-03-11T12:00", "2024-02-09T12:00", "2024-02-09T12:00", "2024-03-08T12:00"],
    "value": [4.0, 1.0, 3.0, 2.0],
}
ABOUT = {key: {"unit": "percent", "stale_days": 75, "quality": "proxy"} for key in "AB"}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def dataset(tmp_path):
    """dataset(about): bars of a symbol, and the rows beside them; dataset(publication=rule): columns of series."""

    def write(about=None, **more):
        folder = tmp_path / "mine"
        folder.mkdir()
        days = np.array(["2024-03-01", "2024-04-01", "2024-05-01"], "datetime64[s]")
        columns = {"date": days, "X": [1.0, np.nan, 3.0] if more else [1.0, 2.0, 3.0]}
        pyarrow.parquet.write_table(pa.table(columns), folder / "data.parquet")
        times = {name: np.array(ROWS[name], "datetime64[s]") for name in ("observed", "available")}
        pyarrow.parquet.write_table(pa.table(ROWS | times), folder / "series.parquet")
        manifest = {"kind": "bars", "quality": "real", "file": "data.parquet", "time": "date", "layout": "wide", **more}
        manifest["sha256"] = digest(folder / "data.parquet")
        if about:
            manifest["series"] = {"file": "series.parquet", "sha256": digest(folder / "series.parquet"), "about": about}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return Catalog([tmp_path]).get("mine")

    return write


def test_rows_of_several_series_are_told_apart(dataset):
    panel = dataset(ABOUT).panel
    assert {key: item.value.tolist() for key, item in panel.series.items()} == {"A": [1.0, 2.0], "B": [3.0, 4.0]}
    assert panel.series["B"].available[1] == np.datetime64("2024-03-11T12:00")
    assert (panel.series["A"].stale_days, panel.series["A"].quality) == (75.0, "proxy")


@pytest.mark.parametrize("about", [{"A": ABOUT["A"]}, {**ABOUT, "C": ABOUT["A"]}])
def test_a_series_that_only_one_of_manifest_and_file_has_is_named(dataset, about):
    with pytest.raises(BadData, match=r"Series [BC] is only in one"):
        _ = dataset(about).panel


def test_columns_become_known_by_the_rule_of_their_manifest(dataset):
    rule = {"unit": "index", "stale_days": 75, "months": 1, "days": 14, "clock": "13:30"}
    found = dataset(kind="series", publication=rule).panel.series["X"]
    assert found.value.tolist() == [1.0, 3.0]  # what is missing was not published
    assert found.available.astype("datetime64[m]").astype(str).tolist() == ["2024-04-15T13:30", "2024-06-15T13:30"]
    assert (found.unit, found.quality, found.revised) == ("index", "real", False)


def test_how_columns_are_published_is_no_other_version_of_them(dataset, tmp_path):
    rule = {"unit": "index", "stale_days": 75, "clock": "13:30"}
    found = dataset(kind="series", publication=rule)
    assert found.version == digest(tmp_path / "mine/data.parquet")[:12]
