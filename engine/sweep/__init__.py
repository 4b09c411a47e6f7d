"""Many parameter sets of one strategy over the same bars, in this process, with memory for their figures only."""

from __future__ import annotations

from engine.sweep.folds import Fold, Walk, walk
from engine.sweep.running import FIGURES, Sweep, replay, sweep
from engine.sweep.trials import MAX_TRIALS, Trials, grid
from engine.sweep.work import Found

__all__ = [
    "FIGURES",
    "MAX_TRIALS",
    "Fold",
    "Found",
    "Sweep",
    "Trials",
    "Walk",
    "grid",
    "replay",
    "sweep",
    "walk",
]
