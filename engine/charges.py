"""What a configuration charges on these bars: the commission of each symbol, and all costs in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.bars import Bars, Floats
from engine.config import UNKNOWN, Config

# Symbols that a sentence names before it counts the rest.
_NAMED = 5


def rates(bars: Bars, config: Config) -> Floats:
    """Commission of each symbol in bps of traded notional [N].

    With a cost table that of the symbol's cost key; where the table does not list it, or the symbol has none, that
    of "unknown"; where there is none either, `commission_bps`. A name is never looked at.
    """
    if config.cost_table is None:
        return np.full(len(bars.symbols), config.commission_bps)
    other = config.cost_table.get(UNKNOWN, config.commission_bps)
    return np.array([other if key is None else config.cost_table.get(key, other) for key in bars.cost_keys])


def by_symbol(bars: Bars, config: Config) -> dict[str, Any]:
    """What a cost table charges, for the conventions; nothing without one."""
    if config.cost_table is None:
        return {}
    return {"commission_bps": dict(zip(bars.symbols, rates(bars, config).tolist(), strict=True))}


def unlisted(bars: Bars, config: Config) -> tuple[str, ...]:
    """A warning that names the symbols whose cost key is not in the table."""
    table = config.cost_table
    if table is None:
        return ()
    keyed = zip(bars.symbols, bars.cost_keys, strict=True)
    names = [name[:64] for name, key in keyed if key is None or key not in table]
    if not names:
        return ()
    entry = f"its '{UNKNOWN}'" if UNKNOWN in table else "commission_bps"
    bps = table.get(UNKNOWN, config.commission_bps)
    return (f"cost_table lists no cost key of {some(names)}: charged {entry}, {bps:g} bps.",)


def sentence(bars: Bars, config: Config) -> str:
    """Every cost that is charged, in a sentence."""
    commission = rates(bars, config)
    lowest, highest = float(commission.min()), float(commission.max())
    told = f"commission {highest:g} bps" if lowest == highest else f"commission {lowest:g} to {highest:g} bps by symbol"
    parts = {
        told: highest,
        f"{config.commission_per_share:g} per unit": config.commission_per_share,
        f"at least {config.commission_minimum:g} per fill": config.commission_minimum,
        f"slippage {config.slippage_bps:g} bps": config.slippage_bps,
        f"impact {config.volume_impact:g} x (share of volume)^2": config.volume_impact,
        f"borrow {config.borrow_bps:g} bps a year": config.borrow_bps,
        f"funding {config.funding_bps:g} bps a year": config.funding_bps,
        f"cash earns {config.cash_bps:g} bps a year": config.cash_bps,
    }
    return ", ".join(text for text, charged in parts.items() if charged) or "none"


def some(names: Sequence[str]) -> str:
    """The first names of many, and how many more there are."""
    told = ", ".join(names[:_NAMED])
    return told if len(names) <= _NAMED else f"{told} and {len(names) - _NAMED} more"
