"""A library in a process of its own: answers one question per line of JSON, as long as it is asked.

    python -m bench.peers.answer <library> <size>

{"prepare": "W2", "like": {...}} makes the bars and says which ways to run there are; {"run": label, "times": 5} runs
one of them and says seconds and the most memory, in all and above what the process had after its imports;
{"figures": label} says what it found. Whatever the library prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from typing import Any

from bench.peers.workloads import SIZES, Job
from bench.process import forget_peak, peak, resident, seconds

# Its module here by the name of a library.
MODULES = {
    "ours": "ours",
    "raptorbt": "raptor",
    "vectorbt-rust": "lowlevel",
    "vectorbt": "documented",
    "backtesting": "backtestingpy",
    "bt": "btlib",
    "polars_backtest": "polarsbt",
}


class Library:
    """What is asked, one workload at a time."""

    def __init__(self, name: str, size: str) -> None:
        self._own = name == "ours"
        self._jobs: dict[str, Job] = {}
        self._makers = import_module(f"bench.peers.{MODULES[name]}").JOBS
        self._size = SIZES[size]
        self._imported = resident()

    def prepare(self, workload: str, like: dict[str, Any]) -> dict[str, Any]:
        """The ways to run this workload, with what their figures are like; none when the library does not do it."""
        make = self._makers.get(workload)
        if make is None:
            return {"jobs": {}}
        self._jobs = make(self._size, like) if self._own else make(self._size)
        kept = ("like", "tolerance", "differs")
        return {"jobs": {label: {name: getattr(job, name) for name in kept} for label, job in self._jobs.items()}}

    def run(self, label: str, times: int) -> dict[str, Any]:
        """Seconds of so many runs, of the cores in the mean, and the peak of memory: above the imports, and in all."""
        forget_peak()
        before = time.process_time()
        taken = [seconds(self._jobs[label].run) for _ in range(times)]
        cpu, most = (time.process_time() - before) / times, peak()
        return {"seconds": taken, "cpu": cpu, "peak": most - self._imported, "process": most}

    def figures(self, label: str) -> dict[str, Any]:
        """What this way finds, untimed; None where there is nothing to compare."""
        job = self._jobs[label]
        return {"figures": None if job.figures is None else job.figures((job.check or job.run)())}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    library = Library(*sys.argv[1:3])
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "prepare" in asked:
            said = library.prepare(asked["prepare"], asked["like"])
        elif "run" in asked:
            said = library.run(asked["run"], asked["times"])
        else:
            said = library.figures(asked["figures"])
        print(json.dumps(said), file=answers, flush=True)


if __name__ == "__main__":
    main()
