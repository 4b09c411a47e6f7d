"""Where paths are written down, and at which of their steps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from engine.bars import Floats
from engine.montecarlo.walks import Picks

# Steps at which all paths are compared, and numbers of a curve that are held for it: two curves of 64 MiB.
MOST_PLACES = 250
MOST_HELD = 2**23

FIGURES = ("final_equity", "total_return", "sharpe", "max_drawdown")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of each path.

    `at` [places] counts steps from 1 on: `equity` and `drawdown` [places, paths] are those after so many. `figures` and
    `drawn` hold a number for each path, by name; `drawn` is what was varied, where paths are runs.
    """

    at: Picks
    equity: Floats
    drawdown: Floats
    figures: dict[str, Floats]
    drawn: dict[str, Floats] = field(default_factory=dict)
    redrawn: int = 0

    @classmethod
    def empty(cls, paths: int, steps: int) -> Outcome:
        at = places(paths, steps)
        equity, drawdown = np.empty((2, len(at), paths))
        figures = {name: np.full(paths, math.nan) for name in (*FIGURES, "lowest_equity")}
        return cls(at, equity, drawdown, figures)


def places(paths: int, steps: int) -> Picks:
    """Steps, evenly spaced from the first to the last, at which so many paths can be held at once."""
    count = max(2, min(MOST_PLACES, steps, MOST_HELD // paths))
    return np.unique(np.round(np.linspace(1, steps, count)).astype(np.int64))
