"""The block of statistics that a search's result carries."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine.overfit.deflated import deflated_sharpe, expected_maximum_sharpe
from engine.overfit.pbo import backtest_overfitting
from engine.overfit.sentence import verdict
from engine.overfit.sharpe import Shape, minimum_track_record, probabilistic_sharpe, shape, sharpe_interval
from engine.overfit.snooping import superior_ability
from engine.overfit.tally import NO_TRIALS, Tally


@dataclass(frozen=True)
class Statistics:
    """How far the best of a search can be trusted. A figure that is not defined is None, never NaN.

    Attributes:
        trials_made: by this search.
        trials_before: by earlier searches of the same strategy on the same data; they count in what luck finds.
        psr: probability that the true Sharpe ratio of the best is above 0, as if it had been the only trial.
        deflated_sharpe: the same probability for being above `expected_maximum_sharpe`.
        expected_maximum_sharpe: annual Sharpe ratio to be expected of the best of as many worthless trials.
        pbo: probability of backtest overfitting; None without the returns of the trials.
        min_track_record_length: bars after which psr reaches 0.95.
        sharpe_interval: annual Sharpe ratio of the best, from and to, 95 %, as if it had been the only trial.
        spa_p_value: Hansen's consistent p value of no trial being better than earning nothing; None as pbo.
        sentence: what they mean, in words.
    """

    trials_made: int
    trials_before: int
    psr: float | None
    deflated_sharpe: float | None
    expected_maximum_sharpe: float | None
    pbo: float | None
    min_track_record_length: int | None
    sharpe_interval: tuple[float, float] | None
    spa_p_value: float | None
    sentence: str


def statistics(
    best_returns: ArrayLike,
    annual_trial_sharpes: ArrayLike,
    *,
    periods_per_year: float,
    returns_matrix: ArrayLike | None = None,
    before: Tally = NO_TRIALS,
    seed: int = 0,
) -> Statistics:
    """The statistics of the best trial of a search.

    Every trial counts as an independent one (`effective_trials` says why), those of earlier searches too; the variance
    between trials is that of the ratios that are known, of all these searches together. Where several trials were made
    and less than two ratios are known, nothing can be deducted and nothing is claimed: expected maximum and deflated
    ratio are None.

    Args:
        best_returns: per bar [T], above the risk-free rate if there is one.
        annual_trial_sharpes: of every trial of this search [n], the best included; NaN for one without a ratio.
        periods_per_year: bars a year.
        returns_matrix: per bar [T, k] of all trials or of a random sample of them (`backtest_overfitting`).
        before: the trials of earlier searches of the same strategy on the same data.
        seed: of the resamples of the p value.

    Raises:
        BadData: for returns that are not finite.
        InvalidInput: `bad_trials` without any trial.
    """
    ratios = np.asarray(annual_trial_sharpes, dtype=np.float64)
    best, scale = shape(best_returns), math.sqrt(periods_per_year)
    every = Tally.together(Tally.of(ratios), before)
    trials, annual = every.trials, every.variance if every.trials > 1 else 0.0
    variance = None if annual is None else annual / periods_per_year
    expected = None if variance is None else expected_maximum_sharpe(variance, trials)
    deflated = None if best is None or variance is None else deflated_sharpe(best, variance, trials)
    interval = sharpe_interval(best_returns, periods_per_year)
    pbo, p_value = _of_all(returns_matrix, seed)
    length = None if best is None else _length(best)
    return Statistics(
        trials_made=len(ratios),
        trials_before=before.trials,
        psr=None if best is None else probabilistic_sharpe(*best),
        deflated_sharpe=deflated,
        expected_maximum_sharpe=None if expected is None else expected * scale,
        pbo=pbo,
        min_track_record_length=length,
        sharpe_interval=None if interval is None else (interval.low, interval.high),
        spa_p_value=p_value,
        sentence=verdict(
            trials=trials,
            annual_sharpe=None if best is None else best.per_bar * scale,
            annual_expected_maximum=None if expected is None else expected * scale,
            deflated_sharpe=deflated,
            pbo=pbo,
            missing_bars=0 if best is None or length is None else length - best.bars,
        ),
    )


def _length(best: Shape) -> int | None:
    bars = minimum_track_record(best.per_bar, best.skewness, best.kurtosis)
    return None if bars is None else math.ceil(bars)


def _of_all(returns_matrix: ArrayLike | None, seed: int) -> tuple[float | None, float | None]:
    """PBO and Hansen's p value of the returns of all trials."""
    if returns_matrix is None:
        return None, None
    splits = backtest_overfitting(returns_matrix)
    tested = superior_ability(returns_matrix, np.random.Generator(np.random.Philox(seed)))
    return None if splits is None else splits.pbo, None if tested is None else tested.consistent
