"""Momentum across symbols: winners of the last year against losers."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import indicators, positions
from engine.bars import Bars
from engine.positions import Side
from engine.strategy import Decision, Range, strategy

# Sessions of a month at the least, for a lookback in bars; the months themselves are counted on the calendar.
_SESSIONS = 19


def skip_within_months(*, months: int, skip: int, **_: Any) -> str | None:
    return None if skip < months else f"skip ({skip}) must be below months ({months})."


def full_window(*, months: int, **_: Any) -> int:
    return months * _SESSIONS + 1


@strategy(
    check=skip_within_months,
    lookback=full_window,
    family="momentum",
    source="Jegadeesh and Titman (1993), Returns to buying winners and selling losers, Journal of Finance 48(1), "
    "section I; a month is skipped, and portfolios are formed anew each month",
    dataset="fx_daily",
)
def cross_sectional_momentum(
    bars: Bars,
    months: Annotated[int, Range(2, 36), "Months before the decision at which the return begins."] = 12,
    skip: Annotated[int, Range(0, 12), "Months before the decision at which it ends."] = 1,
    share: Annotated[float, Range(0.01, 0.5), "Part of the symbols on a side, at least one symbol."] = 0.1,
    count: Annotated[int, Range(0, 500), "Symbols on a side. 0: by their share."] = 0,
    side: Annotated[Side, "Hold the winners, sell the losers, or both with half of equity each."] = "long",
) -> Decision:
    """Hold the symbols that rose most over the last year without its last month, and sell those that rose least.

    At each month's end symbols are ranked by their close of `skip` months before over that of `months` before, each
    the last close of its month. The best `share` of them (or `count`) have equal weights until the next month's end.
    A symbol without a close in one of these months, or in the one that ends, takes no part. Needs daily bars.
    """
    positions.require_daily(bars, "cross_sectional_momentum")
    decided = np.flatnonzero(indicators.month_ends(bars.time))
    now, end, start = (
        positions.last_of_month(bars.time, bars.close, decided, before, only=True) for before in (0, skip, months)
    )
    past = np.where(np.isnan(now), np.nan, end / start - 1.0)
    weights = positions.chosen(past, side, share=share, count=count)
    # What was ranked stands until the next decision.
    ranked = np.vstack((np.full(len(bars.symbols), np.nan), past))[
        np.searchsorted(decided, np.arange(len(bars)), "right")
    ]
    alone = np.full(len(bars), len(bars.symbols) < 2)
    return Decision(weights, raw=ranked, reasons={"A ranking needs two symbols.": alone}, rows=decided)
