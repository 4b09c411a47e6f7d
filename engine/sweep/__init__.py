"""Many parameter sets of one strategy over the same bars, in this process, with memory for their figures only."""

from __future__ import annotations

from engine.sweep.running import FIGURES, Sweep, sweep
from engine.sweep.trials import MAX_TRIALS, Trials, grid

__all__ = ["FIGURES", "MAX_TRIALS", "Sweep", "Trials", "grid", "sweep"]
