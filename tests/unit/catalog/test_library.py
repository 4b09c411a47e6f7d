"""A library of datasets: whole versions by what the data say, kept once, and seen by whoever looks."""

from __future__ import annotations

import json
import threading

import numpy as np
import pyarrow as pa
import pytest

from app import library as module
from app.catalog import Catalog
from app.depot import Folder, Place, folder
from app.depot.bucket import Bucket
from app.library import Beside, Library, Meaning, Version
from engine.errors import BadData, InvalidInput, UnknownName

MINE = Meaning("mine", quality="synthetic", source="A seed")
TIME = np.busday_offset("2024-01-01", np.arange(60), roll="forward").astype("datetime64[ns]")
ABOUT = {"about": {"CPI": {"title": "Prices", "unit": "index", "stale_days": 60}}}


def wide(shift=0.0, symbols="AB"):
    return pa.table({"time": TIME, **{name: 100.0 + at + np.arange(60.0) + shift for at, name in enumerate(symbols)}})


def long(order=None):
    close = np.tile(100.0 + np.arange(60.0), 2)
    table = pa.table(
        {
            "time": np.tile(TIME, 2),
            "symbol": ["A"] * 60 + ["B"] * 60,
            "open": close,
            "high": close + 1,
            "low": close - 1,
            "close": close,
            "volume": np.full(120, 10.0),
        }
    )
    return table if order is None else table.take(order)


def observations():
    return pa.table({"key": ["CPI", "CPI"], "observed": TIME[:2], "available": TIME[20:22], "value": [300.0, 301.0]})


@pytest.fixture
def catalog(site, tmp_path):
    return Catalog([], depot=site.depot(), bars_dir=tmp_path / "bars")


@pytest.fixture
def library(catalog):
    return catalog.library


def test_the_same_data_are_one_version_and_other_data_or_another_meaning_are_others(library):
    first = library.put(wide(), id="mine", meaning=MINE)
    assert (first.new, library.put(wide(), id="mine", meaning=MINE).new) == (True, False)
    others = [
        library.put(wide(1e-9), id="mine", meaning=MINE),
        library.put(wide(symbols="AC"), id="mine", meaning=MINE),
        library.put(wide(), id="mine", meaning=Meaning("mine", quality="real", source="A seed")),
    ]
    versions = {kept.dataset.version for kept in (first, *others)}
    assert len(versions) == 4
    assert {one.version for one in library.versions("mine")} == versions


def test_a_version_does_not_depend_on_the_order_of_rows_or_how_they_came(library):
    first = library.put(long(), id="mine", meaning=MINE).dataset
    shuffled = long(np.random.default_rng(1).permutation(120))
    again = library.put(shuffled, id="mine", meaning=MINE, origin={"fetched_at": "2024-05-01"})
    assert (again.new, again.dataset.version) == (False, first.version)


def test_long_and_wide_closes_of_the_same_prices_are_the_same_version_and_bars(catalog, library):
    rows = wide()
    library.put(rows, id="wide", meaning=MINE)
    closes = np.concatenate([np.from_dlpack(rows[name].combine_chunks()) for name in "BA"])
    stacked = pa.table({"time": np.tile(TIME, 2), "symbol": ["B"] * 60 + ["A"] * 60, "close": closes})
    library.put(stacked, id="long", meaning=MINE)
    assert catalog.get("long").version == catalog.get("wide").version
    assert catalog.bars("long").close.tolist() == catalog.bars("wide").close.tolist()


def test_the_newest_version_is_present_and_older_ones_are_found_by_name(catalog, library, monkeypatch):
    monkeypatch.setattr(module.time, "time", lambda: 1000.0)  # a clock that stands still, or goes back
    old = library.put(wide(), id="mine", meaning=MINE).dataset
    new = library.put(wide(1.0), id="mine", meaning=MINE).dataset
    assert library.put(wide(), id="mine", meaning=MINE).dataset.version == old.version
    assert catalog.get("mine").version == new.version
    assert catalog.bars(f"mine@{old.version}").close[0, 0] == 100.0
    with pytest.raises(InvalidInput) as caught:
        catalog.get("mine@000000000000")
    assert caught.value.allowed == [new.version, old.version]


def test_another_process_sees_a_new_dataset_without_being_started_again(catalog, site):
    other = Catalog([], depot=site.depot())
    with pytest.raises(UnknownName):
        other.get("mine")
    kept = catalog.library.put(wide(), id="mine", meaning=MINE).dataset
    assert other.get("mine").version == kept.version
    assert [one.id for one in other.datasets()] == ["mine"]
    assert np.array_equal(other.bars("mine").close, catalog.bars("mine").close)
    newer = catalog.library.put(wide(1.0), id="mine", meaning=MINE).dataset
    assert other.get("mine").version == newer.version
    assert [one.version for one in other.datasets()] == [newer.version]


def test_bars_are_what_was_put_through_the_file_that_processes_map(catalog, library):
    kept = library.put(long(), id="mine", meaning=MINE).dataset
    bars = catalog.get("mine").all_bars
    assert bars.symbols == ("A", "B")
    assert bars.high[3].tolist() == [104.0, 104.0]
    assert kept.describe()["coverage"]["B"] == {"start": "2024-01-01", "end": "2024-03-22", "bars": 60, "missing": 0}
    assert (kept.fields, kept.describe()["frequency"]) == (("open", "high", "low", "close", "volume"), "daily")


def test_adjusted_closes_make_the_prices_those_of_a_total_return(catalog, library):
    table = long().append_column("adj_close", pa.array(np.tile(100.0 + np.arange(60.0), 2) / 2))
    library.put(table, id="mine", meaning=MINE)
    assert catalog.bars("mine").close[0].tolist() == [50.0, 50.0]
    assert catalog.get("mine").describe()["adjusted"]


def test_series_are_kept_beside_bars_and_alone(catalog, library):
    library.put(wide(), id="both", meaning=MINE, series=Beside(observations(), ABOUT))
    alone = library.put(None, id="alone", meaning=MINE, series=Beside(observations(), ABOUT)).dataset
    assert catalog.get("both").all_bars.panel.series["CPI"].unit == "index"
    assert (alone.kind, alone.symbols, alone.describe()["bars"]) == ("series", ("CPI",), 2)
    assert alone.panel.series["CPI"].value.tolist() == [300.0, 301.0]
    with pytest.raises(BadData, match="no prices"):
        _ = alone.all_bars


def test_what_is_no_bars_leaves_nothing_behind(library):
    wrong = wide().set_column(1, "A", pa.array(np.full(60, -1.0)))
    with pytest.raises(BadData, match="not positive"):
        library.put(wrong, id="mine", meaning=MINE)
    assert library.ids() == []
    assert list(library.depot.drafts.iterdir()) == []


def test_a_writer_that_dies_leaves_no_version_and_the_next_one_makes_it(library, monkeypatch):
    def dies(*_):
        raise KeyboardInterrupt

    last_step = {Folder: (folder, "sync"), Bucket: (Bucket, "_is_whole")}[type(library.depot)]
    with monkeypatch.context() as patch:
        patch.setattr(*last_step, dies)
        with pytest.raises(KeyboardInterrupt):
            library.put(wide(), id="mine", meaning=MINE)
    assert (library.ids(), library.versions("mine")) == ([], [])
    assert library.put(wide(), id="mine", meaning=MINE).new


@pytest.mark.parametrize("last", ["manifest.json", None])
def test_a_version_that_is_half_deleted_is_none_and_can_be_put_again(catalog, library, site, last):
    kept = library.put(wide(), id="prices", meaning=MINE).dataset
    for name in [last] if last else site.names(kept):
        site.remove(kept, name)
    assert "prices" not in catalog.ids()
    assert [item.id for item in catalog.datasets()] == catalog.ids()
    again = library.put(wide(), id="prices", meaning=MINE)
    assert (again.new, again.dataset.version) == (True, kept.version)
    assert catalog.get("prices").all_bars.symbols == ("A", "B")


def test_two_who_put_the_same_at_once_have_one_version(library):
    kept, gate = [], threading.Barrier(4)

    def put():
        gate.wait()
        kept.append(library.put(wide(), id="mine", meaning=MINE))

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    most = {Folder: 1, Bucket: 4}[type(library.depot)]  # in a bucket several may come first: what they put is the same
    assert 1 <= sum(one.new for one in kept) <= most
    assert len({one.dataset.version for one in kept}) == len(library.versions("mine")) == 1


def test_who_comes_second_is_told_so_and_changes_nothing(library, site):
    version = Version(wide(), meaning=MINE)
    told = []
    for _ in range(2):
        with library.draft() as draft:
            version.write(draft, "mine", after=0.0)
            told.append(library.keep(draft, Place("mine", version.name)))
    assert [kept.new for kept in told] == [True, False]
    assert Catalog([], depot=site.depot()).get("mine").manifest == told[0].dataset.manifest == told[1].dataset.manifest


def test_a_file_that_was_changed_is_refused(library, site):
    kept = library.put(wide(), id="mine", meaning=MINE).dataset
    data = bytearray(kept.path.read_bytes())
    data[100] ^= 1
    site.write(kept, kept.path.name, data)
    with pytest.raises(BadData) as caught:
        Catalog([], depot=site.depot()).bars("mine")
    assert caught.value.code == "dataset_changed"


@pytest.mark.parametrize("name", ["", "..", "a/b", ".drafts", "ä", "x" * 65, "a b", "-x"])
def test_an_id_that_could_be_a_path_is_refused(library, name):
    with pytest.raises(InvalidInput) as caught:
        library.put(wide(), id=name, meaning=MINE)
    assert caught.value.code == "bad_dataset_id"


def test_an_id_belongs_to_one_dataset(tmp_path):
    shipped = Catalog.standard(depot=Folder(tmp_path))
    for name in ("fx_daily", "FX_Daily"):
        with pytest.raises(module.Conflict, match="already a dataset 'fx_daily'"):
            shipped.library.put(wide(), id=name, meaning=MINE)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), "duplicate_bar"),
        (lambda table: table.rename_columns(["time", "A\n", "B"]), "bad_symbol"),
        (lambda table: table.select(["time"]), "too_many_symbols"),
        (lambda table: table.slice(0, 1), "not_enough_bars"),
    ],
)
def test_what_cannot_be_bars_is_refused(library, change, code):
    with pytest.raises((InvalidInput, BadData)) as caught:
        library.put(change(wide()), id="mine", meaning=MINE)
    assert caught.value.code == code


def test_sparse_rows_that_would_become_a_huge_table_are_refused(library):
    rows = 60_000
    times = np.datetime64("2000-01-01", "ns") + np.arange(rows) * np.timedelta64(1, "m")
    symbols = [f"S{at % 1000}" for at in range(rows)]
    with pytest.raises(InvalidInput) as caught:
        library.put(pa.table({"time": times, "symbol": symbols, "close": np.ones(rows)}), id="mine", meaning=MINE)
    assert caught.value.code == "too_much_data"


def test_the_manifest_says_where_the_data_came_from(library):
    kept = library.put(wide(), id="mine", meaning=MINE, origin={"url": "http://example.org"})
    told = json.loads((kept.dataset.folder / "manifest.json").read_text())
    assert (told["source"], told["quality"], told["origin"]) == ("A seed", "synthetic", {"url": "http://example.org"})
    assert isinstance(library, Library)
