"""The compiled part: which bars a path is made of, and where it leads."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.jit import inlined, jit
from engine.montecarlo.chance import Words

Picks = NDArray[np.int64]

LOW = 2**32 - 1
# What `follow` writes of each path: growth over all of it, deepest drawdown, mean and variance (ddof 1, NaN without
# any) of the returns, lowest growth.
GROWTH, DEPTH, MEAN, VARIANCE, LOWEST = range(5)
COLUMNS = 5


@inlined
def below(word: int, count: int) -> int:
    """A number 0 <= i < count from the upper half of a word; each as likely as any other to within count / 2^32."""
    return ((word >> 32) & LOW) * count >> 32


@inlined
def after(at: int, count: int) -> int:
    """The bar after this one; after the last one comes the first."""
    return at + 1 if at + 1 < count else 0


@jit
def stationary(words: Words, odds: int, count: int, picks: Picks) -> None:
    """Bars of the stationary bootstrap: at each step, with odds / 2^32, a new block begins at any bar.

    Else the bar after the last one, the first after the very last. Blocks have geometric lengths with mean 2^32 / odds.
    """
    for p in range(picks.shape[0]):
        at = 0
        for k in range(picks.shape[1]):
            word = words[p, k]
            at = below(word, count) if k == 0 or (word & LOW) < odds else after(at, count)
            picks[p, k] = at


@jit
def circular(words: Words, length: int, count: int, picks: Picks) -> None:
    """Bars of the circular bootstrap: blocks of `length` bars that begin anywhere and go round the end."""
    for p in range(picks.shape[0]):
        at = 0
        for k in range(picks.shape[1]):
            at = below(words[p, k // length], count) if k % length == 0 else after(at, count)
            picks[p, k] = at


@jit
def shuffled(words: Words, picks: Picks) -> None:
    """Every place once, in any order (Fisher and Yates, as Durstenfeld has it)."""
    for p in range(picks.shape[0]):
        for k in range(picks.shape[1]):
            picks[p, k] = k
        for k in range(picks.shape[1] - 1, 0, -1):
            other = below(words[p, k], k + 1)
            held = picks[p, k]
            picks[p, k] = picks[p, other]
            picks[p, other] = held


@jit
def follow(
    returns: Floats, centre: float, picks: Picks, at: Picks, growth: Floats, drawdown: Floats, figures: Floats
) -> None:
    """Compound the picked returns of each path.

    Writes growth and drawdown [places, paths] after the steps `at`, which increase, and the figures [paths, 5]. A path
    whose equity is used up stops, as a run does: its later returns are 0. The variance is taken around `centre`, which
    should be near the mean.
    """
    steps = picks.shape[1]
    for p in range(picks.shape[0]):
        value = peak = 1.0
        depth = total = square = 0.0
        lowest = math.inf
        first = returns[picks[p, 0]]
        varied = False
        place = 0
        for k in range(steps):
            gain = returns[picks[p, k]] if value > 0.0 else 0.0
            value *= 1.0 + gain
            varied = varied or gain != first
            off = gain - centre
            total += off
            square += off * off
            peak = max(peak, value)
            depth = min(depth, value / peak - 1.0)
            lowest = min(lowest, value)
            if k + 1 == at[place]:
                growth[place, p] = value
                drawdown[place, p] = value / peak - 1.0
                place = min(place + 1, at.shape[0] - 1)
        figures[p, GROWTH] = value
        figures[p, DEPTH] = depth
        figures[p, MEAN] = centre + total / steps
        figures[p, VARIANCE] = (square - total * total / steps) / (steps - 1) if varied else math.nan
        figures[p, LOWEST] = lowest
