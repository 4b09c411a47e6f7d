"""Taking turns: every way to do a workload warms up, is compared, and then runs a round whenever it is its turn."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.peers.asking import Asked, Failed
from bench.peers.table import Row, difference
from bench.peers.workloads import Figures

# A round of what is faster than this is several runs; of what takes longer in sum than that, there are fewer rounds.
_ROUND, _PATIENCE = 0.1, 20.0
_MOST = 50


@dataclass
class Turn:
    """One way of one library: so many runs a round, so many rounds."""

    process: Asked
    row: Row
    times: int = 0
    rounds: int = 0

    def take(self, timeout: float) -> None:
        """Run a round, unless there have been enough."""
        if self.row.failed or len(self.row.seconds) >= self.rounds:
            return
        try:
            self.keep(self.process.ask(timeout, run=self.row.label, times=self.times))
        except Failed as error:
            self.row.failed = str(error)

    def keep(self, said: dict[str, Any]) -> None:
        row = self.row
        row.seconds.append(statistics.median(said["seconds"]))
        row.cpu = min(row.cpu, said["cpu"])


def measured(name: str, running: dict[str, Asked], rounds: int, timeout: float) -> list[Row]:
    """Rows of a workload, ours first. A library that fails has a row that says so; one that does not do it has none."""
    reference = _reference(name, running["ours"], timeout)
    turns: list[Turn] = []
    for process in running.values():
        try:
            turns += [_first(process, *each, reference, rounds, timeout) for each in _ways(name, process, timeout)]
        except Failed as error:
            turns.append(Turn(process, Row(process.name, failed=str(error))))
    for at in range(rounds):
        for turn in turns[at % len(turns) :] + turns[: at % len(turns)]:
            turn.take(timeout)
    return [turn.row for turn in turns]


def _ways(name: str, process: Asked, timeout: float) -> list[tuple[str, dict[str, Any]]]:
    return list(process.ask(timeout, prepare=name, like={})["jobs"].items())


def _first(
    process: Asked,
    label: str,
    way: dict[str, Any],
    reference: Callable[[dict[str, Any]], Figures],
    rounds: int,
    timeout: float,
) -> Turn:
    """Warm up for the figures, compare them, and see how long a run takes."""
    row = Row(label, tolerance=way["tolerance"], differs=way["differs"])
    found = process.ask(timeout, figures=label)["figures"]
    if found is not None and label != "ours":
        row.difference, what = difference(reference(way["like"]), found)
        if not row.agrees:
            row.failed = f"{what} differs by {row.difference:.1e}, more than {row.tolerance:.0e}"
    said = process.ask(timeout, run=label, times=1)
    # Now, not in the rounds: what other ways leave behind is not this one's memory.
    row.peak, row.process = said["peak"], said["process"]
    once = said["seconds"][0]
    times = max(1, min(_MOST, int(_ROUND / once)))
    turn = Turn(process, row, times, max(1, min(rounds, int(_PATIENCE / (once * times)))))
    if times == 1:
        turn.keep(said)
    return turn


def _reference(name: str, ours: Asked, timeout: float) -> Callable[[dict[str, Any]], Figures]:
    """Our figures under the settings of somebody else, found once each."""
    known: dict[str, Figures] = {}

    def figures(like: dict[str, Any]) -> Figures:
        key = json.dumps(like, sort_keys=True)
        if key not in known:
            ours.ask(timeout, prepare=name, like=like)
            known[key] = ours.ask(timeout, figures="ours")["figures"]
            ours.ask(timeout, prepare=name, like={})
        return known[key]

    return figures
