"""What many paths say together: quantiles, where the run itself stands among them, probabilities with their error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from engine.bars import Floats

Summary: TypeAlias = "dict[str, float | int | None]"

QUANTILES: Mapping[str, float] = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
# Two-sided 95% of a normal distribution.
_Z = 1.959963984540054


def quantiles(values: Floats) -> Floats:
    """The five quantiles of a row, linearly between two values (Hyndman and Fan 1996, type 7: numpy's default)."""
    ordered = np.sort(values)  # some times as fast as numpy's own way of finding five places
    place = np.array(list(QUANTILES.values())) * (len(ordered) - 1)
    first = place.astype(np.int64)
    below, above = ordered[first], ordered[np.minimum(first + 1, len(ordered) - 1)]
    found: Floats = below + (above - below) * (place - first)
    return found


def summary(values: Floats, observed: float | None) -> Summary:
    """Mean, standard deviation (ddof 1) and quantiles over the paths that have the figure (`defined`).

    `percentile_of_observed` is the share of them below the run's own figure, those equal to it counted half.
    """
    known = values[np.isfinite(values)]
    told: Summary = dict.fromkeys(("mean", "std", *QUANTILES))
    if len(known):
        told |= {"mean": float(known.mean())} | dict(zip(QUANTILES, quantiles(known).tolist(), strict=True))
    if len(known) > 1:
        told["std"] = float(known.std(ddof=1))
    return told | {
        "observed": observed,
        "percentile_of_observed": None if observed is None or not len(known) else _rank(known, observed),
        "defined": len(known),
    }


def _rank(values: Floats, observed: float) -> float:
    # What is the run itself differs from it by the rounding of a sum in another order.
    equal = np.isclose(values, observed, rtol=1e-12, atol=1e-12)
    return float((((values < observed) & ~equal).sum() + 0.5 * equal.sum()) / len(values))


def probability(hits: int, paths: int) -> dict[str, float]:
    """A share of paths, its Monte Carlo standard error sqrt(p (1 - p) / n), and Wilson's (1927) 95% interval.

    The interval is of use where no path, or every one, was hit: the standard error is 0 there.
    """
    share = hits / paths
    spread = 1.0 + _Z**2 / paths
    centre = (share + _Z**2 / (2.0 * paths)) / spread
    half = _Z / spread * math.sqrt(share * (1.0 - share) / paths + _Z**2 / (4.0 * paths**2))
    return {
        "probability": share,
        "standard_error": math.sqrt(share * (1.0 - share) / paths),
        "low": max(0.0, centre - half) if hits else 0.0,
        "high": min(1.0, centre + half) if hits < paths else 1.0,
    }


def bands(curves: Floats) -> dict[str, list[float]]:
    """Quantiles of curves [places, paths] at each place, across the paths."""
    rows = np.array([quantiles(row) for row in curves])
    return dict(zip(QUANTILES, rows.T.tolist(), strict=True))
