"""Resampling against arch: the same draws give the same p values, the same series the same blocks and errors."""

from __future__ import annotations

import numpy as np
import pytest
from arch.bootstrap import SPA, RealityCheck, StationaryBootstrap
from arch.covariance.kernel import Bartlett

from engine.overfit.hac import automatic_lag, long_run_variance
from engine.overfit.snooping import bootstrap_variance, from_draws, superior_ability

CASE = {
    "name": "Tests of many strategies against nothing",
    "data": "made returns: noise, an edge, mostly losers, half alike, half dependent",
    "peer": "arch 8.0",
    "compared": "p values of the same 500 resamples: lower, consistent, upper, reality check",
}
BLOCKS = {
    "name": "Dependence between bars",
    "data": "S&P 500 returns, their sizes, made autoregressions",
    "peer": "arch 8.0",
    "compared": "long-run variances, lags to weigh",
}
REPLICATIONS = 500


def noise(seed, bars=300, trials=20):
    return np.random.default_rng(seed).standard_normal((bars, trials)) * 0.01


def autoregression(seed, slope, bars):
    shocks = np.random.default_rng(seed).standard_normal(bars)
    values = np.empty(bars)
    last = 0.0
    for t, shock in enumerate(shocks):
        values[t] = last = slope * last + shock
    return values


def searches():
    edge, losers, alike, dependent = (noise(seed) for seed in range(1, 5))
    edge[:, 3] += 0.0015
    losers -= np.linspace(-0.0005, 0.004, 20)
    alike[:, 10:] = alike[:, [0]] + 0.1 * alike[:, 10:]
    dependent[:, ::2] = np.array([autoregression(seed, 0.4, 300) for seed in range(10)]).T * 0.01
    return {"noise": noise(0), "edge": edge, "losers": losers, "alike": alike, "dependent": dependent}


def draws(bars, block, seed):
    """The resamples that arch makes of this seed, as counts."""
    resampled = StationaryBootstrap(block, np.arange(bars), seed=seed).bootstrap(REPLICATIONS)
    return np.array([np.bincount(positional[0], minlength=bars) for positional, _ in resampled], dtype=np.float64)


def share(p_value):
    """The share of resamples that were as good: ours counts the sample as one of them."""
    return (p_value * (REPLICATIONS + 1) - 1) / REPLICATIONS


@pytest.mark.parametrize("block", [1.0, 7.0])
@pytest.mark.parametrize("name", searches())
def test_the_same_draws_give_the_p_values_of_arch(agree, name, block):
    """arch does not divide by the errors: it is given returns that have been divided, and compares means."""
    returns = searches()[name]
    ours = from_draws(returns, [draws(len(returns), block, 5)], block)
    scaled = returns / np.sqrt(bootstrap_variance(returns, block))
    theirs = SPA(np.zeros(len(returns)), -scaled, block_size=block, reps=REPLICATIONS, seed=5)
    theirs.compute()
    means = RealityCheck(
        np.zeros(len(returns)), -returns, block_size=block, reps=REPLICATIONS, seed=5, studentize=False
    )
    means.compute()
    for bound in ("lower", "consistent", "upper"):
        agree(CASE, share(getattr(ours, bound)), theirs.pvalues[bound], abs=1e-12, what=bound)
    agree(CASE, share(ours.reality_check), means.pvalues["upper"], abs=1e-12)


def test_other_draws_give_p_values_within_their_error():
    returns = searches()["noise"]
    ours = superior_ability(returns, np.random.Generator(np.random.Philox(3)), block_length=5, replications=2000)
    theirs = from_draws(returns, [draws(len(returns), 5, 8)], 5)
    for one, other in zip(ours[:4], theirs[:4], strict=True):
        assert one == pytest.approx(other, abs=4 * np.sqrt(0.25 / REPLICATIONS + 0.25 / 2000))


def test_the_variance_of_a_resampled_mean_is_that_of_the_draws():
    returns = searches()["dependent"]
    means = draws(len(returns), 7.0, 1) @ returns / len(returns)
    ratio = means.var(axis=0) * len(returns) / bootstrap_variance(returns, 7.0)
    assert ratio.mean() == pytest.approx(1.0, abs=0.05)


def test_long_run_variances_are_those_of_arch(sp500, agree):
    returns = np.diff(np.log(sp500.close[:, 0]))
    made = [
        autoregression(seed, slope, bars) for seed in (0, 1) for slope in (-0.4, 0.0, 0.3, 0.9) for bars in (90, 700)
    ]
    for series in (returns, np.abs(returns), *made):
        for lag in (0, 1, 20):
            theirs = np.asarray(Bartlett(series, bandwidth=lag, force_int=True).cov.long_run)
            agree(BLOCKS, long_run_variance(series - series.mean(), lag), theirs.item())


def test_the_lags_to_weigh_are_those_of_arch(agree):
    """At 100 bars both look at 4 autocovariances first; where the rule is no whole number arch rounds up, we down."""
    for slope in (-0.3, 0.0, 0.2, 0.5):
        for seed in range(10):
            series = autoregression(seed, slope, 100)
            theirs = Bartlett(series).opt_bandwidth
            agree(BLOCKS, automatic_lag(series - series.mean()), min(np.floor(theirs), 10.0))
