"""The shelf in two halves: what runs on any prices, and what trades named legs by series of its own."""

from __future__ import annotations

import strategies

PRICE = tuple(item for item in strategies.all() if not item.legs)
MACRO = tuple(item for item in strategies.all() if item.legs)
