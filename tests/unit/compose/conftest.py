"""A library of datasets that were put there as uploads and sources put them, and what is composed of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from app.catalog import Catalog
from app.compose.asking import resolve_compose
from app.compose.making import Composed, compose
from app.dataset import Dataset
from app.depot import Folder
from app.library import Beside, Meaning
from app.uploads.reading import read
from engine.panel import Series

NS = "datetime64[ns]"
HOUR = np.timedelta64(1, "h")


def series(key, days, values, *, hours=36, unit="percent", stale=7.0, quality="real"):
    """A series with a value on each of these days, known so many hours after its day began."""
    observed = np.array(days, dtype=NS)
    values = np.broadcast_to(np.asarray(values, dtype=float), len(observed))
    return Series(key, unit, observed, observed + hours * HOUR, values, stale, quality)


def sessions(total, start="2024-01-01"):
    return np.busday_offset(start, np.arange(total), roll="forward")


@dataclass
class Shop:
    catalog: Catalog

    def keep(self, name: str, *items: Series, close: str | None = "20:00", **meaning: Any) -> Dataset:
        """A dataset of series alone."""
        keys = [item.key for item in items for _ in item.value]
        columns = {field: np.concatenate([getattr(item, field) for item in items]) for field in FIELDS}
        about = {
            item.key: {"unit": item.unit, "stale_days": item.stale_days, "quality": item.quality} for item in items
        }
        told = {"about": about} | ({"session_close": close} if close else {})
        beside = Beside(pa.table({"key": keys, **columns}), told)
        return self.catalog.library.put(None, id=name, meaning=Meaning(name, **meaning), series=beside).dataset

    def keep_closes(self, name: str, days: Any, **closes: Any) -> Dataset:
        """A dataset of bars; `bvsp` stands for ^BVSP."""
        columns = {key.replace("bvsp", "^BVSP"): np.asarray(values, dtype=float) for key, values in closes.items()}
        table = pa.table({"time": np.array(days, dtype=NS), **columns})
        return self.catalog.library.put(table, id=name, meaning=Meaning(name)).dataset

    def keep_calendar(self, name: str, **days: str) -> Dataset:
        """A dataset of calendars alone, of one event each, as an upload becomes one."""
        path = self.catalog.library.depot.folder.parent / f"{name}.csv"
        path.write_text(
            "\n".join(["calendar,date,announced", *(f"{key},{day},2023-06-23" for key, day in days.items())])
        )
        found = read(path, symbol=name)
        return self.catalog.library.put(None, id=name, meaning=Meaning(name), series=found.series).dataset

    def asked(self, *datasets: str, name: str = "mine", **more: Any) -> dict[str, Any]:
        return resolve_compose({"name": name, "datasets": list(datasets), **more}, self.catalog)

    def made(self, *datasets: str, **more: Any) -> Composed:
        return compose(self.asked(*datasets, **more), self.catalog, lambda *_: None)

    def kept(self, *datasets: str, name: str = "mine", **more: Any) -> Dataset:
        made = self.made(*datasets, name=name, **more)
        return self.catalog.library.put(made.table, id=name, meaning=made.meaning, series=made.series).dataset


FIELDS = ("observed", "available", "value")


@pytest.fixture
def shop(tmp_path):
    return Shop(Catalog.standard(depot=Folder(tmp_path / "library"), bars_dir=tmp_path / "bars"))


@pytest.fixture
def make_series():
    return series


@pytest.fixture
def make_sessions():
    return sessions
