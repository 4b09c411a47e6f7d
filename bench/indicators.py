"""Indicators of many short columns and of a long one, beside TA-Lib's or pandas' in turns.

    python -m bench.indicators [--rounds 5] [sma rsi ...]

TA-Lib takes one column at a time, in memory of its own, as it is called for many symbols; pandas takes the table. That
the numbers are equal is for the tests. Milliseconds, medians; a ratio above 1 says that ours is so many times as fast.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import talib
from numpy.typing import NDArray

from bench import walks
from engine import indicators

Floats = NDArray[np.float64]
WINDOW = 20


def main() -> None:
    """Print a table for each shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("names", nargs="*", metavar="NAME", help="some of them only")
    asked = parser.parse_args()
    for what, walk in (
        ("500 symbols x 5,040 days", walks.daily(1, 5040, 500)),
        ("1,000,000 minutes of one symbol", walks.minutes(1, 1_000_000)),
    ):
        print(f"\n{what}\n{'':20}{'ours':>8}{'peer':>10}{'ratio':>8}")
        for name, peer, ours, theirs in cases(walk):
            if not asked.names or name in asked.names:
                mine, other = in_turns(ours, theirs, asked.rounds)
                print(f"{name:20}{mine:8.1f}{other:10.1f}{other / mine:8.1f}  {peer}", flush=True)


def cases(walk: walks.Walk) -> Iterator[tuple[str, str, Callable[[], object], Callable[[], object]]]:
    """Name, peer, and how each of the two computes it."""
    high, low, close = walk.high, walk.low, walk.close
    moves = indicators.returns(close)[1:]
    frame, changes = pd.DataFrame(close), pd.DataFrame(moves)
    market = moves.mean(axis=1, keepdims=True) + 0.001 * np.cos(np.arange(len(moves)))[:, None]
    first = pd.Series(market[:, 0])
    rolling, rolled = frame.rolling(WINDOW), changes.rolling(WINDOW)
    for name, ours, theirs in (
        ("returns", lambda: indicators.returns(close), frame.pct_change),
        ("rolling_std", lambda: indicators.rolling_std(close, WINDOW), rolling.std),
        ("rolling_max", lambda: indicators.rolling_max(close, WINDOW), rolling.max),
        ("rolling_skew", lambda: indicators.rolling_skew(moves, WINDOW), rolled.skew),
        ("rolling_kurt", lambda: indicators.rolling_kurt(moves, WINDOW), rolled.kurt),
        ("rolling_corr", lambda: indicators.rolling_corr(moves, market, WINDOW), lambda: rolled.corr(first)),
        ("percentile_rank", lambda: indicators.percentile_rank(close, WINDOW), lambda: rolling.rank(pct=True)),
        ("ewm_variance", lambda: indicators.ewm_variance(close, 10.0), frame.ewm(com=10.0).var),
    ):
        yield name, "pandas", ours, theirs
    for name, ours, function, prices in (
        ("sma", lambda: indicators.sma(close, WINDOW), talib.SMA, (close,)),
        ("ema", lambda: indicators.ema(close, WINDOW), talib.EMA, (close,)),
        ("wma", lambda: indicators.wma(close, WINDOW), talib.WMA, (close,)),
        ("rsi", lambda: indicators.rsi(close, WINDOW), talib.RSI, (close,)),
        ("bollinger", lambda: indicators.bollinger(close, WINDOW), talib.BBANDS, (close,)),
        ("atr", lambda: indicators.atr(high, low, close, window=WINDOW), talib.ATR, (high, low, close)),
        ("adx", lambda: indicators.adx(high, low, close, window=WINDOW), talib.ADX, (high, low, close)),
        ("cci", lambda: indicators.cci(high, low, close, window=WINDOW), talib.CCI, (high, low, close)),
    ):
        yield name, "TA-Lib", ours, lambda function=function, prices=prices: by_column(function, prices)


def by_column(function: Callable[..., object], prices: tuple[Floats, ...]) -> list[object]:
    """What TA-Lib gives for each column."""
    columns = [np.ascontiguousarray(values.T) for values in prices]
    return [function(*series, timeperiod=WINDOW) for series in zip(*columns, strict=True)]


def in_turns(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Medians of both in milliseconds, after one call of each that is not counted."""
    times: dict[Callable[[], object], list[float]] = {ours: [], theirs: []}
    for turn in range(rounds + 1):
        for call in times:
            begin = time.perf_counter()
            call()
            if turn:
                times[call].append(time.perf_counter() - begin)
    return statistics.median(times[ours]) * 1e3, statistics.median(times[theirs]) * 1e3


if __name__ == "__main__":
    main()
