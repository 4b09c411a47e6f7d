"""The catalog keeps bars as files that processes map, and answers nothing that its data do not say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from app.catalog import Catalog
from app.settings import Settings
from app.wiring import build
from engine import Config, backtest, kernel
from engine.errors import BadData
from engine.indicators import crossing, rolling
from engine.jit import Kernel
from tests.shelf import PRICE

from .conftest import market


@pytest.fixture
def root(dataset):
    return dataset(market())


def kept(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.bars"))


def test_the_first_one_writes_the_bars_and_later_ones_map_them(root, tmp_path, monkeypatch):
    first = Catalog([root], bars_dir=tmp_path / "bars").bars("made")
    assert len(kept(tmp_path / "bars")) == 1
    monkeypatch.delattr(pyarrow.parquet, "ParquetFile")
    later = Catalog([root], bars_dir=tmp_path / "bars").bars("made")
    assert later.close.tobytes() == first.close.tobytes() == market().close.tobytes()


def test_without_a_folder_nothing_is_written(root, tmp_path):
    assert Catalog([root]).bars("made").close.tobytes() == market().close.tobytes()
    assert kept(tmp_path) == []


def test_data_that_have_changed_are_refused_though_their_bars_are_kept(root, tmp_path):
    Catalog([root], bars_dir=tmp_path / "bars").preload()
    with open(root / "made" / "data.parquet", "ab") as file:
        file.write(b"x")
    for bars_dir in (tmp_path / "bars", None):
        with pytest.raises(BadData, match="is not the one that its manifest describes") as refused:
            Catalog([root], bars_dir=bars_dir).bars("made")
        assert refused.value.code == "dataset_changed"


def test_a_manifest_that_says_something_else_has_bars_of_its_own(root, tmp_path):
    Catalog([root], bars_dir=tmp_path / "bars").preload()
    manifest = root / "made" / "manifest.json"
    columns = dict.fromkeys(("open", "high", "low", "close"), "S1")
    changed = json.loads(manifest.read_text()) | {"layout": "ohlcv", "symbol": "ONE", "columns": columns}
    manifest.write_text(json.dumps(changed))
    found = Catalog([root], bars_dir=tmp_path / "bars").bars("made")
    assert found.symbols == ("ONE",)
    assert found.close.tobytes() == market().close[:, 1].tobytes()
    assert len(kept(tmp_path / "bars")) == 2


def test_dates_are_a_view_of_the_shared_bars_and_a_choice_of_symbols_is_a_copy(root, tmp_path):
    catalog = Catalog([root], bars_dir=tmp_path / "bars")
    everything = catalog.get("made").all_bars
    dates = catalog.bars("made", ["S0", "S1", "S2"], "2020-02-01", "2020-12-31")
    chosen = catalog.bars("made", ["S2"])
    assert np.shares_memory(dates.close, everything.close)
    assert dates.close.flags.c_contiguous
    assert not np.shares_memory(chosen.close, everything.close)
    for part in (dates, chosen):
        with pytest.raises(ValueError, match="read-only"):
            part.close[0, 0] = 1.0


def test_a_dataset_is_described_alike_whether_its_bars_are_mapped_or_not(tmp_path):
    for _ in ("written", "mapped"):
        mapped = {one.id: one.describe() for one in Catalog.standard(bars_dir=tmp_path).datasets()}
        assert mapped == {one.id: one.describe() for one in Catalog.standard().datasets()}


def test_a_dataset_whose_prices_are_refused_can_be_described(dataset, tmp_path):
    bars = market()
    object.__setattr__(bars, "close", -bars.close)
    root = dataset(bars)
    catalog = Catalog([root], bars_dir=tmp_path / "bars")
    catalog.preload()
    assert catalog.get("made").describe()["symbols"] == ["S0", "S1", "S2"]
    with pytest.raises(BadData, match="not positive"):
        catalog.bars("made")
    assert kept(tmp_path) == []


def test_the_services_of_a_process_keep_bars_in_its_home_or_cache(tmp_path):
    home = {"QUEUANT_HOME": str(tmp_path / "home"), "REDIS_URL": "redis://127.0.0.1:1/0"}
    services = build(Settings.from_env(home))
    services.catalog.preload()
    services.close()
    assert [Path(name).parent.name for name in kept(tmp_path / "home/cache/bars")] == [
        one.id for one in sorted(services.catalog.datasets(), key=lambda one: one.id) if one.kind == "bars"
    ]
    elsewhere = Settings.from_env(home | {"QUEUANT_CACHE_DIR": str(tmp_path / "cache")})
    assert elsewhere.bars_dir == tmp_path / "cache" / "bars"


def compiled():
    kernels = [item for module in (crossing, rolling, kernel) for item in vars(module).values()]
    return [len(item.compile().signatures) for item in kernels if type(item) is Kernel]


@pytest.mark.parametrize("item", PRICE, ids=lambda item: item.id)
@pytest.mark.parametrize("config", [Config(), Config(stop_loss=0.03, rebalance="weekly", borrow_bps=50.0)])
def test_mapped_bars_give_the_same_bits_through_the_same_compiled_code(item, config, tmp_path):
    """For another type of array numba would compile everything once more."""
    plain, mapped = Catalog.standard(), Catalog.standard(bars_dir=tmp_path)
    name = item.dataset or "fx_daily"
    one = backtest(plain.bars(name), item.bind(), config)
    before = compiled()
    other = backtest(mapped.bars(name), item.bind(), config)
    assert compiled() == before
    assert other.metrics == one.metrics
    for field in ("equity", "cash", "positions", "fills"):
        assert getattr(other.ledger, field).tobytes() == getattr(one.ledger, field).tobytes()
    assert other.trades.tobytes() == one.trades.tobytes()
