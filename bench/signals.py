"""Time to compute the signals of all strategies, and what looking for due ones costs when none is.

    python -m bench.signals [--times 5]

Everything but the queue is as it runs: jobs in SQLite on disk, each claimed, decided over the whole history of its
dataset and finished in one transaction with the signals of its last 365 days, in one process. The first round checks
every strategy for a look ahead, as the first job of a version does; the others follow a change of parameters, and the
last lines say what one look of a supervisor costs when nothing is due, and what a reader waits for.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app import schema, signals
from app.bus import MemoryBus
from app.catalog import Catalog
from app.contracts import dataset_of
from app.jobs import Jobs
from app.settings import Settings
from app.shelf import Shelf
from app.store import Store
from app.taskqueue import MemoryQueue
from app.wiring import Services
from workers import pipeline


def main() -> None:
    """Print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        here = services(Path(folder))
        first = timed(lambda: round_of_all(here))
        strategies = len(here.shelf.all())
        rounds = []
        for turn in range(times):
            change_everything(here, turn)
            rounds.append(timed(lambda: round_of_all(here)))
        report(f"signals of {strategies} strategies, the first time", [first])
        report("the same after a change of parameters", rounds)
        report("a look when nothing is due", [timed(lambda: signals.submit_due(here)) for _ in range(20)])
        pairs = [(item.id, dataset_of(item)) for item in here.shelf.all()]
        store = here.store.signals
        report(f"latest signals: {len(store.latest(pairs))} rows", [timed(lambda: store.latest(pairs))])
        report(
            f"heat map of 365 days: {len(store.loudest(pairs, 365))} cells", [timed(lambda: store.loudest(pairs, 365))]
        )
        here.close()


def services(home: Path) -> Services:
    settings = Settings.from_env({}, home=home)
    store, bus, queue = Store(settings.database_url), MemoryBus(), MemoryQueue()
    schema.upgrade(store)
    catalog = Catalog.standard(bars_dir=home / "bars")
    catalog.preload()
    return Services(settings, store, bus, queue, catalog, Jobs(store, bus, queue), Shelf())


def change_everything(here: Services, turn: int) -> None:
    """Give every strategy that has a parameter with bounds another set: all signals are due."""
    for item in here.shelf.all():
        numbers = [one for one in item.parameters if one.type in ("int", "float")]
        here.store.params.put(item.id, {one.name: one.default for one in numbers[: turn % 2]}, by="bench")


def round_of_all(here: Services) -> None:
    signals.submit_due(here)
    while job_id := here.queue.take("batch"):  # type: ignore[attr-defined]
        claim = here.jobs.claim(job_id, lease_owner="bench")
        assert claim
        here.jobs.finish(claim, pipeline.run(claim, here, lambda *_: None))


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def report(what: str, seconds: list[float]) -> None:
    print(f"{what:<60} {statistics.median(seconds) * 1000:>9,.1f} ms")


if __name__ == "__main__":
    main()
