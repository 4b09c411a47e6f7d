"""What a manifest may say of its symbols, and that it cannot change a result under the same version."""

from __future__ import annotations

import hashlib
import json

import pytest

from app.catalog import Catalog
from app.contracts import resolve_backtest
from app.jobs import request_hash
from app.shelf import Shelf
from engine import STANDARD_COSTS
from engine.errors import BadData, InvalidConfig

WIDE = "date,A,B\n2024-01-01,1.0,2.0\n2024-01-02,1.5,2.0\n2024-01-03,1.0,4.0\n2024-01-04,1.0,4.0\n"
TOLD = ("title", "frequency", "calendar", "source", "cite", "licence", "units", "notes")


@pytest.fixture
def dataset(tmp_path):
    """dataset(text, **manifest): a dataset "mine" of a CSV file."""

    def write(text=WIDE, **more):
        folder = tmp_path / "mine"
        folder.mkdir(exist_ok=True)
        (folder / "data.csv").write_text(text)
        manifest = dict.fromkeys(TOLD, "said") | {
            "kind": "bars",
            "quality": "synthetic",
            "file": "data.csv",
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "time": "date",
            "time_format": "%Y-%m-%d",
            "layout": "wide",
        }
        (folder / "manifest.json").write_text(json.dumps(manifest | more))
        return Catalog([tmp_path]).get("mine")

    return write


def hashed(catalog, table):
    body = {"strategy_id": "buy_and_hold", "dataset": "mine", "config": {"cost_table": table}}
    return request_hash("backtest", resolve_backtest(body, catalog, Shelf()))


def test_a_manifest_gives_cost_keys(dataset):
    found = dataset(cost_keys={"B": "DI"})
    assert found.all_bars.cost_keys == (None, "DI")
    assert found.describe()["cost_keys"] == {"B": "DI"}
    assert dataset().all_bars.cost_keys == (None, None)


def test_another_cost_key_is_another_version(dataset):
    versions = [dataset(**said).version for said in ({}, {"cost_keys": {"B": "DI"}}, {"cost_keys": {"B": "DOL"}})]
    assert len(set(versions)) == 3
    assert versions[0] == hashlib.sha256(WIDE.encode()).hexdigest()[:12]


@pytest.mark.parametrize(("keys", "says"), [({"C": "DI"}, "'C', which it does not hold"), ({"A": 3}, "cost key of A")])
def test_a_cost_key_of_nobody_and_one_that_is_no_text_are_refused(dataset, keys, says):
    found = dataset(cost_keys=keys)
    with pytest.raises(BadData, match=says):
        _ = found.all_bars


def test_a_request_has_one_hash_however_its_table_is_written(dataset, tmp_path):
    dataset()
    catalog = Catalog([tmp_path])
    assert hashed(catalog, {"DI": 1, "UST": 0.5}) == hashed(catalog, {"UST": 0.5, "DI": 1.0})
    assert hashed(catalog, "standard") == hashed(catalog, dict(STANDARD_COSTS))
    assert hashed(catalog, None) == request_hash(
        "backtest", resolve_backtest({"strategy_id": "buy_and_hold", "dataset": "mine"}, catalog, Shelf())
    )
    with pytest.raises(InvalidConfig) as refused:
        hashed(catalog, {"DI": -1})
    assert refused.value.pointer == "/config/cost_table/DI"


OHLC = """date,o,h,l,c,a
2024-01-01,10,12,9,11,5.5
2024-01-02,11,11,8,10,5.0
2024-01-03,5,6,5,6,6
"""
COLUMNS = {"open": "o", "high": "h", "low": "l", "close": "c"}


def test_a_manifest_names_the_column_of_adjusted_closes(dataset):
    plain = dataset(OHLC, layout="ohlcv", symbol="A", columns=COLUMNS)
    assert (plain.adjusted, plain.all_bars.adjusted, plain.describe()["adjusted"]) == (False, False, False)
    version = plain.version
    found = dataset(OHLC, layout="ohlcv", symbol="A", columns=COLUMNS | {"adj_close": "a"})
    assert (found.adjusted, found.all_bars.adjusted, found.describe()["adjusted"]) == (True, True, True)
    assert found.all_bars.open[:, 0].tolist() == [5.0, 5.5, 5.0]
    assert found.version != version
