"""The tails of many returns are those of all of them in order."""

from __future__ import annotations

import numpy as np
import pytest

from engine import tails
from engine.bits import flags_for, places_for
from engine.sums import BLOCK
from engine.tails import MANY, beneath, gather, tails_of

KINDS = {
    "all different": lambda rng, values: values,
    "mostly zero": lambda rng, values: np.where(rng.random(len(values)) < 0.95, 0.0, values),
    "all zero": lambda rng, values: 0.0 * values,
    "in order": lambda rng, values: np.sort(values),
    "a few values": lambda rng, values: np.round(values, 3),
    "a sample that misleads": lambda rng, values: abs(values) * np.where(np.arange(len(values)) % 127, -1.0, 1.0),
}


def in_order(returns):
    ordered, worst = np.sort(returns), int(0.05 * (len(returns) - 1))
    return (*np.percentile(ordered, [5, 95]).tolist(), float(ordered[: worst + 1].mean()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 20, 21, MANY - 1, MANY, 100_003])
def test_tails_are_those_of_all_returns_in_order(count, kind):
    rng = np.random.default_rng(count)
    returns = KINDS[kind](rng, rng.standard_t(3, count) * 1e-3)
    low, high, shortfall = in_order(returns)
    found = tails_of(returns)
    # Sums are added up in another order.
    assert found == pytest.approx((low, high, shortfall), rel=1e-14, abs=0.0)


@pytest.mark.parametrize("kernel", [gather, gather.twin], ids=["compiled", "Python"])
def test_what_is_near_two_percentiles_is_gathered_and_the_rest_counted(kernel):
    returns = np.random.default_rng(7).normal(size=2 * BLOCK + 70)
    returns[[3, 4, 5, 6]] = low, _, _, high = -1.7, -1.6, 1.6, 1.7
    near = np.empty(len(returns))
    with np.errstate(over="ignore"):  # as in `test_bits`
        counts = kernel(returns, (low, -1.6), (1.6, high), flags_for(BLOCK), places_for(BLOCK), near)

    around = ((returns >= low) & (returns <= -1.6)) | ((returns >= 1.6) & (returns <= high))
    assert counts == ((returns < low).sum(), (returns < 1.6).sum(), around.sum())
    assert near[: counts[2]].tolist() == returns[around].tolist()


def test_the_compiled_kernels_equal_their_twins(monkeypatch):
    returns = np.random.default_rng(7).normal(size=MANY)
    compiled = tails_of(returns)
    for kernel in (gather, beneath):
        monkeypatch.setattr(tails, kernel.__name__, kernel.twin)
    monkeypatch.setattr(np, "sort", sorting_few)  # the sample has not misled
    with np.errstate(over="ignore"):
        assert tails_of(returns) == compiled


def sorting_few(values):
    assert len(values) < MANY
    return np.array(sorted(values))


def test_what_is_no_number_is_put_last_as_in_an_order(monkeypatch):
    returns = np.random.default_rng(7).normal(size=MANY)
    returns[[100, 5000]] = np.nan
    found = tails_of(returns)
    monkeypatch.setattr(tails, "MANY", len(returns) + 1)
    assert found == tails_of(returns)
