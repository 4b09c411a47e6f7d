"""Sweeps through the whole platform: HTTP, queue, worker processes, store, and back.

    python -m bench.api_sweep [--rounds 7] [--peers FOLDER] [--only W2,W2b,workers,memory]

Starts servers of its own (queue server, API, relay, workers, SQLite) in a temporary folder.

W2       sma_cross, all 4,950 pairs fast < slow of windows 2 to 101 over 2,520 daily bars, next open, 10 bps
W2b      100 symbols x 200 pairs, each on an account of its own
workers  800 trials of a Python strategy, and 200,000 crossings, by one worker process and by two
memory   the most memory of a worker process in sweeps of 2,000, 20,000 and 200,000 runs

Each is timed from POST to its fetched result, in turn with the same sweep in this process on one thread and, with
the environment of `bench.peers`, with vectorbt. The phases are the times of the job's own events:

accepted    POST until 202                           top         the best ones again, with every metric
claimed     until a worker has it                    statistics  landscape, and returns of sampled trials
load        strategy, bars, candidates               honest      the check for a look ahead
run         trials, their table, rows that are told  store       result, parts and events committed
fetch       the last event until the result is read

Of these `top`, `statistics` and `honest` compute what a sweep in process does not give; the rest beyond the sweep in
process is the platform's. Medians; nothing is asserted.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from math import isnan
from pathlib import Path
from typing import Any

import strategies
from app.client import Client
from app.client.live import Listener, LiveEvent
from bench.peers import environment, workloads
from bench.peers.asking import Asked, asked
from bench.peers.ours import bars_of
from bench.process import seconds
from bench.serving import serving
from engine import Bars, Config
from engine.sweep import grid, sweep

PAIRS = {"fast": {"start": 2, "stop": 100}, "slow": {"start": 3, "stop": 101}}
FEW = {"fast": {"start": 5, "stop": 23, "step": 2}, "slow": {"start": 30, "stop": 125, "step": 5}}
COSTS = {"commission_bps": 10.0, "slippage_bps": 0.0}
W2 = {"dataset": "one", "grid": PAIRS, "config": COSTS}
W2B = {"dataset": "many", "grid": FEW, "each_symbol": True, "config": COSTS}
SLOW = {
    "dataset": "many",
    "grid": {"fast": {"start": 5, "stop": 24}, "slow": {"start": 30, "stop": 69}},
    "config": COSTS,
}
# What computes what a sweep in process does not give, by the phase of its progress.
FEATURES = ("top", "statistics", "honest")
PHASES = ("accepted", "claimed", "load", "run", *FEATURES, "store", "fetch")


def many(runs: int) -> dict[str, Any]:
    """A sweep of so many crossings, a multiple of 2,000: pairs times 100 symbols."""
    return {**W2B, "grid": {"fast": {"start": 5, "stop": 24}, "slow": {"start": 101, "stop": 100 + runs // 2000}}}


@contextmanager
def platform(folder: Path, workers: int) -> Iterator[tuple[Client, int]]:
    """A client of a running server with both datasets, and the process id of its launcher."""
    home = folder / f"home-{workers}"
    with serving(home, workers, QUEUANT_LOG_LEVEL="WARNING") as launcher, Client(home=home) as client:
        for name in ("one", "many"):
            client.upload(folder / f"{name}.csv", name=name, frequency="1d")
        client.sweep("sma_cross", fresh=True, **W2).wait().result()
        yield client, launcher.pid


def write(path: Path, bars: Bars) -> None:
    """Bars as a CSV file that gives the same numbers when it is read."""
    days = bars.time.astype("datetime64[D]").tolist()
    columns = [getattr(bars, name) for name in ("open", "high", "low", "close", "volume")]
    with path.open("w") as file:
        file.write("date,symbol,open,high,low,close,volume\n")
        for at, day in enumerate(days):
            for n, symbol in enumerate(bars.symbols):
                file.write(f"{day},{symbol},{','.join(repr(float(column[at, n])) for column in columns)}\n")


def stamp(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def until_the_end(listener: Listener, job_id: str) -> Iterator[LiveEvent]:
    for event in listener.events(600.0):
        if event.job_id == job_id:
            yield event
            if event.ended:
                return


def posted(client: Client, body: dict[str, Any], strategy: str = "sma_cross") -> dict[str, float]:
    """Milliseconds of one sweep in all, until its first rows were heard, and of its phases."""
    with client.listen() as everything:
        started = time.time()
        job = client.sweep(strategy, fresh=True, **body)
        accepted = time.time()
        with client.listen(job.id) as listener:
            heard = [(event, time.time()) for event in until_the_end(listener, job.id)]
        job.result()
        ended = time.time()
        marks: dict[str, float] = {}
        for event in until_the_end(everything, job.id):
            marks.setdefault(str(event.data.get("phase", event.type)), stamp(event.at))
    rows = next((at for event, at in heard if event.type == "trial_rows"), float("nan"))
    return _phases(marks, started, accepted, ended) | {
        "whole": (ended - started) * 1e3,
        "rows": (rows - started) * 1e3,
    }


def _phases(marks: dict[str, float], started: float, accepted: float, ended: float) -> dict[str, float]:
    """From the time at which each phase begins; one that was not heard of takes no time."""
    # What is claimed before the answer is read overlaps it.
    claimed = marks.get("job_running", accepted)
    begun = [
        started,
        min(accepted, claimed),
        claimed,
        marks.get("sweep"),
        marks.get("top"),
        marks.get("statistics"),
        marks.get("verify"),
        marks.get("store"),
        marks["job_succeeded"],
        ended,
    ]
    for at in range(len(begun) - 2, -1, -1):
        begun[at] = begun[at + 1] if begun[at] is None else begun[at]
    return {name: (begun[at + 1] - begun[at]) * 1e3 for at, name in enumerate(PHASES)}


def beside(
    name: str, body: dict[str, Any], bars: Bars, client: Client, peer: Asked | None, rounds: int
) -> Iterator[str]:
    """Lines on one workload: the platform, the same in process, vectorbt, in turns."""
    item, config = strategies.get("sma_cross"), Config(**COSTS)
    trials, each = grid(item, body["grid"]), bool(body.get("each_symbol"))
    alone = partial(sweep, bars, item, trials, config, each_symbol=each, threads=1)
    alone()
    if peer:
        label = next(iter(peer.ask(600.0, prepare=name, like={})["jobs"]))
        peer.ask(600.0, run=label, times=1)
    found, inside, again, others = [], [], [], []
    client.sweep("sma_cross", **body).wait().result()
    for _ in range(rounds):
        found.append(posted(client, body))
        inside.append(seconds(alone) * 1e3)
        again += [seconds(lambda: client.sweep("sma_cross", **body)) * 1e3 for _ in range(5)]
        if peer:
            others.append(peer.ask(600.0, run=label, times=1)["seconds"][0] * 1e3)
    middle = {key: statistics.median(one[key] for one in found) for key in found[0]}
    sweeps = statistics.median(inside)
    features = statistics.median(sum(one[key] for key in FEATURES) for one in found)
    share = statistics.median(one["whole"] - sum(one[key] for key in FEATURES) - sweeps for one in found)
    yield f"{name}  {middle['whole']:.0f} ms from POST to result, in process {sweeps:.0f} ms"
    yield "    " + ", ".join(f"{key} {middle[key]:.0f}" for key in PHASES)
    yield f"    the platform's share {share:.0f} ms; top, statistics and honesty {features:.0f} ms"
    heard = [one["rows"] for one in found if not isnan(one["rows"])]  # a socket may be open too late for any
    rows = f"{statistics.median(heard):.0f} ms (heard in {len(heard)} of {rounds})" if heard else "the end"
    yield f"    first rows after {rows}; the same again, stored, {statistics.median(again):.1f} ms"
    if others:
        other = statistics.median(others)
        through, alone = other / middle["whole"], other / sweeps
        yield f"    {label}: {other:.0f} ms, {through:.1f} x the platform, {alone:.0f} x in process"


def shared(folder: Path) -> Iterator[str]:
    """What a second worker process makes faster."""
    taken: dict[str, list[tuple[float, float]]] = {}
    for workers in (1, 2):
        with platform(folder, workers) as (client, _):
            for name, body, strategy in (
                ("macd_trend", SLOW, "macd_trend"),
                ("200,000 crossings", many(200_000), "sma_cross"),
            ):
                best = min((posted(client, body, strategy) for _ in range(2)), key=lambda one: one["whole"])
                taken.setdefault(name, []).append((best["whole"] / 1e3, best["run"] / 1e3))
    for name, ((one, run), (two, both)) in taken.items():
        yield f"{name}: 1 worker {one:.1f} s, 2 workers {two:.1f} s, {one / two:.2f} times as fast"
        yield f"    the trials alone {run:.1f} s and {both:.1f} s, {run / both:.2f} times as fast"


def remembered(folder: Path) -> Iterator[str]:
    """The most memory of the worker process, and what a run adds to it."""
    with platform(folder, 1) as (client, launcher):
        workers = [at for at in below(launcher) if b"worker" in at.joinpath("cmdline").read_bytes()]
        found = []
        for runs in (2_000, 20_000, 200_000):
            for process in workers:
                (process / "clear_refs").write_text("5")
            client.sweep("sma_cross", fresh=True, **many(runs)).wait().result()
            found.append((runs, max(kept(process, "VmHWM:") for process in workers)))
    for runs, most in found:
        yield f"{runs:7,} runs: {most / 2**20:.0f} MiB at most"
    yield f"{(found[-1][1] - found[0][1]) / (found[-1][0] - found[0][0]):.0f} bytes for each further run"


def below(launcher: int) -> list[Path]:
    """The processes that a process has begun, and those have."""
    found, last = [], [launcher]
    while last:
        tasks = [Path(f"/proc/{pid}/task/{pid}/children") for pid in last]
        last = [int(child) for task in tasks for child in task.read_text().split()]
        found += [Path(f"/proc/{pid}") for pid in last]
    return found


def kept(process: Path, what: str) -> int:
    lines = (process / "status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="the virtual environment of bench.peers")
    parser.add_argument("--only", default="W2,W2b,workers,memory")
    given = parser.parse_args()
    only = given.only.split(",")
    one, several = bars_of(workloads.one(workloads.FULL)), bars_of(workloads.several(workloads.FULL))
    later: dict[str, Callable[[Path], Iterator[str]]] = {"workers": shared, "memory": remembered}
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        write(folder / "one.csv", one)
        write(folder / "many.csv", several)
        peers = environment.prepared(given.peers, ["vectorbt-rust"]) if given.peers else {}
        with platform(folder, 2) as (client, _), asked(peers, "full", folder) as running:
            for name, body, bars in (("W2", W2, one), ("W2b", W2B, several)):
                if name in only:
                    for line in beside(name, body, bars, client, running.get("vectorbt-rust"), given.rounds):
                        print(line, flush=True)
        for name, measure in later.items():
            if name in only:
                print("\n".join(measure(folder)), flush=True)


if __name__ == "__main__":
    main()
