"""Queuant beside other backtest libraries: the same bars and rules, in one run, round by round.

    python -m bench.peers                                     everything: about fifteen minutes and 3 GB
    python -m bench.peers --only W1,W4 --rounds 5 --peers raptorbt,vectorbt
    python -m bench.peers --only W2 --peers none              ours alone

The first run makes a virtual environment for the peers (`--venv`, 1.2 GB) with pip; nothing of it is a dependency of
the project, and some of it may not be used commercially. After that nothing leaves this machine. Each library has a
process of its own per workload, which prepares the bars from the same seeds, runs once to warm up, tells its figures,
and then runs a round whenever it is its turn; slow ones have fewer rounds. Times are of the work from prices to
figures, preparing the library's own container of bars left out; "cpu" is the least that a run took of all cores, which
others on this machine disturb less. Figures that differ by more than the tolerance, or a
library that fails, make the exit code 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from bench.peers import environment, workloads
from bench.peers.asking import asked
from bench.peers.table import Row, aligned, lines, shown
from bench.peers.turns import measured
from bench.process import seconds

NAMES = tuple(workloads.TEXT)
_SUMMARY = ("", "ours ms", "goal ms", "times faster", "goal", "than", "bound ms", "times bound", "one core")


def bandwidth() -> float:
    """Bytes per second that one core reads from memory."""
    values = np.ones(1 << 24)
    return values.nbytes / min(seconds(lambda: np.dot(values, values)) for _ in range(7))


def verdict(name: str, rows: list[Row], size: workloads.Size, speed: float) -> tuple[str, ...]:
    """A line of the summary: ours beside its goal, the fastest peer whose figures were compared, and the bound."""
    ours = rows[0].median
    goal, times = workloads.GOALS[name]
    peers = [row for row in rows if not row.label.startswith("ours") and row.difference is not None and row.seconds]
    best = min(peers, key=lambda row: row.median, default=None)
    beside = ("-", "-") if best is None else (shown(best.median / ours), best.label)
    least = workloads.bound(name, size, speed)
    bound = ("-", "-", "") if least is None else (shown(least[0] * 1e3), shown(ours / least[0]), least[1])
    return (name, shown(ours * 1e3), f"{goal:g}", beside[0], f"{times:g}", beside[1], *bound)


def main() -> int:
    given = _arguments()
    size = workloads.SIZES[given.size]
    peers = environment.prepared(given.venv, given.peers) if given.peers else {}
    speed, bad, verdicts = bandwidth(), False, []
    print(f"one core reads {speed / 1e9:.1f} GB/s; {given.rounds} rounds; ratio to ours; peak is above the imports")
    print(f"load of this machine before: {_load()}\n")
    for name in given.only:
        libraries = {"ours": sys.executable, **peers}
        with tempfile.TemporaryDirectory() as logs, asked(libraries, given.size, Path(logs)) as running:
            rows = measured(name, running, given.rounds, given.timeout)
        bad = bad or any(row.failed for row in rows)
        verdicts.append(verdict(name, rows, size, speed))
        print("\n".join(lines(f"{name}  {workloads.text(name, size)}", rows)), "\n", flush=True)
    print("\n".join(aligned(_SUMMARY, verdicts)))
    print(f"\nload of this machine after: {_load()} on {os.cpu_count()} cores")
    return int(bad)


def _load() -> str:
    """Others who want the cores make all times longer, and some more than others."""
    return f"{os.getloadavg()[0]:.1f}"


def _arguments() -> argparse.Namespace:
    def listed(allowed: tuple[str, ...]) -> object:
        def read(text: str) -> list[str]:
            names = [] if text == "none" else text.split(",")
            if unknown := set(names) - set(allowed):
                raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))} is not one of {', '.join(allowed)}")
            return names

        return read

    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__.split("\n")[0])
    parser.add_argument("--only", type=listed(NAMES), default=list(NAMES), help=f"of {','.join(NAMES)}")
    known = tuple(environment.PACKAGES)
    parser.add_argument("--peers", type=listed(known), default=list(known), help=f"of {','.join(known)}, or none")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for one answer")
    parser.add_argument("--size", choices=tuple(workloads.SIZES), default="full")
    parser.add_argument("--venv", type=Path, default=environment.default(), help="the environment of the peers")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
