"""How long an upload takes, and how much memory the API and the reader of uploads need for it.

python -m bench.upload [--rows 2000000]: a CSV file of OHLCV bars of 400 symbols, against a real server.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from app.client import Client
from bench.process import seconds
from bench.serving import serving

SYMBOLS = 400
ROLES = {"api": b"app.cli\0api", "reader": b"app.uploads"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="queuant-upload-") as folder:
        small, path = Path(folder) / "small.csv", Path(folder) / "bars.csv"
        write(small, 10 * SYMBOLS)
        write(path, rows)
        size, home = path.stat().st_size, Path(folder) / "home"
        with serving(home, workers=1), Client(home=home) as client, Watch() as watch:
            client.upload(small, name="small")
            before = watch.take()
            first = seconds(lambda: client.upload(path, name="bars"))
            peaks = watch.take()
            again = seconds(lambda: client.upload(path, name="bars"))
    print(f"{rows:,} rows, {size / 1e6:.0f} MB: kept after {first:.1f} s, the same bytes again {again:.1f} s")
    for role in ROLES:
        print(f"{role}: {before[role] / 1e6:.0f} MB with a small file, {peaks[role] / 1e6:.0f} MB at most")


class Watch:
    """The most memory of its own that any process of a role has had since it was last asked (mapped files left out)."""

    def __enter__(self) -> Watch:
        self._peaks = dict.fromkeys(ROLES, 0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def take(self) -> dict[str, int]:
        found, self._peaks = self._peaks, dict.fromkeys(ROLES, 0)
        return found

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    command = (folder / "cmdline").read_bytes()
                    for role, words in ROLES.items():
                        if words in command:
                            self._peaks[role] = max(self._peaks[role], own(folder))
                except OSError:  # it has just ended
                    continue


def own(process: Path) -> int:
    lines = (process / "status").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


def write(path: Path, rows: int) -> None:
    rng = np.random.default_rng(1)
    days = np.busday_offset("1990-01-01", np.arange(-(-rows // SYMBOLS)), roll="forward")
    with path.open("w") as file:
        file.write("date,symbol,open,high,low,close,volume\n")
        for day in days.tolist():
            close = 100 * np.exp(rng.normal(0, 0.01, SYMBOLS))
            file.writelines(
                f"{day},S{at:03d},{price:.4f},{price * 1.01:.4f},{price * 0.99:.4f},{price:.4f},{1000 + at}\n"
                for at, price in enumerate(close.tolist())
            )


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"in all {time.perf_counter() - started:.0f} s")
