"""Cold starts: the first result of a process, of a forked worker, and of the whole platform; nodes with an empty cache.

    python -m bench.cold                       everything: about ten minutes
    python -m bench.cold --only process,fork --rounds 5

process   a new interpreter imports the engine and runs a first backtest (2,520 bars), with the compiled code in the
          disk cache and with an empty cache; "cpu" is what the first one took of the cores.
fork      the same in a child of a process that has warmed itself, as worker nodes do before their pool forks.
platform  `queuant serve` in a new home: time until it takes jobs, from POST to succeeded of the very first job, and of
          the twentieth, with the compiled code in the cache and without.
nodes     processes that start at the same moment with one empty cache, and whole servers that do; each has to come up
          and find the same result to the last bit. A failure or a difference makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from app.embedded.home import Home
from bench.overhead import finished, post
from bench.serving import serving

JOBS = 20
NODES, SERVERS = 6, 3


def first(*options: str) -> dict[str, Any]:
    """What `bench.first` says, and the seconds of the whole process beside it."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "bench.first", *options], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return {**json.loads(done.stdout), "process": time.perf_counter() - start}


def line(title: str, found: list[dict[str, Any]], names: tuple[str, ...], unit: str = "s") -> None:
    """Medians of what was measured, the least in brackets."""
    columns = ((name, [each[name] for each in found]) for name in names)
    said = (f"{name} {statistics.median(values):.3f} ({min(values):.3f}) {unit}" for name, values in columns)
    print(f"{title:28}" + "   ".join(said), flush=True)


def process(rounds: int) -> None:
    names = ("imports", "first", "cpu", "second", "process")
    first()  # fills the cache
    line("process, cache there", [first() for _ in range(rounds)], names)
    line("process, cache empty", [_with_empty_cache(lambda cache: first("--cache", cache)) for _ in range(2)], names)


def fork(rounds: int) -> None:
    names = ("warming", "imports", "first", "second")
    line("fork of a warmed process", [first("--fork") for _ in range(rounds)], names)


def _with_empty_cache(work: Callable[[str], Any]) -> Any:
    with tempfile.TemporaryDirectory(prefix="bench") as cache:
        return work(cache)


def started(home: Path, **variables: str) -> dict[str, Any]:
    """One server in a new home: seconds until ready, milliseconds of its first and its twentieth job."""
    begun = time.perf_counter()
    with serving(home, 1, QUEUANT_LOG_LEVEL="WARNING", **variables):
        ready = time.perf_counter() - begun
        found = Home(home)
        headers = {"Authorization": f"Bearer {found.key()}"}
        with httpx.Client(base_url=f"{(found.server() or {})['api_url']}/api/v1", headers=headers) as client:
            taken, computed = [], []
            for _ in range(JOBS):
                begun = time.perf_counter()
                job = finished(client, post(client))
                taken.append((time.perf_counter() - begun) * 1e3)
                computed.append(float(str(job["compute_ms"])))
            result = client.get(f"/jobs/{job['job_id']}/result").raise_for_status().json()
    if job["status"] != "succeeded":
        raise SystemExit(f"a job ended as {job['status']}")
    said = {"ready": ready, "1st": taken[0], f"{JOBS}th": taken[-1], "1st computing": computed[0]}
    return {**said, f"{JOBS}th computing": computed[-1], "digest": json.dumps(result["metrics"], sort_keys=True)}


def platform(rounds: int) -> None:
    jobs = ("1st", f"{JOBS}th", "1st computing", f"{JOBS}th computing")
    first()  # fills the cache
    for title, count in (("platform, cache there", rounds), ("platform, cache empty", 2)):
        found = []
        for _ in range(count):
            with tempfile.TemporaryDirectory(prefix="bench") as folder:
                own = {"QUEUANT_CACHE_DIR": f"{folder}/compiled"} if "empty" in title else {}
                found.append(started(Path(folder) / "home", **own))
        line(title, found, ("ready",))
        line("", found, jobs, "ms")


def nodes(rounds: int) -> None:
    """Everybody compiles into one folder at once. numba writes each file beside its place and renames it."""
    expected = first()["digest"]
    for _ in range(max(1, rounds // 3)):
        with tempfile.TemporaryDirectory(prefix="bench") as cache, ThreadPoolExecutor(NODES) as pool:
            together = partial(first, "--cache", cache, "--start", str(time.time() + 2.0))
            found = [each.result() for each in [pool.submit(together) for _ in range(NODES)]]
            found.append(first("--cache", cache))
        same = {each["digest"] for each in found} == {expected}
        line(f"{NODES} processes, empty cache", found[:-1], ("first", "cpu", "process"))
        if not same:
            raise SystemExit("processes that started together found different results")
    with tempfile.TemporaryDirectory(prefix="bench") as folder, ThreadPoolExecutor(SERVERS) as pool:
        own = {"QUEUANT_CACHE_DIR": f"{folder}/compiled"}
        servers = list(pool.map(lambda n: started(Path(folder) / f"home{n}", **own), range(SERVERS)))
        servers.append(started(Path(folder) / "after", **own))
    line(f"{SERVERS} servers, empty cache", servers[:-1], ("ready",))
    if len({each["digest"] for each in servers}) != 1:
        raise SystemExit("servers that started together found different results")
    print("all came up and found the same result")


PARTS = {"process": process, "fork": fork, "platform": platform, "nodes": nodes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of what stops the servers
    print("medians, the least in brackets")
    for name in given.only.split(","):
        PARTS[name](given.rounds)


if __name__ == "__main__":
    main()
