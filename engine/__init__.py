"""The engine: arrays in, arrays out.

    from engine import Bars, Config, backtest

Importing it is light: what runs a backtest (and numba with it) is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from engine.bars import Bars
from engine.config import STANDARD_COSTS, Config
from engine.strategy import Range, strategy
from engine.version import ENGINE_VERSION

if TYPE_CHECKING:
    from engine.backtesting import Result, backtest
    from engine.metrics import measure
    from engine.simulation import simulate
    from engine.warming import warm

__all__ = [
    "ENGINE_VERSION",
    "STANDARD_COSTS",
    "Bars",
    "Config",
    "Range",
    "Result",
    "backtest",
    "measure",
    "simulate",
    "strategy",
    "warm",
]

_LATER = {
    "Result": "engine.backtesting",
    "backtest": "engine.backtesting",
    "measure": "engine.metrics",
    "simulate": "engine.simulation",
    "warm": "engine.warming",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'engine' has no attribute '{name}'")
    return getattr(import_module(_LATER[name]), name)
