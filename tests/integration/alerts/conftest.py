"""A platform without processes over a store of each kind: jobs, signals and datasets are real, time is the test's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from app.alerts import rules, watching
from app.catalog import Catalog
from app.library import Meaning
from app.settings import Settings
from app.shelf import Shelf
from app.store import AlertFilter
from app.store.signals import DAY_SECONDS, Spoken
from app.usercode import UserCode
from app.wiring import Services

NOON = 1_750_000_000.0
ALL = AlertFilter()


class Platform:
    """Services, and what happens in them."""

    def __init__(self, world: Any, services: Services) -> None:
        self.world = world
        self.services = services
        self.store = services.store
        self.clock = world.clock

    def round(self) -> int:
        """One round of a supervisor."""
        return watching.evaluate(self.services)

    def alerts(self, owner: str = "ada", **wanted: Any) -> list[Any]:
        """The owner's alerts, oldest first."""
        rows, _ = self.store.alerts.page(owner, replace(ALL, **wanted), limit=100, before=None)
        return sorted(rows, key=lambda row: (row.raised_at, row.kind, row.entity))

    def told(self, owner: str = "ada") -> list[str]:
        return [event.type for event in self.store.events.since(f"alerts:{owner}", 0)]

    def rule(self, rule_id: str, owner: str = "ada", **given: Any) -> None:
        rules.put(self.services, owner, rule_id, given)

    def fail(self, owner: str = "ada", **request: Any) -> str:
        """A job that fails."""
        claim = self.world.claim(self.world.submit(owner, **request).id)
        self.world.jobs.fail(claim, self.world.error)
        return str(claim.job_id)

    def speak(self, strategy: str, day: float, conviction: float, change: str | None = None, symbol: str = "A") -> None:
        """A job that says this of a symbol."""
        direction = "LONG" if conviction > 0 else "SHORT"
        row = {"symbol": symbol, "at": NOON + day * DAY_SECONDS, "leg": 0, "direction": direction, "strength": "weak"}
        row |= {"conviction": conviction, "weight": conviction, "z_score": None, "raw_value": None}
        row |= {"reason": "Because.", "change": change}
        said = Spoken(strategy, "macro", "s1", 1, "d1", "real", row["at"], [row])
        claim = self.world.running()
        assert self.world.jobs.finish(claim, replace(self.world.output, signals=said)) == "succeeded"

    def keep(self, name: str, last: str, *, quality: str = "real", days: int = 60) -> None:
        """Put closes of weekdays up to a day into the library."""
        end = np.datetime64(last)
        times = np.arange(end - days + 1, end + 1)
        times = times[np.is_busday(times)].astype("datetime64[s]")
        table = pa.table({"time": times, "A": np.linspace(100.0, 110.0, len(times))})
        assert self.services.catalog.library is not None
        self.services.catalog.library.put(table, id=name, meaning=Meaning(name, quality=quality))


@pytest.fixture
def platform(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """Ada and Bob have keys; there are no datasets yet."""
    monkeypatch.setattr("app.library.time", SimpleNamespace(time=world.clock))
    settings = Settings.from_env({}, home=tmp_path, webhook_loopback=1)
    catalog = Catalog([], library_dir=tmp_path / "datasets")
    shelf = Shelf(user_code=UserCode((), required=False), expressions=world.store.expressions)
    for owner in ("ada", "bob"):
        world.store.access.create_key(owner)
    return Platform(world, Services(settings, world.store, world.bus, world.queue, catalog, world.jobs, shelf))


@pytest.fixture
def both(platform: Platform) -> Callable[[Callable[[], Any]], list[Any]]:
    """What two supervisors get that act at the same moment."""

    def act(do: Callable[[], Any]) -> list[Any]:
        start = Barrier(2)

        def run(_: int) -> Any:
            start.wait()
            return do()

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(run, range(2)))

    return act
