"""How far the best of a search can be trusted: arrays in, numbers out."""

from engine.overfit.deflated import deflated_sharpe, effective_trials, expected_maximum_sharpe, mean_correlation
from engine.overfit.pbo import Overfitting, backtest_overfitting
from engine.overfit.sharpe import minimum_track_record, probabilistic_sharpe, sharpe_difference, sharpe_interval
from engine.overfit.snooping import Snooping, superior_ability
from engine.overfit.statistics import Statistics, statistics
from engine.overfit.tally import Tally

__all__ = [
    "Overfitting",
    "Snooping",
    "Statistics",
    "Tally",
    "backtest_overfitting",
    "deflated_sharpe",
    "effective_trials",
    "expected_maximum_sharpe",
    "mean_correlation",
    "minimum_track_record",
    "probabilistic_sharpe",
    "sharpe_difference",
    "sharpe_interval",
    "statistics",
    "superior_ability",
]
