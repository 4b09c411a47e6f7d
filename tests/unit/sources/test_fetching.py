"""A job that fetches: from the request to a version of a dataset, and every way that it may end otherwise."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from app import sources
from app.bus import MemoryBus
from app.catalog import Catalog
from app.depot import depot_of
from app.jobs import Jobs
from app.settings import Settings
from app.shelf import Shelf
from app.sources.asking import resolve_fetch
from app.sources.base import Fetched, source
from app.store import Store
from app.taskqueue import MemoryQueue
from app.wiring import Services
from engine.bars import Bars
from engine.errors import BadData
from tests.working import Hand

from .conftest import NAMES, Answer

TODAY = date(2024, 7, 1)


@dataclass
class Farm:
    """Jobs, a worker, and the local server as the outside world."""

    services: Services
    outside: Any

    def submit(self, *items: str, source: str = "bcb_sgs", name: str = "brazil", **more: Any) -> str:
        body = {"source": source, "items": list(items), "name": name, "start_date": "2024-01-01", **more}
        row, _ = self.services.jobs.submit("ada", "fetch", resolve_fetch(body, TODAY), fresh=True)
        return str(row.id)

    def run(self, *items: str, **more: Any) -> Any:
        job_id = self.submit(*items, **more)
        Hand(self.services, "w1").do(job_id)
        return self.services.jobs.get(job_id, "ada")

    def result(self, job: Any) -> dict[str, Any]:
        assert job.status == "succeeded", job.error
        return dict(self.services.jobs.result(job.id, "ada").result)


@pytest.fixture
def farm(sqlite_url, outside, tmp_path):
    urls = ",".join(f"{name}={outside.url}" for name in NAMES)
    settings = Settings.from_env({"QUEUANT_SOURCE_URLS": urls}, home=tmp_path / "home", database_url=sqlite_url)
    store, bus, queue = Store(settings.database_url), MemoryBus(), MemoryQueue()
    catalog = Catalog.standard(depot=depot_of(settings))
    yield Farm(Services(settings, store, bus, queue, catalog, Jobs(store, bus, queue), Shelf()), outside)
    store.close()


def sgs(*pairs: tuple[str, str]) -> Answer:
    return Answer(json.dumps([{"data": day, "valor": value} for day, value in pairs]))


def test_series_become_a_dataset_that_says_where_they_are_from_and_since_when_they_were_known(farm):
    farm.outside.says(sgs(("02/01/2024", "11.75"), ("01/02/2024", "11.25")))

    result = farm.result(farm.run("SELIC_TARGET"))

    dataset = farm.services.catalog.get("brazil")
    assert (dataset.kind, dataset.quality, dataset.version) == ("series", "real", result["dataset"]["version"])
    series = dataset.panel.series["SELIC_TARGET"]
    assert (series.value.tolist(), series.unit, series.stale_days) == ([11.75, 11.25], "percent", 7)
    about = dataset.manifest["series"]["about"]["SELIC_TARGET"]
    assert about["source"] == "bcb_sgs 432"
    assert "assumed lag of 0 days" in about["note"]
    assert dataset.manifest["series"]["session_close"] == "20:00"
    assert "Open data" in dataset.manifest["licence"]
    origin = dataset.manifest["origin"]
    assert origin["addresses"][0].startswith(f"{farm.outside.url}/dados/serie/bcdata.sgs.432/dados?")
    assert origin["request"]["end_date"] == "2024-06-30"
    assert result["provenance"]["dataset_version"] == dataset.version
    with pytest.raises(BadData, match="no prices"):
        _ = dataset.all_bars


def test_what_has_not_changed_makes_no_new_version_and_what_has_makes_one(farm):
    farm.outside.says(sgs(("02/01/2024", "11.75"), ("01/02/2024", "11.25")))
    first = farm.result(farm.run("SELIC_TARGET"))
    again = farm.result(farm.run("SELIC_TARGET"))
    assert again["dataset"]["version"] == first["dataset"]["version"]
    assert len(farm.outside.asked) == 1  # the answer was kept

    farm.outside.says(sgs(("02/01/2024", "11.75"), ("01/02/2024", "11.00")))
    later = farm.result(farm.run("SELIC_TARGET", end_date="2024-06-29"))
    assert later["dataset"]["version"] != first["dataset"]["version"]
    assert len(farm.services.catalog.versions("brazil")) == 2


def test_bars_become_a_dataset_that_can_be_traded(farm):
    result = farm.result(
        farm.run("SP500", "VIX", source="arch", name="arch_pair", start_date="2015-01-01", end_date="2016-12-31")
    )

    dataset = farm.services.catalog.get("arch_pair")
    assert (dataset.kind, dataset.symbols, dataset.start) == ("bars", ("SP500", "VIX"), "2015-01-02")
    assert dataset.all_bars.close_only
    assert result["dataset"]["symbols"] == ["SP500", "VIX"]
    assert result["warnings"] == []


def test_bars_keep_their_prices_and_volume_by_symbol(farm):
    farm.result(
        farm.run("NASDAQ", "SP500", source="arch", name="indices", start_date="2015-01-01", end_date="2015-12-31")
    )

    bars = farm.services.catalog.get("indices").all_bars
    shipped = farm.services.catalog.get("sp500_daily").all_bars.select(None, "2015-01-01", "2015-12-31")
    column = bars.symbols.index("SP500")
    for name in ("open", "high", "low", "close", "volume"):
        assert getattr(bars, name)[:, column].tolist() == getattr(shipped, name)[:, 0].tolist()


def test_bars_of_a_total_return_stay_so(farm, monkeypatch):
    bars = farm.services.catalog.get("sp500_daily").all_bars.select(None, "2015-01-01", "2015-12-31")

    @source(title="Mine", items="symbols", terms="Ours.", known=("SP500",))
    def mine(request, http, report):
        """One index."""
        return Fetched(bars=bars, adjusted=True, units="points", notes=("As I have them.",))

    monkeypatch.setattr(sources, "every", lambda: {"mine": mine})
    result = farm.result(farm.run("SP500", source="mine", name="adjusted"))

    kept = farm.services.catalog.get("adjusted")
    assert kept.adjusted
    assert kept.all_bars.close[:, 0].tolist() == bars.close[:, 0].tolist()
    assert result["warnings"] == ["As I have them."]
    assert kept.manifest["notes"] == "As I have them."


def test_what_looks_wrong_with_the_prices_is_told(farm, monkeypatch):
    days = np.arange("2023-01-02", "2023-06-30", dtype="datetime64[D]")
    closes = np.where(np.arange(len(days)) < 90, 100.0, 50.0)

    @source(title="Mine", items="symbols", terms="Ours.", known=("A",))
    def mine(request, http, report):
        """A split that nobody has adjusted for."""
        return Fetched(bars=Bars.from_closes(days, closes, ("A",)))

    monkeypatch.setattr(sources, "every", lambda: {"mine": mine})
    result = farm.result(farm.run("A", source="mine", name="split", start_date="2023-01-01"))

    assert len(farm.services.catalog.get("split").findings) == 1
    assert "2023-04-02" in result["warnings"][0]


def test_a_source_that_begins_later_than_asked_is_a_warning(farm):
    result = farm.result(farm.run("VIX", source="arch", name="vix", start_date="2000-01-01", end_date="2016-12-31"))

    assert result["warnings"] == ["VIX begins on 2014-01-03; 2000-01-01 was asked for."]


def test_a_proxy_among_the_series_makes_the_dataset_one(farm):
    bonds = (
        "Tipo Titulo;Data Vencimento;Data Base;Taxa Compra Manha;Taxa Venda Manha\n"
        "Tesouro Prefixado;01/01/2025;02/01/2024;10,00;10,20\nTesouro Prefixado;01/01/2027;02/01/2024;10,50;10,70\n"
    )
    farm.outside.says(Answer(bonds, kind="text/csv"))

    result = farm.result(farm.run("DI_2Y", source="tesouro", name="curve"))

    assert result["provenance"]["quality"] == "proxy"
    table = pyarrow.parquet.ParquetFile(farm.services.catalog.get("curve").path).read()
    assert table.num_rows == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(status=403), "source_refused"),
        (Answer(status=429, headers=(("Retry-After", "999"),)), "rate_limited"),
        (Answer('[{"day": 1}]'), "source_changed"),
    ],
)
def test_a_failure_of_the_outside_world_ends_the_job_with_its_name(farm, answer, code):
    farm.outside.says(answer)

    job = farm.run("IPCA_MOM")

    assert (job.status, job.error["code"], job.error["source"], job.error["item"]) == (
        "failed",
        code,
        "bcb_sgs",
        "IPCA_MOM",
    )
    assert "brazil" not in farm.services.catalog.ids()


def test_a_package_that_is_not_there_ends_the_job_with_what_to_install(farm, monkeypatch):
    monkeypatch.setitem(sys.modules, "yfinance", None)

    job = farm.run("SPY", source="yfinance", name="spy")

    assert (job.status, job.error["code"]) == ("failed", "missing_extra")
    assert job.error["message"].endswith("pip install yfinance")


def test_a_cancel_ends_a_job_that_waits_for_its_source(farm):
    farm.services.jobs.lease_seconds = 0.3  # beats every 0.1 s
    farm.outside.says(Answer(status=503, headers=(("Retry-After", "30"),)))
    job_id = farm.submit("IPCA_MOM")
    farm.outside.route = lambda *_: (farm.services.jobs.cancel(job_id, "ada"), farm.outside.answers[0])[1]

    Hand(farm.services, "w1").do(job_id)

    assert farm.services.jobs.get(job_id, "ada").status == "cancelled"
    assert len(farm.outside.asked) == 1


def test_progress_counts_items(farm):
    farm.outside.says(sgs(("02/01/2024", "11.75"), ("01/02/2024", "11.25")))
    job_id = farm.submit("SELIC_TARGET", "IPCA_MOM")
    told = []
    farm.services.bus.publish = lambda event: told.append(event.data)

    Hand(farm.services, "w1").do(job_id)

    units = {data["unit"] for data in told if "unit" in data}
    assert units == {"items"}
    assert {data["phase"] for data in told if "phase" in data} >= {"fetch", "store"}


def test_the_same_request_on_another_day_is_another_one():
    body = {"source": "fred", "items": ["VIX"], "name": "vix"}

    assert resolve_fetch(body, date(2024, 7, 1)) != resolve_fetch(body, date(2024, 7, 2))
    assert resolve_fetch(body, date(2024, 7, 1)) == resolve_fetch(body, date(2024, 7, 1))
