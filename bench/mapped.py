"""What mapped bars save: 500 symbols x 5,040 days of closes, and 1,000,000 one-minute bars.

    python -m bench.mapped

Load times are those of fresh processes that have imported everything: `read` without a folder for bars, `first` with
an empty one, `again` with what the first one left. Each includes the hash of the data's file. Memory is that of 1, 2
and 4 processes at once, which have touched every page, above the same processes without bars: the sum of their
resident sets, and of their proportional ones, in which a page that several share counts once.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from app.catalog import Catalog
from engine import Bars

ROUNDS = 3
PROCESSES = (1, 2, 4)
FIELDS = ("open", "high", "low", "close", "volume")
SPAWN = multiprocessing.get_context("spawn")


def days(root: Path) -> None:
    """500 symbols x 5,040 sessions, closes only."""
    rng = np.random.default_rng(4)
    closes = 100 * np.exp(np.cumsum(rng.normal(0.0002, 0.015, (5040, 500)), axis=0))
    time = np.busday_offset("2005-01-03", np.arange(5040), roll="forward").astype("datetime64[ns]")
    columns = {f"S{at:03d}": closes[:, at].copy() for at in range(500)}
    write(root / "days", {"time": time, **columns}, {"layout": "wide"})


def minutes(root: Path) -> None:
    """A million bars of one symbol."""
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.0005, 1_000_000)))
    open = np.concatenate(([100.0], close[:-1]))
    prices = (open, np.maximum(open, close) * 1.0002, np.minimum(open, close) * 0.9998, close)
    time = np.datetime64("2024-01-01", "ns") + np.arange(len(close)) * np.timedelta64(60, "s")
    columns = dict(zip(FIELDS, (*prices, rng.integers(0, 1000, len(close)).astype(float)), strict=True))
    layout = {"layout": "ohlcv", "symbol": "A", "columns": {name: name for name in FIELDS}}
    write(root / "minutes", {"time": time, **columns}, layout)


def write(folder: Path, columns: dict[str, object], layout: dict[str, object]) -> None:
    folder.mkdir()
    path = folder / "data.parquet"
    pyarrow.parquet.write_table(pa.table(columns), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest = {"kind": "bars", "file": path.name, "sha256": digest, "time": "time", **layout}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def touch(bars: Bars) -> None:
    for name in FIELDS:
        np.isnan(getattr(bars, name)).any()


def worker(root: Path, bars_dir: Path | None, name: str | None, pipe: Connection) -> None:
    """A process that loads a dataset (or none), says how long it took, waits for the others, and weighs itself."""
    warm = Bars.from_arrays(np.arange(2).astype("datetime64[D]"), *np.ones((5, 2)), symbols=("A",))
    pa.table({"a": warm.close[:, 0]})  # what pyarrow loads for its first table is not the dataset's
    touch(warm)
    start = time.perf_counter()
    bars = Catalog([root], bars_dir=bars_dir).bars(name) if name else warm
    pipe.send(time.perf_counter() - start)
    touch(bars)
    pipe.send("touched")
    pipe.recv()
    rows = (line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines())
    sizes = {row[0]: int(row[1]) * 1024 for row in rows if row[0] in ("Rss:", "Pss:")}
    pipe.send((sizes["Rss:"], sizes["Pss:"]))
    pipe.recv()


def together(count: int, root: Path, bars_dir: Path | None, name: str | None) -> tuple[float, np.ndarray]:
    """Seconds that the slowest of `count` processes loads, and the sums of their resident and proportional sets."""
    pipes, processes = [], []
    for _ in range(count):
        mine, other = SPAWN.Pipe()
        processes.append(SPAWN.Process(target=worker, args=(root, bars_dir, name, other)))
        processes[-1].start()
        pipes.append(mine)
    took = max(pipe.recv() for pipe in pipes)
    for pipe in pipes:
        pipe.recv()
    sizes = ask(pipes)
    for pipe in pipes:
        pipe.send("end")
    for process in processes:
        process.join()
    return took, np.sum(sizes, axis=0)


def ask(pipes: list[Connection]) -> list[tuple[int, int]]:
    for pipe in pipes:
        pipe.send("weigh")
    return [pipe.recv() for pipe in pipes]


def loads(root: Path, bars_dir: Path, name: str) -> str:
    def best(folder: Path | None, before: Callable[[], object] = lambda: None) -> float:
        found = []
        for _ in range(ROUNDS):
            before()
            found.append(together(1, root, folder, name)[0])
        return min(found) * 1e3

    def forget() -> None:
        for path in (bars_dir / name).glob("*"):
            path.unlink()

    read, first, again = best(None), best(bars_dir, forget), best(bars_dir)
    return f"read {read:.0f} ms   first {first:.0f} ms   again {again:.0f} ms   ratio {read / again:.1f}"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root, bars_dir = Path(folder) / "datasets", Path(folder) / "bars"
        root.mkdir()
        for make in (days, minutes):
            make(root)
            name = make.__name__
            print(f"{name}: {make.__doc__}\n  load    {loads(root, bars_dir, name)}")
            for count in PROCESSES:
                without = together(count, root, None, None)[1]
                own = (together(count, root, None, name)[1] - without) / 2**20
                shared = (together(count, root, bars_dir, name)[1] - without) / 2**20
                print(
                    f"  {count} x     in memory: resident {own[0]:.0f}, proportional {own[1]:.0f} MiB"
                    f"   mapped: resident {shared[0]:.0f}, proportional {shared[1]:.0f} MiB"
                )


if __name__ == "__main__":
    main()
