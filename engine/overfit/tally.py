"""What is kept of the trials of a search, so that those of a later one can be judged with them."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Tally(NamedTuple):
    """How many trials were made, and of those whose annual Sharpe ratio is known how many, their mean, and the sum of
    their squared deviations from it.
    """

    trials: int = 0
    known: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, ratios: ArrayLike) -> Tally:
        """Of annual Sharpe ratios [n]; NaN for a trial that has none."""
        every = np.asarray(ratios, dtype=np.float64)
        known = every[~np.isnan(every)]
        if not len(known):
            return cls(len(every))
        mean = known.mean()
        return cls(len(every), len(known), float(mean), float(((known - mean) ** 2).sum()))

    @classmethod
    def together(cls, *tallies: Tally) -> Tally:
        """Of all trials of several searches."""
        return reduce(_both, tallies, cls())

    @property
    def variance(self) -> float | None:
        """Variance between the annual ratios (ddof 1); None below two."""
        return self.squares / (self.known - 1) if self.known > 1 else None


NO_TRIALS = Tally()


def _both(one: Tally, other: Tally) -> Tally:
    """Chan, Golub and LeVeque (1979), Updating formulae and a pairwise algorithm for computing sample variances."""
    known = one.known + other.known
    share = other.known / known if known else 0.0
    gap = other.mean - one.mean
    return Tally(
        one.trials + other.trials,
        known,
        one.mean + gap * share,
        one.squares + other.squares + gap * gap * one.known * share,
    )
