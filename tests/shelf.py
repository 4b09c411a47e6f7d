"""The shelf in two halves: what runs on any prices, and what trades named legs by series of its own."""

from __future__ import annotations

import strategies

PRICE = tuple(item for item in strategies.all() if not item.legs)
# What compares symbols with each other: a hole in one of them rightly changes what another one gets.
RELATIVE = ("cross_sectional_momentum", "low_volatility", "pairs_spread")
MACRO = tuple(item for item in strategies.all() if item.legs)
