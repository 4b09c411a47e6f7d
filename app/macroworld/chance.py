"""Randomness: regimes, fat-tailed shocks whose size clusters, and what reverts to a mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.intake import Floats

CALM, BOOM, STRESS, STRAIN = range(4)  # STRESS comes from abroad, STRAIN from the country's own budget
# Chance a session of leaving a regime, and where to.
LEAVING = (1 / 230, 1 / 190, 1 / 50, 1 / 150)
NEXT = ((0.0, 0.40, 0.30, 0.30), (0.55, 0.0, 0.30, 0.15), (0.60, 0.15, 0.0, 0.25), (0.65, 0.15, 0.20, 0.0))


class Clustering(NamedTuple):
    """GARCH(1, 1) with unit variance and Student's t (Bollerslev 1987)."""

    reaction: float = 0.07
    memory: float = 0.90
    freedom: float = 6.0


def regimes(rng: np.random.Generator, count: int) -> NDArray[np.intp]:
    """A Markov chain over the four regimes, [T]."""
    chances = rng.random((count, 2))
    found = np.empty(count, dtype=np.intp)
    state, ways = CALM, np.cumsum(NEXT, axis=1)
    for row in range(count):
        if chances[row, 0] < LEAVING[state]:
            state = int(np.searchsorted(ways[state], chances[row, 1]))
        found[row] = state
    return found


def shocks(rng: np.random.Generator, size: Floats, kind: Clustering = Clustering()) -> Floats:  # noqa: B008
    """Shocks of about unit variance times `size`, [T]."""
    draws = rng.standard_t(kind.freedom, len(size)) * np.sqrt((kind.freedom - 2.0) / kind.freedom)
    found, variance = np.empty(len(size)), 1.0
    for row, draw in enumerate(draws):
        found[row] = np.sqrt(variance) * draw
        variance = 1.0 - kind.reaction - kind.memory + kind.reaction * found[row] ** 2 + kind.memory * variance
    return found * size


def plain(rng: np.random.Generator, count: int, freedom: float = 8.0) -> Floats:
    """Independent shocks of unit variance, Student's t."""
    draws: Floats = rng.standard_t(freedom, count) * np.sqrt((freedom - 2.0) / freedom)
    return draws


def reverting(steps: Floats, speed: float, mean: Floats | float = 0.0, start: float | None = None) -> Floats:
    """x_t = x_t-1 + speed (mean_t - x_t-1) + step_t, [T]."""
    means = np.broadcast_to(np.asarray(mean, dtype=np.float64), len(steps))
    level = float(means[0]) if start is None else start
    found = np.empty(len(steps))
    for row, step in enumerate(steps):
        level += speed * (means[row] - level) + step
        found[row] = level
    return found
