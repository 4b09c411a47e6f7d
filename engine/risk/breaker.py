"""A breaker: a book that has fallen far holds less, for a while, and can come back.

    closed ─fallen→ open ─cooldown bars→ recovery ─cooldown bars→ closed        recovery ─fallen→ open

Fallen is equity / reference - 1 <= -drawdown. The reference is the highest equity since the breaker was switched on, or
since it went into recovery: there it begins anew from the equity of that bar. A book that holds nothing never regains
its old highest equity; measured by that it could never come back.

All is a function of the path of equity. What is decided at the close of a bar counts for what is wanted at the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Status = Literal["closed", "open", "recovery"]


@dataclass(frozen=True)
class Breaker:
    """When it opens, what part of its wishes a book still follows then, and for how many bars."""

    drawdown: float
    fraction: float = 0.0
    cooldown_bars: int = 20


class Watch(NamedTuple):
    """Where a breaker stands after a bar: its reference, and the bars since it came there."""

    status: Status
    reference: float
    bars: int = 0

    def after(self, equity: float, breaker: Breaker) -> Watch:
        """Where it stands after one more bar. Without equity it stays open."""
        if equity <= 0.0:
            return Watch("open", self.reference)
        bars = self.bars + 1
        if self.status == "open":
            over = bars >= breaker.cooldown_bars
            return Watch("recovery", equity) if over else Watch("open", self.reference, bars)
        reference = max(self.reference, equity)
        if equity / reference - 1.0 <= -breaker.drawdown:
            return Watch("open", reference)
        if self.status == "recovery" and bars < breaker.cooldown_bars:
            return Watch("recovery", reference, bars)
        return Watch("closed", reference)

    def scale(self, breaker: Breaker) -> float:
        """The part of its wishes that the book follows: all, `fraction`, or half-way between them in recovery."""
        return {"closed": 1.0, "open": breaker.fraction, "recovery": (1.0 + breaker.fraction) / 2.0}[self.status]
