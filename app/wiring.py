"""Build the services of a process from its settings. Nothing connects before it is used."""

from __future__ import annotations

from dataclasses import dataclass

from app.bus import RedisBus
from app.catalog import Catalog
from app.depot import depot_of
from app.jobs import Jobs
from app.settings import Settings
from app.shelf import Shelf
from app.store import Store
from app.taskqueue import CeleryQueue
from app.usercode import UserCode


@dataclass(frozen=True)
class Services:
    """What the processes share."""

    settings: Settings
    store: Store
    bus: RedisBus
    queue: CeleryQueue
    catalog: Catalog
    jobs: Jobs
    shelf: Shelf

    def close(self) -> None:
        self.store.close()


def build(settings: Settings, *, catalog: Catalog | None = None) -> Services:
    """The services of one process. A forked worker hands on the catalog that its parent has read."""
    store = Store(settings.database_url)
    bus = RedisBus(settings.redis_url)
    queue = CeleryQueue(settings)
    jobs = Jobs(
        store,
        bus,
        queue,
        lease_seconds=settings.lease_seconds,
        max_attempts=settings.max_attempts,
        max_queued=settings.max_queued,
        max_daily=settings.max_daily,
    )
    catalog = catalog or Catalog.standard(settings.dataset_roots, bars_dir=settings.bars_dir, depot=depot_of(settings))
    own = UserCode(settings.strategy_folders, required=bool(settings.strategy_dirs))
    shelf = Shelf(user_code=own, expressions=store.expressions)
    return Services(settings, store, bus, queue, catalog, jobs, shelf)
