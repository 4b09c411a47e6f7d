"""Make `metrics_second.json`: figures of real return series as quantstats and ffn define them, a second opinion.

    python -m venv fig && fig/bin/pip install "quantstats==0.0.86" "ffn==1.4.1" pyarrow
    fig/bin/python tests/golden/make_metrics_second.py

Series: daily returns of four stocks (`stocks.parquet`, adjusted), and of being short one of them with its position
brought back to -100 % every day. Asked with the settings under which they mean what we mean: 252 periods a year.
Not here, because they mean something else: ffn's growth per year counts calendar days / 365.25; quantstats takes
value at risk from a normal distribution, skewness and kurtosis (and with them the probability of its Sharpe ratio)
with a correction for bias.
"""

from __future__ import annotations

import json
from pathlib import Path

import ffn
import numpy as np
import pandas as pd
import quantstats as qs

PERIODS = 252


def series() -> tuple[dict[str, pd.Series], pd.Series]:
    frame = pd.read_parquet(Path(__file__).with_name("stocks.parquet"))
    closes = frame.pivot(index="date", columns="ticker", values="adjusted").astype(float)
    closes.index = pd.DatetimeIndex(closes.index)
    found = {name: closes[name].dropna().pct_change().iloc[1:] for name in ("AAPL", "GOOG", "IBM", "MSFT")}
    return {**found, "short IBM": -found["IBM"]}, found["MSFT"]


def longest_drawdown(prices: pd.Series) -> float:
    """In ffn an episode starts on its first lower day; the maximum that it starts from is the day before."""
    episodes = ffn.core.drawdown_details(ffn.core.to_drawdown_series(prices))
    peaks = prices.index[prices.index.get_indexer(episodes["Start"]) - 1]
    return float((pd.DatetimeIndex(episodes["End"]) - peaks).days.max())


def figures(returns: pd.Series, market: pd.Series) -> dict[str, dict[str, float]]:
    day_before = pd.Series([1.0], index=[returns.index[0] - pd.Timedelta(days=1)])
    prices = pd.concat([day_before, (1.0 + returns).cumprod()])
    beside = market.reindex(returns.index)
    greeks = qs.stats.greeks(returns, beside, PERIODS, prepare_returns=False)
    found = {
        "quantstats": {
            "total_return": qs.stats.comp(returns),
            "annual_volatility": qs.stats.volatility(returns, PERIODS, prepare_returns=False),
            "sharpe": qs.stats.sharpe(returns, periods=PERIODS),
            "sortino": qs.stats.sortino(returns, periods=PERIODS),
            "max_drawdown": qs.stats.max_drawdown(prices),
            "cagr": qs.stats.cagr(returns, periods=PERIODS),
            "calmar": qs.stats.calmar(returns, periods=PERIODS, prepare_returns=False),
            "omega": qs.stats.omega(returns, periods=PERIODS),
            "tail_ratio": qs.stats.tail_ratio(returns, prepare_returns=False),
            "best_day": qs.stats.best(returns, prepare_returns=False),
            "worst_day": qs.stats.worst(returns, prepare_returns=False),
            "beta": greeks["beta"],
        },
        "ffn": {
            "total_return": ffn.core.calc_total_return(prices),
            "sharpe": ffn.core.calc_sharpe(returns, nperiods=PERIODS),
            "sortino": ffn.core.calc_sortino_ratio(returns, nperiods=PERIODS),
            "max_drawdown": ffn.core.calc_max_drawdown(prices),
            "max_drawdown_days": longest_drawdown(prices),
        },
    }
    if not returns.equals(beside):
        per_bar = ffn.core.calc_information_ratio(returns, beside)
        found["ffn"]["information_ratio"] = per_bar * np.sqrt(PERIODS)
        found["quantstats"]["information_ratio"] = qs.stats.information_ratio(returns, beside) * np.sqrt(PERIODS)
    return {peer: {name: float(value) for name, value in values.items()} for peer, values in found.items()}


if __name__ == "__main__":
    all_series, market = series()
    found = {
        "source": f"quantstats {qs.__version__}, ffn {ffn.__version__}; stocks.parquet",
        "market": "MSFT",
        "series": {name: figures(returns, market) for name, returns in all_series.items()},
    }
    Path(__file__).with_name("metrics_second.json").write_text(json.dumps(found, indent=1) + "\n")
