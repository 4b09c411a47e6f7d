"""Losses against empyrical-reloaded, scipy and arch, on real returns."""

from __future__ import annotations

import math

import empyrical
import numpy as np
import pytest
from arch.univariate.distribution import StudentsT
from scipy import integrate, stats

from engine.risk import drawing, losses

CASE = {
    "name": "Value at risk and expected shortfall",
    "data": "four stocks, 504 sessions; one, two, three and all of them, long and short",
    "peer": "empyrical-reloaded 0.7 (historical), scipy 1.17 (normal)",
    "compared": "both figures at 95 % and 99 %",
}
FITS = {
    "name": "Likelihood of Student's t",
    "data": "four stocks, 504 sessions",
    "peer": "arch 8.0",
    "compared": "every number of degrees of freedom that is tried",
}


@pytest.fixture(scope="module")
def moves(stocks):
    """Real returns [504, N]."""
    closes = stocks.close[-505:]
    closes = closes[:, np.isfinite(closes).all(axis=0)]
    return closes[1:] / closes[:-1] - 1.0


def held(size):
    """Positions of several kinds, in money."""
    random = np.random.default_rng(5)
    for count in (1, 2, 3, size):
        yield random.permutation(np.where(np.arange(size) < count, random.normal(0.0, 1e5, size), 0.0))


@pytest.mark.parametrize(("level", "tail"), losses.TAILS.items())
def test_historical_losses_equal_those_of_empyrical(agree, moves, level, tail):
    for values in held(moves.shape[1]):
        found, gains = losses.historical(moves, values, tail), moves @ values
        theirs = [empyrical.value_at_risk(gains, tail), empyrical.conditional_value_at_risk(gains, tail)]
        agree(CASE, [found.var, found.cvar], -np.array(theirs), what=f"{level}")


@pytest.mark.parametrize(("level", "tail"), losses.TAILS.items())
def test_parametric_losses_are_quantile_and_mean_tail_of_the_normal_that_scipy_has(agree, moves, level, tail):
    for values in held(moves.shape[1]):
        found = losses.parametric(moves, values, tail)
        normal = stats.norm(scale=math.sqrt(values @ np.cov(moves.T) @ values))
        edge = normal.ppf(tail)
        beyond, _ = integrate.quad(lambda x, n=normal: x * n.pdf(x), -40.0 * normal.std(), edge, epsabs=0, epsrel=1e-12)
        agree(CASE, [found.var, found.cvar], [-edge, -beyond / tail], what=f"{level}")


def test_the_likelihood_of_degrees_of_freedom_is_that_of_arch(agree, moves):
    theirs = StudentsT().loglikelihood
    for column in moves.T:
        standard = (column - column.mean()) / column.std()
        told = [theirs([degrees], standard, np.ones(len(standard))) for degrees in drawing.DEGREES]
        agree(FITS, drawing.likelihoods(column), told)
        assert drawing.degrees_of(column) == drawing.DEGREES[int(np.argmax(told))]


@pytest.mark.parametrize("tail", losses.TAILS.values())
def test_drawn_losses_of_one_stock_are_those_of_its_t_within_the_error_of_a_sample(moves, tail):
    """Of 200,000 draws an estimate of the quantile has a standard error of sqrt(tail (1 - tail) / paths) / density."""
    paths, one = 200_000, moves[:, :1]
    degrees = drawing.degrees_of(one[:, 0])
    student = stats.t(degrees, scale=one.std(ddof=1) * math.sqrt((degrees - 2.0) / degrees))
    edge = student.ppf(tail)
    error = math.sqrt(tail * (1.0 - tail) / paths) / student.pdf(edge)
    found = losses.historical(drawing.draw(one, paths=paths, seed=11), np.ones(1), tail)
    assert found.var == pytest.approx(-edge, abs=4.0 * error)
    beyond = integrate.quad(lambda x: x * student.pdf(x), -np.inf, edge)[0] / tail
    assert found.cvar == pytest.approx(-beyond, rel=0.03)
