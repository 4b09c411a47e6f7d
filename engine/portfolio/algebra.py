"""Linear algebra of some tens of numbers, compiled without a library: equal runs make equal bits on every machine."""

from __future__ import annotations

import math

import numpy as np

from engine.errors import RunFailed
from engine.intake import Floats
from engine.jit import jit

# A constraint that is broken by less holds; matrices and normals are of size 1.
TOLERANCE = 1e-13
# Constraints that may enter, for each that there is.
_STEPS = 20


@jit
def moments(returns: Floats, mean: Floats, covariance: Floats) -> None:
    """Write the mean and the sample covariance (ddof 1) of the columns."""
    total, size = returns.shape
    for i in range(size):
        mean[i] = 0.0
        for t in range(total):
            mean[i] += returns[t, i]
        mean[i] /= total
    for i in range(size):
        for j in range(i + 1):
            product = 0.0
            for t in range(total):
                product += (returns[t, i] - mean[i]) * (returns[t, j] - mean[j])
            covariance[i, j] = covariance[j, i] = product / (total - 1)


@jit
def eliminate(matrix: Floats, right: Floats) -> float:
    """Solve matrix x = right by Gaussian elimination with partial pivoting; returns the smallest pivot's size.

    Both are overwritten, `right` with x. From a pivot of 0 on there is no solution.
    """
    size = right.shape[0]
    least = math.inf
    for k in range(size):
        best = k
        for i in range(k + 1, size):
            if abs(matrix[i, k]) > abs(matrix[best, k]):
                best = i
        least = min(least, float(abs(matrix[best, k])))
        if least == 0.0:
            return least
        if best != k:
            for j in range(k, size):
                matrix[k, j], matrix[best, j] = matrix[best, j], matrix[k, j]
            right[k], right[best] = right[best], right[k]
        for i in range(k + 1, size):
            factor = matrix[i, k] / matrix[k, k]
            if factor != 0.0:
                for j in range(k + 1, size):
                    matrix[i, j] -= factor * matrix[k, j]
                right[i] -= factor * right[k]
    for k in range(size - 1, -1, -1):
        for j in range(k + 1, size):
            right[k] -= matrix[k, j] * right[j]
        right[k] /= matrix[k, k]
    return least


@jit
def budget(correlation: Floats, sizes: Floats, most: int) -> bool:
    """Make `sizes` (positive) such that each has the same part of the whole's risk; says whether that was reached.

    The minimum of x'Cx / 2 - sum(log x) / n, one coordinate after another (Griveau-Billion, Richard and Roncalli, A
    Fast Algorithm for Computing High-dimensional Risk Parity Portfolios, 2013). C has ones on its diagonal.
    """
    size = sizes.shape[0]
    part = 1.0 / size
    for _ in range(most):
        for i in range(size):
            beside = 0.0
            for j in range(size):
                if j != i:
                    beside += correlation[i, j] * sizes[j]
            sizes[i] = (math.sqrt(beside * beside + 4.0 * part) - beside) / 2.0
        worst = 0.0
        for i in range(size):
            risk = 0.0
            for j in range(size):
                risk += correlation[i, j] * sizes[j]
            worst = max(worst, abs(sizes[i] * risk / part - 1.0))
        if worst < 1e-12:
            return True
    return False


def least_pivot(matrix: Floats) -> float:
    """How far a matrix is from being singular: the smallest pivot of its elimination."""
    return eliminate(matrix.copy(), np.zeros(len(matrix)))


def smallest_quadratic(matrix: Floats, equal: Floats, rows: Floats, bounds: Floats) -> Floats:
    """The x of least x'Gx / 2 with equal.x = 1 and rows x >= bounds, G positive definite.

    The dual active set method (Goldfarb and Idnani, A numerically stable dual method for solving strictly convex
    quadratic programs, 1983), exact after finitely many steps. Raises RunFailed (`no_convergence`) when rounding keeps
    it from ending, or when nothing satisfies all of the constraints.
    """
    size = len(equal)
    active: list[int] = []
    x, dual = _step(matrix, [equal], np.zeros(size), 1.0)
    for _ in range(_STEPS * (size + len(rows))):
        slack = (rows * x).sum(axis=1) - bounds
        slack[active] = 0.0
        entering = int(np.argmin(slack))
        if slack[entering] >= -TOLERANCE * max(1.0, float(np.abs(x).max())):
            return x
        pressure = 0.0
        while True:
            normal = rows[entering]
            move, change = _step(matrix, [equal, *rows[active]], normal, 0.0)
            reach = float((move * normal).sum())
            short = float(bounds[entering] - (normal * x).sum())
            full = short / reach if reach > TOLERANCE else math.inf
            ratios = [dual[k] / change[k] if change[k] > 0.0 else math.inf for k in range(1, len(dual))]
            partial = min(ratios, default=math.inf)
            step = min(full, partial)
            if step == math.inf:
                raise _stuck()
            if full < math.inf:
                x = x + step * move
            dual = dual - step * change
            pressure += step
            if step == full:
                active.append(entering)
                dual = np.append(dual, pressure)
                break
            leaving = ratios.index(partial)
            del active[leaving]
            dual = np.delete(dual, leaving + 1)
    raise _stuck()


def _step(matrix: Floats, normals: list[Floats], right: Floats, first: float) -> tuple[Floats, Floats]:
    """The z and r of G z + N r = right with N'z = (first, 0, …)."""
    size, count = len(matrix), len(normals)
    whole = np.zeros((size + count, size + count))
    whole[:size, :size] = matrix
    whole[size:, :size] = normals
    whole[:size, size:] = whole[size:, :size].T
    found = np.zeros(size + count)
    found[:size] = right
    found[size] = first
    eliminate(whole, found)
    return found[:size], found[size:]


def _stuck() -> RunFailed:
    return RunFailed("The shares of a book could not be found: the solver did not end.", code="no_convergence")
