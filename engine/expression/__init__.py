"""Strategies as data: expressions over prices and indicators, read by a parser of our own and never by Python.

    strategy_of({
        "name": "Golden cross",
        "params": {"fast": {"type": "int", "min": 2, "max": 200, "default": 50}},
        "entry": "cross_above(sma(close, fast), sma(close, 200))",
        "exit": "cross_below(sma(close, fast), sma(close, 200))",
    })

tokens → parse → graph (types, bounds, equal parts once) → strategy (what it is) and evaluate (what it says of bars).
Nothing here loads a compiled kernel before bars are evaluated. `docs/expressions.md` has the language.
"""

from __future__ import annotations

from engine.expression.strategy import identifier, strategy_of

__all__ = ["identifier", "strategy_of"]
