"""Jobs under fire: what happened, as JSON and as a table. It fails when a promise was broken."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from bench import chaos
from bench.chaos.running import RATE


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run chaos", description=chaos.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="", help="URL of an empty database [default: SQLite in the home]")
    parser.add_argument("--workers", type=int, default=2, help="processes of the first of two nodes")
    parser.add_argument("--rate", type=float, default=RATE, help="jobs posted in a second, at most")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between faults")
    parser.add_argument("--outage", type=float, default=5.0, help="seconds for which the queue server is frozen")
    parser.add_argument("--home", type=Path, help="keep everything in this folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        report = chaos.run(
            given.jobs,
            given.seed,
            given.home or Path(folder) / "home",
            workers=given.workers,
            rate=given.rate,
            pause_seconds=given.pause,
            outage_seconds=given.outage,
            database=given.database,
        )
    print(json.dumps(report.document(), indent=2))
    print(report.table())
    print("Every job has ended; nothing was lost or doubled." if report.ok else "BROKEN PROMISES, see above.")
    raise SystemExit(0 if report.ok else 1)


if __name__ == "__main__":
    main()
