"""Make `overfit.json`: statistics of a search as holdout and phacker compute them, a second opinion.

    python -m venv fit && fit/bin/pip install "holdout-backtest==0.1.0" "phacker==0.1.0" pyarrow
    fit/bin/python tests/golden/make_overfit.py

The search: 24 rules on four stocks (`trials.py`, `stocks.parquet`). Kurtosis is 3 for a normal in all of them.
holdout's logits count where they are <= 0, which is the same with 24 trials. It chooses lags by a rule of thumb and is
given ours. purgedcv is not here: it takes the Sharpe ratio of a population,
and skewness and kurtosis with a correction for bias.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import holdout
import numpy as np
import pandas as pd
import phacker.cscv
from holdout.pairwise import VarianceMethod, sharpe_difference
from trials import returns_of

TICKERS = ("AAPL", "GOOG", "IBM", "MSFT")
BENCHMARK = 0.02
LAGS = (0, 3, 12)
PAIRS = ((0, 1), (2, 7), (5, 23))


def closes() -> np.ndarray:
    frame = pd.read_parquet(Path(__file__).with_name("stocks.parquet"))
    wide = frame.pivot(index="date", columns="ticker", values="adjusted").astype(float)
    return wide[list(TICKERS)].dropna().to_numpy()


def sharpes(returns: np.ndarray) -> dict[str, list[float]]:
    """By figure, one value per trial."""
    ours = [holdout.estimate_sharpe(column) for column in returns.T]
    shapes = [{"skewness": one.skewness, "kurtosis": one.kurtosis} for one in ours]
    variance = float(np.var([one.value for one in ours], ddof=1))
    luck = holdout.expected_maximum_sharpe(len(ours), variance)
    each = list(zip(ours, shapes, strict=True))
    return {
        "psr": [holdout.probabilistic_sharpe_ratio(one.value, one.n, **by) for one, by in each],
        "psr_above": [
            holdout.probabilistic_sharpe_ratio(one.value, one.n, benchmark=BENCHMARK, **by) for one, by in each
        ],
        "track": [holdout.minimum_track_record_length(abs(one.value), **by) for one, by in each],
        "deflated": [holdout.probabilistic_sharpe_ratio(one.value, one.n, benchmark=luck, **by) for one, by in each],
        "luck": [luck],
    }


def splits(returns: np.ndarray) -> list[dict[str, object]]:
    found = []
    for blocks in (4, 8, 16):
        theirs = holdout.probability_of_backtest_overfitting(returns, n_blocks=blocks)
        _, logits = phacker.cscv.cscv(returns, blocks)
        found.append(
            {
                "blocks": blocks,
                "pbo": theirs.pbo,
                "probability_of_loss": theirs.probability_of_loss,
                "slope": theirs.degradation[0],
                "in_sample": deciles(theirs.in_sample),
                "out_of_sample": deciles(theirs.out_of_sample),
                "logits": deciles(theirs.logits),
                "logits_phacker": deciles(logits),
            }
        )
    return found


def deciles(values: np.ndarray) -> list[float]:
    """Every tenth part of the sorted values; as values, not between them."""
    return np.quantile(values, np.linspace(0.0, 1.0, 11), method="lower").tolist()


def differences(returns: np.ndarray) -> list[dict[str, float]]:
    found = []
    for first, second in PAIRS:
        for lag in LAGS:
            theirs = sharpe_difference(
                returns[:, first], returns[:, second], method=VarianceMethod.LEDOIT_WOLF, bandwidth=lag
            )
            found.append({"pair": [first, second], "lag": lag, **numbers(theirs)})
    return found


def numbers(found: object) -> dict[str, float]:
    return {name: value for name, value in vars(found).items() if isinstance(value, float)}


if __name__ == "__main__":
    returns = returns_of(closes())
    peers = ("holdout-backtest", "phacker")
    made = {
        "source": ", ".join(f"{peer} {version(peer)}" for peer in peers) + "; stocks.parquet",
        "benchmark": BENCHMARK,
        "sharpes": sharpes(returns),
        "splits": splits(returns),
        "differences": differences(returns),
    }
    Path(__file__).with_name("overfit.json").write_text(json.dumps(made, indent=1) + "\n")
