"""Do the statistics of a search tell the truth? Their size on noise, their power on an edge, and what they cost.

    python -m bench.honest [seeds]

A search is 200 trials over 1,250 bars (five years of days) whose truth is known. Of each kind so many seeds (300) are
drawn, and what is claimed of the trial with the highest Sharpe ratio is counted: by its own probabilistic ratio as if
nothing else had been tried, by the deflated one, by the one deflated by `effective_trials` only, by the probability of
backtest overfitting, and by White's and Hansen's tests. Then how often intervals hold the truth, and time and memory.
"""

from __future__ import annotations

import math
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np

from engine.overfit import (
    backtest_overfitting,
    deflated_sharpe,
    effective_trials,
    mean_correlation,
    probabilistic_sharpe,
    sharpe_difference,
    sharpe_interval,
    superior_ability,
)
from engine.overfit.sharpe import shape
from engine.overfit.tally import Tally

BARS, TRIALS, YEAR = 1250, 200, 252
REPLICATIONS = 500


def noise(rng: np.random.Generator, bars: int = BARS, trials: int = TRIALS) -> np.ndarray:
    return rng.standard_normal((bars, trials)) * 0.01


def fat(rng: np.random.Generator) -> np.ndarray:
    return rng.standard_t(4, (BARS, TRIALS)) * 0.007


def alike(rng: np.random.Generator) -> np.ndarray:
    """All trials share a market: any two correlate by 0.5."""
    return (noise(rng) + noise(rng, trials=1)) / np.sqrt(2.0)


def dependent(rng: np.random.Generator) -> np.ndarray:
    """A bar's return is 0.2 of the last one and noise."""
    values = noise(rng)
    for t in range(1, BARS):
        values[t] += 0.2 * values[t - 1]
    return values


def copies(rng: np.random.Generator) -> np.ndarray:
    """20 different trials, each there ten times, as where a parameter has no effect."""
    return np.repeat(noise(rng, trials=TRIALS // 10), 10, axis=1)


def edge(annual: float, of: int = 1) -> Callable[[np.random.Generator], np.ndarray]:
    """Noise, but the first trials have this true annual Sharpe ratio."""

    def search(rng: np.random.Generator) -> np.ndarray:
        values = noise(rng)
        values[:, :of] += 0.01 * annual / np.sqrt(YEAR)
        return values

    return search


SEARCHES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "noise": noise,
    "noise with fat tails (t, 4 degrees)": fat,
    "noise, any two correlate by 0.5": alike,
    "noise, a bar holds 0.2 of the last": dependent,
    "noise, 20 trials ten times each": copies,
    "1 of 200 has a Sharpe ratio of 1": edge(1.0),
    "1 of 200 has a Sharpe ratio of 2": edge(2.0),
    "1 of 200 has a Sharpe ratio of 3": edge(3.0),
    "10 of 200 have a Sharpe ratio of 2": edge(2.0, of=10),
}


# Of which intervals are taken, with the standard deviation of one bar.
KINDS: dict[str, tuple[Callable[[np.random.Generator], np.ndarray], float]] = {
    "normal": (noise, 0.01),
    "fat tails": (fat, 0.007 * math.sqrt(2.0)),
    "0.2 of the last": (dependent, 0.01 / math.sqrt(1.0 - 0.2**2)),
}


def claims(returns: np.ndarray, rng: np.random.Generator) -> list[float]:
    """What is claimed of the best trial of a search, in the order of the table."""
    ratios = returns.mean(axis=0) / returns.std(axis=0, ddof=1)
    best = shape(returns[:, ratios.argmax()])
    variance, correlation = Tally.of(ratios).variance, mean_correlation(returns)
    splits, tested = backtest_overfitting(returns), superior_ability(returns, rng, replications=REPLICATIONS)
    fewer = effective_trials(returns.shape[1], correlation)
    return [
        probabilistic_sharpe(*best) > 0.95,
        deflated_sharpe(best, variance, returns.shape[1]) > 0.95,
        deflated_sharpe(best, variance, fewer) > 0.95,
        tested.reality_check <= 0.05,
        tested.consistent <= 0.05,
        splits.pbo,
        splits.pbo < 0.2,
        splits.pbo > 0.5,
    ]


def generators(seeds: int) -> Iterator[np.random.Generator]:
    return (np.random.Generator(np.random.Philox(seed)) for seed in range(seeds))


def searches(seeds: int) -> None:
    print(
        "| the truth | psr > 0.95 | deflated > 0.95 | by effective trials | White | Hansen | mean pbo | < 0.2 | > 0.5 |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, search in SEARCHES.items():
        found = np.array([claims(search(rng), rng) for rng in generators(seeds)], dtype=np.float64).mean(axis=0)
        cells = [
            f"{value:.2f}" if place == 5 else f"{value:.1%}".replace("%", " %") for place, value in enumerate(found)
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def intervals(seeds: int) -> None:
    """Twenty strategies a seed with a true annual ratio of 1; differences between neighbours, which share a half."""
    print(
        "\n| returns | bars | interval of 95 % holds the truth | independent bars assumed | no difference, p < 0.05 |"
    )
    print("|---|---:|---:|---:|---:|")
    for name, (kind, deviation) in KINDS.items():
        for bars in (60, 250, 1250):
            found = np.array([known(kind(rng)[:bars], deviation) for rng in generators(seeds)]).mean(axis=0)
            print(f"| {name} | {bars:,} | {' | '.join(percent(share) for share in found)} |", flush=True)


def known(returns: np.ndarray, deviation: float) -> list[float]:
    """Shares of 20 columns whose intervals hold the truth, by lag rule and without lags, and of false differences."""
    shared = returns[:, [20]]
    edges = returns[:, :20] + deviation / np.sqrt(YEAR)
    pairs = returns[:, :20] + shared + np.sqrt(2.0) * deviation / np.sqrt(YEAR)
    intervals = [sharpe_interval(column, YEAR) for column in edges.T]
    plain = [sharpe_interval(column, YEAR, lag=0) for column in edges.T]
    differences = [sharpe_difference(one, other, YEAR) for one, other in zip(pairs.T[:-1], pairs.T[1:], strict=True)]
    return [
        float(np.mean([each.low <= 1.0 <= each.high for each in intervals])),
        float(np.mean([each.low <= 1.0 <= each.high for each in plain])),
        float(np.mean([each.p_value < 0.05 for each in differences])),
    ]


def percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def costs() -> None:
    """Time, and the memory that numpy asks for beside the returns; of a second run, as being watched takes time."""
    print("| trials | bars | splits | pbo, s | MB beside the returns | Hansen's test, 1,000 resamples, s | MB |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for trials in (200, 1_000, 10_000):
        returns = noise(np.random.default_rng(0), 2520, trials)
        cells = [
            *measured(backtest_overfitting, returns),
            *measured(lambda values: superior_ability(values, np.random.default_rng(0)), returns),
        ]
        print(f"| {trials:,} | 2,520 | {math.comb(16, 8):,} | {' | '.join(cells)} |", flush=True)


def measured(work: Callable[[np.ndarray], object], returns: np.ndarray) -> tuple[str, str]:
    start = time.perf_counter()
    work(returns)
    took = time.perf_counter() - start
    tracemalloc.start()
    work(returns)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return f"{took:.2f}", f"{peak / 1e6:,.0f}"


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    costs()
    print()
    searches(count)
    intervals(count)
