"""Many parameter sets of one strategy over the same bars, in this process, with memory for their figures only.

Importing it is light, as the engine is: `search` says what will be tried without anything that runs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from engine.sweep.search import Search, Space
from engine.sweep.splits import Fold
from engine.sweep.trials import MAX_TRIALS, Trials, grid

if TYPE_CHECKING:
    from engine.sweep.folds import Walk, walk
    from engine.sweep.running import FIGURES, Sweep, replay, sweep
    from engine.sweep.work import Found

__all__ = [
    "FIGURES",
    "MAX_TRIALS",
    "Fold",
    "Found",
    "Search",
    "Space",
    "Sweep",
    "Trials",
    "Walk",
    "grid",
    "replay",
    "sweep",
    "walk",
]

_LATER = {
    "FIGURES": "engine.sweep.running",
    "Found": "engine.sweep.work",
    "Sweep": "engine.sweep.running",
    "Walk": "engine.sweep.folds",
    "replay": "engine.sweep.running",
    "sweep": "engine.sweep.running",
    "walk": "engine.sweep.folds",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'engine.sweep' has no attribute '{name}'")
    return getattr(import_module(_LATER[name]), name)
