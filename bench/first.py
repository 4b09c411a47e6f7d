"""The first results of one process, as a line of JSON: what `bench.cold` starts many times.

    python -m bench.first [--cache FOLDER] [--start SECONDS] [--fork]

`--cache` is where compiled code is kept, by default beside the engine's source. `--start` waits until that time
(seconds since 1970) with everything that follows. `--fork` warms this process, as a worker node does, and lets a child
of it answer.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time

from bench import walks
from bench.process import seconds


def measured(cache: str | None) -> dict[str, float]:
    """Seconds of the imports, of the first backtest (and what it took of the cores), and of the second."""
    before = time.perf_counter()
    import strategies
    from engine import Bars, Config, backtest, jit

    bars = Bars.from_arrays(*walks.daily(20, 2520), symbols=("A",))
    bound, config = strategies.get("sma_cross").bind(), Config()
    if cache:
        jit.set_cache_dir(cache)
    imported = time.perf_counter() - before
    cpu = time.process_time()
    first = seconds(lambda: backtest(bars, bound, config))
    cpu = time.process_time() - cpu
    return {"imports": imported, "first": first, "cpu": cpu, "second": seconds(lambda: backtest(bars, bound, config))}


def digest() -> str:
    """A hash of the equity, trades and figures of every strategy on three symbols: the same bits, the same hash."""
    import strategies
    from engine import Bars, backtest

    bars = Bars.from_arrays(*walks.daily(24, 2520, 3), symbols=("A", "B", "C"))
    found = hashlib.sha256()
    for item in strategies.all():
        if item.legs:  # it trades symbols of its own
            continue
        result = backtest(bars, item.bind())
        found.update(result.ledger.equity.tobytes())
        found.update(json.dumps([result.metrics, result.trade_rows()], sort_keys=True).encode())
    return found.hexdigest()


def forked(cache: str | None) -> dict[str, float]:
    """Warm this process and measure in a child of it."""
    import engine
    from engine import jit

    if cache:
        jit.set_cache_dir(cache)
    warming = seconds(engine.warm)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, json.dumps(measured(None)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        found: dict[str, float] = json.load(answer)
    os.waitpid(child, 0)
    return {"warming": warming, **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache")
    parser.add_argument("--start", type=float, default=0.0)
    parser.add_argument("--fork", action="store_true")
    given = parser.parse_args()
    time.sleep(max(0.0, given.start - time.time()))
    found = forked(given.cache) if given.fork else measured(given.cache)
    print(json.dumps({**found, "digest": digest()}))


if __name__ == "__main__":
    main()
