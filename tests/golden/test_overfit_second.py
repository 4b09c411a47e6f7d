"""A second opinion on the statistics of a search: holdout and phacker on rules on real stocks (`make_overfit.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.overfit import (
    Tally,
    backtest_overfitting,
    deflated_sharpe,
    expected_maximum_sharpe,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_difference,
)
from engine.overfit.sharpe import shape
from tests.golden.trials import returns_of

GOLDEN = json.loads(Path(__file__).with_name("overfit.json").read_text())
CASE = {
    "name": "How sure a Sharpe ratio is, and what luck finds",
    "data": "24 rules on 4 stocks",
    "peer": "holdout-backtest 0.1.0",
    "compared": "probabilistic and deflated ratios, minimum track records, differences with their errors",
}
SPLITS = {
    "name": "Probability of backtest overfitting",
    "data": "24 rules on 4 stocks",
    "peer": "holdout-backtest 0.1.0, phacker 0.1.0",
    "compared": "4, 8 and 16 blocks: pbo, slope, loss, deciles of logits and of Sharpe ratios",
}


@pytest.fixture(scope="module")
def returns(stocks):
    columns = [stocks.symbols.index(ticker) for ticker in ("AAPL", "GOOG", "IBM", "MSFT")]
    closes = stocks.close[:, columns]
    return returns_of(closes[~np.isnan(closes).any(axis=1)])


def test_sharpe_ratios_are_as_sure_as_holdout_says(returns, agree):
    shapes = [shape(column) for column in returns.T]
    variance = Tally.of([one.per_bar for one in shapes]).variance
    found = {
        "psr": [probabilistic_sharpe(*one) for one in shapes],
        "psr_above": [probabilistic_sharpe(*one, benchmark_per_bar=GOLDEN["benchmark"]) for one in shapes],
        "track": [minimum_track_record(abs(one.per_bar), one.skewness, one.kurtosis) for one in shapes],
        "deflated": [deflated_sharpe(one, variance, len(shapes)) for one in shapes],
        "luck": [expected_maximum_sharpe(variance, len(shapes))],
    }
    assert found.keys() == GOLDEN["sharpes"].keys()
    for name, values in GOLDEN["sharpes"].items():
        agree(CASE, found[name], values, what=name)


@pytest.mark.parametrize("theirs", GOLDEN["differences"], ids=lambda case: f"{case['pair']} {case['lag']}")
def test_two_sharpe_ratios_differ_as_holdout_says(returns, agree, theirs):
    first, second = (returns[:, column] for column in theirs["pair"])
    found = sharpe_difference(first, second, 1.0, lag=theirs["lag"])
    agree(CASE, found.annual, theirs["difference"])
    agree(CASE, found.standard_error, theirs["robust_error"])


@pytest.mark.parametrize("theirs", GOLDEN["splits"], ids=lambda case: str(case["blocks"]))
def test_splits_say_what_holdout_and_phacker_find(returns, agree, theirs):
    found = backtest_overfitting(returns, theirs["blocks"])
    for name in ("pbo", "probability_of_loss", "slope"):
        agree(SPLITS, getattr(found, name), theirs[name], what=name)
    for name in ("in_sample", "out_of_sample", "logits"):
        agree(SPLITS, deciles(getattr(found, name)), theirs[name], what=name)
    agree(SPLITS, deciles(found.logits), theirs["logits_phacker"])


def deciles(values):
    return np.quantile(values, np.linspace(0.0, 1.0, 11), method="lower")
