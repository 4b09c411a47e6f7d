"""vectorbt as its documentation does it: indicators with parameter combinations, `Portfolio.from_signals`, statistics.

vectorbt-rust is installed beside it, so that vectorbt uses it wherever it would.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt

from bench.peers import workloads
from bench.peers.workloads import Figures, Job, Size
from bench.walks import Walk

vbt.settings.returns["year_freq"] = f"{workloads.DAYS:g} days"
# One call for all symbols of W2b would take some nine gigabytes.
_SYMBOLS = 10


def _frames(walk: Walk, names: list[str] | None = None) -> tuple[Any, Any, Any, Any]:
    index = pd.DatetimeIndex(walk.time)
    prices = (walk.open, walk.high, walk.low, walk.close)
    if names is None:
        open, high, low, close = (pd.Series(values[:, 0], index) for values in prices)
    else:
        open, high, low, close = (pd.DataFrame(values, index, names) for values in prices)
    return open, high, low, close


def _crossing(open: Any, close: Any, fast: Any, slow: Any) -> Any:
    """Signals one bar later, filled at the open."""
    entries = fast.ma_crossed_above(slow).vbt.signals.fshift(1)
    exits = fast.ma_crossed_below(slow).vbt.signals.fshift(1)
    return vbt.Portfolio.from_signals(
        close, entries, exits, price=open, fees=workloads.COST, init_cash=workloads.CASH, freq="1D"
    )


def _single(open: Any, close: Any) -> Any:
    return _crossing(open, close, vbt.MA.run(close, workloads.FAST), vbt.MA.run(close, workloads.SLOW))


def _four(portfolio: Any, **year: str) -> tuple[Any, ...]:
    sharpe = portfolio.sharpe_ratio(**year)
    found = (portfolio.total_return(), sharpe, portfolio.max_drawdown(), portfolio.trades.count())
    return tuple(np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in found)


def _figures(found: tuple[Any, ...]) -> Figures:
    total_return, sharpe, drawdown, trades = (values.tolist() for values in found)
    return {"total_return": total_return, "sharpe": sharpe, "max_drawdown": drawdown, "total_trades": trades}


def w1(size: Size) -> dict[str, Job]:
    open, _, _, close = _frames(workloads.one(size))

    def everything() -> Any:
        portfolio = _single(open, close)
        trades = portfolio.trades.records_readable
        return portfolio.stats(), trades

    def figures(found: Any) -> Figures:
        return {
            "final_equity": [found[0]["End Value"]],
            "total_return": [found[0]["Total Return [%]"] / 100],
            "sharpe": [found[0]["Sharpe Ratio"]],
            "max_drawdown": [-found[0]["Max Drawdown [%]"] / 100],
            "total_trades": [float(len(found[1]))],
        }

    return {
        "vectorbt, stats()": Job(everything, figures),
        "vectorbt, 4 figures": Job(lambda: _four(_single(open, close)), _figures),
    }


def w2(size: Size) -> dict[str, Job]:
    open, _, _, close = _frames(workloads.one(size))
    windows = np.arange(size.windows[0], size.windows[1] + 1)

    def run() -> tuple[Any, ...]:
        fast, slow = vbt.MA.run_combs(close, window=windows, r=2, short_names=["fast", "slow"])
        return _four(_crossing(open, close, fast, slow))

    return {"vectorbt, documented": Job(run, _figures)}


def w2b(size: Size) -> dict[str, Job]:
    names = [f"S{n}" for n in range(size.symbols)]
    open, _, _, close = _frames(workloads.several(size), names)
    fasts, slows = ([pair[at] for pair in size.few_pairs] for at in (0, 1))

    def run() -> tuple[Any, ...]:
        found = []
        for first in range(0, size.symbols, _SYMBOLS):
            some = slice(first, first + _SYMBOLS)
            fast = vbt.MA.run(close.iloc[:, some], fasts, short_name="fast")
            slow = vbt.MA.run(close.iloc[:, some], slows, short_name="slow")
            portfolio = _crossing(np.tile(open.iloc[:, some], len(fasts)), fast.close, fast, slow)
            found.append([values.reshape(len(fasts), -1).T.ravel() for values in _four(portfolio)])
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))

    return {"vectorbt, documented": Job(run, _figures)}


def w3(size: Size) -> dict[str, Job]:
    open, high, low, close = _frames(workloads.by_minute(size))

    def run() -> Any:
        fast, slow = vbt.MA.run(close, workloads.FAST), vbt.MA.run(close, workloads.SLOW)
        portfolio = vbt.Portfolio.from_signals(
            close,
            fast.ma_crossed_above(slow).vbt.signals.fshift(1),
            fast.ma_crossed_below(slow).vbt.signals.fshift(1),
            open=open,
            high=high,
            low=low,
            sl_stop=workloads.STOP,
            tp_stop=workloads.TARGET,
            fees=workloads.MINUTE_COST,
            init_cash=workloads.CASH,
            freq="1min",
        )
        return _four(portfolio, year_freq=f"{workloads.MINUTES:.0f}min")

    job = Job(run, _figures, {"fill": "next_close"}, differs="fills at the next close, where its stops come first too")
    return {"vectorbt": job}


def _rebalanced(close: Any, open: Any, weights: Any) -> tuple[Any, ...]:
    portfolio = vbt.Portfolio.from_orders(
        close,
        size=weights,
        size_type="targetpercent",
        price=open,
        val_price=open,
        fees=workloads.COST,
        slippage=workloads.SLIPPAGE,
        init_cash=workloads.CASH,
        cash_sharing=True,
        group_by=True,
        call_seq="auto",
        freq="1D",
    )
    return (
        portfolio.total_return(),
        portfolio.sharpe_ratio(),
        portfolio.max_drawdown(),
        portfolio.trades.count(),
        portfolio.orders.count(),
    )


def _portfolio_figures(found: tuple[Any, ...]) -> Figures:
    names = ("total_return", "sharpe", "max_drawdown")
    return {name: [float(value)] for name, value in zip(names, found, strict=False)}


def _portfolio(size: Size, weights: Any) -> dict[str, Job]:
    walk = workloads.many(size)
    open, _, _, close = _frames(walk, [f"S{n}" for n in range(size.assets)])

    def run(invested: float = 1.0) -> Any:
        return _rebalanced(close, open, weights(close) * invested)

    check = partial(run, workloads.INVESTED)
    return {"vectorbt": Job(run, _portfolio_figures, workloads.WITH_CASH, differs=workloads.CUTS, check=check)}


def w4(size: Size) -> dict[str, Job]:
    def weights(close: Any) -> Any:
        rows = np.concatenate(([0], workloads.last_of_month(close.index.to_numpy()))) + 1
        target = pd.DataFrame(np.nan, close.index, close.columns)
        target.iloc[rows] = 1.0 / close.shape[1]
        return target

    return _portfolio(size, weights)


def w4iv(size: Size) -> dict[str, Job]:
    def weights(close: Any) -> Any:
        rows = workloads.last_of_month(close.index.to_numpy())
        inverse = 1.0 / close.pct_change().rolling(workloads.VOLATILITY).std().iloc[rows].dropna()
        return inverse.div(inverse.sum(axis=1), axis=0).reindex(close.index).shift(1)

    return _portfolio(size, weights)


JOBS = {"W1": w1, "W2": w2, "W2b": w2b, "W3": w3, "W4": w4, "W4iv": w4iv}
