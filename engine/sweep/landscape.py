"""What the figures of many trials say together: which is best, where good ones lie side by side, what matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats

# A parameter with more values is looked at in so many groups of about the same size.
GROUPS = 10


def ranked(values: Floats, better: str, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Places of the allowed trials [k], best first; of equal ones the first comes first, one without a number nowhere.

    Args:
        values: the objective of every trial [n], NaN where it is undefined.
        better: "higher" or "lower".
        allowed: whether a trial keeps to the constraints [n].
    """
    places = np.flatnonzero(allowed & ~np.isnan(values))
    keys = -values[places] if better == "higher" else values[places]
    return places[np.argsort(keys, kind="stable")]


class Plateau(NamedTuple):
    """The trial whose neighbourhood is best: its point, the mean over it and its neighbours, and how many those are."""

    point: int
    mean: float
    neighbours: int


def plateau(
    values: Floats, shape: Sequence[int], ordered: Sequence[bool], better: str, allowed: NDArray[np.bool_]
) -> Plateau | None:
    """Where the objective is good on average of a trial and those one step along one axis beside it.

    A single good trial among bad ones is luck; a good neighbourhood is worth more. A neighbour that is better counts
    as much as the trial itself, or the worst neighbour of a lonely peak would look good. None where no allowed trial
    has a neighbour.

    Args:
        values: the objective at every point of the grid [product of shape], NaN where there is no trial.
        shape: number of values on each axis, the last running fastest.
        ordered: which axes have values between which there is a next one: numbers, not choices.
        better: "higher" or "lower".
        allowed: whether the trial at a point keeps to the constraints.
    """
    lattice = values.reshape(tuple(shape))
    known = ~np.isnan(lattice)
    total, capped, count = np.where(known, lattice, 0.0), np.where(known, lattice, 0.0), known.astype(np.int64)
    worse = np.minimum if better == "higher" else np.maximum
    for axis in np.flatnonzero(ordered):
        later = (slice(None),) * axis + (slice(1, None),)
        earlier = (slice(None),) * axis + (slice(None, -1),)
        for here, there in ((later, earlier), (earlier, later)):
            beside = known[there] & known[here]
            total[here] += np.where(known[there], lattice[there], 0.0)
            capped[here] += np.where(beside, worse(lattice[there], lattice[here]), 0.0)
            count[here] += known[there]
    usable = known.ravel() & allowed & (count.ravel() > 1)
    score = np.full(values.shape, np.nan)
    np.divide(capped.ravel(), count.ravel(), out=score, where=usable)
    order = ranked(score, better, usable)
    if not len(order):
        return None
    point = int(order[0])
    counted = int(count.ravel()[point])
    return Plateau(point, float(total.ravel()[point] / counted), counted - 1)


def importance(columns: Mapping[str, Sequence[Any]], values: Floats) -> dict[str, float | None]:
    """How much of the variance of the objective each parameter explains alone: eta squared, 0 to 1.

    Variance between the means of the trials with one value (or in one of ten groups of values) over the variance of
    all: Fisher's correlation ratio. What parameters do only together is in none of them. None where the objective does
    not vary. Trials without an objective are left out.
    """
    known = ~np.isnan(values)
    found = values[known]
    if len(found) < 2 or np.ptp(found) == 0.0:
        return dict.fromkeys(columns)
    spread = float(((found - found.mean()) ** 2).sum())
    return {name: _explained(np.array(column, dtype=object)[known], found) / spread for name, column in columns.items()}


def _explained(column: NDArray[np.object_], values: Floats) -> float:
    """Sum of squares between groups of trials that share a value."""
    groups = _groups(column)
    counts = np.bincount(groups)
    sums = np.bincount(groups, weights=values - values.mean())
    kept = counts > 0
    return float((sums[kept] ** 2 / counts[kept]).sum())


def _groups(column: NDArray[np.object_]) -> NDArray[np.int64]:
    """A number for each value; for many numbers one for each tenth of the trials."""
    kinds = sorted(set(column), key=str)
    place = {value: at for at, value in enumerate(kinds)}
    groups = np.array([place[value] for value in column], dtype=np.int64)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in kinds)
    if not numbers or len(kinds) <= 2 * GROUPS:
        return groups
    numeric = column.astype(np.float64)
    edges = np.quantile(numeric, np.linspace(0.0, 1.0, GROUPS + 1)[1:-1])
    grouped: NDArray[np.int64] = np.searchsorted(edges, numeric, side="right")
    return grouped
