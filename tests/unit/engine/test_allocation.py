"""Shares are what their definition says, and what cannot be estimated is said."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine.errors import RunFailed
from engine.portfolio import allocation
from engine.portfolio.algebra import eliminate, least_pivot, moments, smallest_quadratic
from engine.portfolio.allocation import ALLOCATIONS, Sample, estimate


def returns(size, total=60, seed=0, drift=0.0005):
    """Correlated returns of very different volatility."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(drift, 0.01, (total, size)) + rng.normal(0.0, 0.01, (total, 1))
    return moves * rng.uniform(0.1, 5.0, size)


def test_moments_are_those_of_numpy():
    sample = Sample(returns(5))
    np.testing.assert_allclose(sample.mean, returns(5).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(sample.covariance, np.cov(returns(5).T), rtol=1e-12)
    np.testing.assert_allclose(sample.correlation, np.corrcoef(returns(5).T), rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_elimination_solves_and_says_how_singular_a_matrix_is(seed):
    matrix = np.random.default_rng(seed).normal(0, 1, (7, 7))
    right = np.arange(7.0)
    found = right.copy()
    eliminate(matrix.copy(), found)
    np.testing.assert_allclose(matrix @ found, right, atol=1e-10)
    matrix[3] = matrix[1]
    assert least_pivot(matrix) < 1e-12
    assert least_pivot(np.zeros((2, 2))) == 0.0


def test_inverse_volatility_is_what_it_says():
    shares = estimate("inverse_volatility", returns(4)).shares
    sizes = 1.0 / returns(4).std(axis=0)
    np.testing.assert_allclose(shares, sizes / sizes.sum(), rtol=1e-12)


@pytest.mark.parametrize(("size", "seed"), [(2, 0), (5, 1), (20, 2)])
def test_risk_parity_gives_everyone_the_same_part_of_the_risk(size, seed):
    moves = returns(size, seed=seed)
    shares = estimate("risk_parity", moves).shares
    risks = shares * (np.cov(moves.T) @ shares)
    np.testing.assert_allclose(risks / risks.sum(), 1.0 / size, rtol=1e-10)


def require_kkt(gradient, shares, cap):
    """At the minimum no move of a bit from one sleeve to another, within the bounds, lessens the objective."""
    give, take = shares > 1e-9, shares < cap - 1e-9
    if take.any() and give.any():
        assert gradient[give].max() - gradient[take].min() <= 1e-9 * np.abs(gradient).max()


@pytest.mark.parametrize(("size", "seed", "cap"), [*itertools.product((2, 5, 12), range(8), (1.0, 0.6))])
def test_least_variance_and_largest_ratio_satisfy_the_conditions_of_an_optimum(size, seed, cap):
    moves = returns(size, seed=seed)
    covariance, mean = np.cov(moves.T), moves.mean(axis=0)
    least = estimate("min_variance", moves, cap).shares
    require_kkt(covariance @ least, least, cap)
    found = estimate("max_sharpe", moves, cap)
    if not found.notes:
        shares = found.shares
        ratio = (mean @ shares) / (shares @ covariance @ shares)
        require_kkt(covariance @ shares * ratio - mean, shares, cap)
    for shares in (least, found.shares):
        assert shares.min() >= 0.0
        assert shares.max() <= cap + 1e-12
        assert shares.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("cap", [1.0, 0.5])
def test_no_shares_of_a_fine_grid_are_better(cap):
    moves = returns(3, seed=5)
    covariance, mean = np.cov(moves.T), moves.mean(axis=0)
    ticks = np.linspace(0.0, 1.0, 201)
    grid = np.array([(a, b, 1.0 - a - b) for a in ticks for b in ticks])
    grid = grid[(grid.min(axis=1) >= 0.0) & (grid.max(axis=1) <= cap)]
    variance = ((grid @ covariance) * grid).sum(axis=1)
    least, most = (estimate(name, moves, cap).shares for name in ("min_variance", "max_sharpe"))
    assert least @ covariance @ least <= variance.min() * (1 + 1e-12)
    assert mean @ most / np.sqrt(most @ covariance @ most) >= (grid @ mean / np.sqrt(variance)).max() - 1e-12


def test_hierarchical_risk_parity_by_hand():
    """Two that move together and one that does not: the pair is one branch, and shares within by variance."""
    rng = np.random.default_rng(1)
    common, noise, alone = rng.normal(0, 0.01, (3, 400))
    moves = np.column_stack([common, alone, common * 2 + noise * 0.1])
    covariance = np.cov(moves.T)
    pair, single = [0, 2], 1  # the leaves in the tree's order: the one alone is first, so that halves are 1 and 2
    weights = 1.0 / np.diagonal(covariance)[pair]
    weights /= weights.sum()
    risk = weights @ covariance[np.ix_(pair, pair)] @ weights
    first = 1.0 - covariance[single, single] / (covariance[single, single] + risk)
    shares = estimate("hrp", moves).shares
    assert shares[single] == pytest.approx(first, rel=1e-12)
    assert shares[0] / shares[2] == pytest.approx(covariance[2, 2] / covariance[0, 0], rel=1e-12)


def test_without_a_positive_mean_the_largest_ratio_is_the_least_variance():
    moves = returns(3)
    moves -= moves.max(axis=0).max()
    found = estimate("max_sharpe", moves)
    assert found.notes == {"no_gain"}
    assert found.shares.tobytes() == estimate("min_variance", moves).shares.tobytes()


def test_a_cap_may_leave_no_positive_mean():
    moves = returns(2, drift=0.0)
    moves += np.array([0.001, -0.02]) - moves.mean(axis=0)
    assert not estimate("max_sharpe", moves).notes
    assert estimate("max_sharpe", moves, 0.5).notes == {"no_gain"}


@pytest.mark.parametrize("name", ALLOCATIONS)
def test_who_stood_still_keeps_an_equal_share_and_the_others_split_the_rest(name):
    moves = returns(4)
    moves[:, 2] = 0.0
    found = estimate(name, moves)
    assert found.still.tolist() == [False, False, True, False]
    assert found.shares[2] == 0.25
    others = estimate(name, moves[:, [0, 1, 3]]).shares
    np.testing.assert_allclose(found.shares[[0, 1, 3]], 0.75 * others, rtol=1e-12)


@pytest.mark.parametrize("name", ALLOCATIONS)
def test_where_everyone_stood_still_shares_are_equal(name):
    found = estimate(name, np.zeros((30, 3)))
    assert found.shares.tolist() == [1 / 3] * 3
    assert found.still.all()


@pytest.mark.parametrize("name", ["risk_parity", "min_variance", "max_sharpe"])
@pytest.mark.parametrize("moves", [returns(30, total=20), returns(1)[:, [0, 0]], returns(1) * [1.0, -1.0]])
def test_singular_covariances_are_shrunk_and_said(name, moves):
    found = estimate(name, moves)
    assert "singular" in found.notes
    assert np.isfinite(found.shares).all()
    assert found.shares.min() >= 0.0
    assert found.shares.sum() == pytest.approx(1.0)


def test_twins_share_evenly():
    moves = np.column_stack([returns(1), returns(1), returns(1, seed=3)])
    for name in ("inverse_volatility", "risk_parity", "min_variance"):
        one, other, _ = estimate(name, moves).shares
        assert one == pytest.approx(other, rel=1e-9)


@pytest.mark.parametrize("name", ALLOCATIONS)
def test_the_only_sleeve_has_everything(name):
    assert estimate(name, returns(1)).shares.tolist() == [1.0]


@pytest.mark.parametrize("name", ALLOCATIONS)
@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_the_unit_of_returns_does_not_matter(name, scale):
    np.testing.assert_allclose(estimate(name, returns(6)).shares, estimate(name, returns(6) * scale).shares, atol=1e-9)


def test_what_does_not_end_is_an_error(monkeypatch):
    monkeypatch.setattr(allocation, "_SWEEPS", 0)
    with pytest.raises(RunFailed) as caught:
        estimate("risk_parity", returns(3))
    assert caught.value.code == "no_convergence"


def test_constraints_that_cannot_be_satisfied_are_an_error():
    rows = np.array([[1.0, 0.0], [0.0, 1.0]])
    with pytest.raises(RunFailed, match="solver did not end"):
        smallest_quadratic(np.eye(2), np.ones(2), rows, np.array([0.7, 0.7]))


def test_a_problem_without_end_is_left(monkeypatch):
    monkeypatch.setattr("engine.portfolio.algebra._STEPS", 0)
    with pytest.raises(RunFailed, match="solver did not end"):
        smallest_quadratic(np.eye(3), np.ones(3), np.eye(3), np.zeros(3))


def test_moments_compile_to_what_they_mean():
    moves = returns(3)
    one, other = (np.empty(3), np.empty((3, 3))), (np.empty(3), np.empty((3, 3)))
    moments(moves, *one)
    moments.twin(moves, *other)
    assert all(left.tobytes() == right.tobytes() for left, right in zip(one, other, strict=True))
