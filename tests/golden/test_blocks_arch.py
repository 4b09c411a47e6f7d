"""Block lengths and the blocks themselves against arch, which the authors of the correction use too."""

from __future__ import annotations

import numpy as np
import pytest
from arch.bootstrap import CircularBlockBootstrap, StationaryBootstrap, optimal_block_length

from engine.blocks import optimal_block
from engine.montecarlo import Plan
from engine.montecarlo.redrawing import picks_of

CASE = {
    "name": "Lengths of bootstrap blocks",
    "data": "S&P 500, NASDAQ, 12 currencies; random series with memory, 20 to 7,000 long",
    "peer": "arch 8.0",
    "compared": "stationary and circular, by Politis and White with the correction",
}
COUNT, PATHS, LENGTH = 100, 3000, 10
FAR = 4.0


def with_memory(phi, count, seed):
    noise = np.random.default_rng(seed).normal(size=count)
    for t in range(1, count):
        noise[t] += phi * noise[t - 1]
    return noise


@pytest.fixture(scope="module")
def series(sp500, nasdaq, currencies):
    """Returns, each [T]."""
    prices = [column[np.isfinite(column)] for bars in (sp500, nasdaq, currencies) for column in bars.close.T]
    lengths = (20, 50, 252, 1000, 7000)
    return [known[1:] / known[:-1] - 1.0 for known in prices] + [
        with_memory(phi, count, seed) for seed, count in enumerate(lengths) for phi in (-0.6, 0.0, 0.2, 0.5, 0.9, 0.99)
    ]


@pytest.mark.parametrize("kind", ["stationary", "circular"])
def test_block_lengths_are_those_of_arch(series, agree, kind):
    ours = [optimal_block(returns, circular=kind == "circular") for returns in series]
    theirs = [max(1.0, float(optimal_block_length(returns)[kind].iloc[0])) for returns in series]

    agree(CASE, ours, theirs)
    assert len({round(length) for length in ours}) > 10


@pytest.mark.parametrize(
    ("method", "peer"), [("stationary", StationaryBootstrap), ("circular", CircularBlockBootstrap)]
)
def test_blocks_are_distributed_as_those_of_arch(method, peer):
    """Two samples: how often a block goes on, which bars come, and the spread of a mean that hangs together."""
    returns = with_memory(0.5, COUNT, 3)
    bootstrap = peer(LENGTH, np.arange(COUNT), seed=1)
    theirs = np.array([data[0][0] for data in bootstrap.bootstrap(PATHS)])
    ours = picks_of(Plan(method, paths=PATHS, seed=1), float(LENGTH), COUNT, slice(0, PATHS), COUNT)

    goes_on = [(np.diff(picks) % COUNT == 1).mean() for picks in (ours, theirs)]
    assert goes_on[0] == pytest.approx(goes_on[1], abs=FAR * np.sqrt(2 * 0.09 / ours.size))
    counts = [np.bincount(picks.ravel(), minlength=COUNT) / PATHS for picks in (ours, theirs)]
    assert counts[0] == pytest.approx(counts[1], abs=FAR * np.sqrt(2 * LENGTH / PATHS))
    means = [returns[picks].mean(axis=1) for picks in (ours, theirs)]
    assert means[0].mean() == pytest.approx(means[1].mean(), abs=FAR * means[1].std() * np.sqrt(2 / PATHS))
    assert means[0].std() == pytest.approx(means[1].std(), rel=FAR / np.sqrt(PATHS))
    assert means[0].std() > 1.1 * returns.std() / np.sqrt(COUNT)  # of returns drawn one by one it would be smaller
