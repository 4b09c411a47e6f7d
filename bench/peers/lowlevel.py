"""vectorbt's compiled functions called one by one, on arrays: the fastest road there is through it.

Columns are worked off in blocks, since each of them needs a dozen matrices of bars x trials.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from vectorbt.generic import dispatch as generic
from vectorbt.indicators import dispatch as averages
from vectorbt.portfolio import dispatch as portfolio
from vectorbt.portfolio.enums import Direction, SizeType, StopEntryPrice
from vectorbt.records import dispatch as records
from vectorbt.returns import dispatch as returns

from bench.peers import workloads
from bench.peers.workloads import Figures, Job, Size
from bench.walks import Walk

_BLOCK = 500
_ENGINE = "rust"
Pairs = list[tuple[int, int]]


def _value(shape: tuple[int, int], orders: Any, close: Any, cash: Any) -> tuple[Any, Any]:
    """Equity of each column [T, n] and the map of its orders."""
    columns = records.col_map(orders["col"], shape[1], engine=_ENGINE)
    held = portfolio.assets(
        portfolio.asset_flow(shape, orders, columns, Direction.Both, engine=_ENGINE), engine=_ENGINE
    )
    spent = portfolio.cash_flow(shape, orders, columns, False, engine=_ENGINE)
    worth = portfolio.asset_value(close, held, engine=_ENGINE)
    return portfolio.value(portfolio.cash(spent, cash, engine=_ENGINE), worth, engine=_ENGINE), columns


def _measured(value: Any, cash: Any, per_year: float) -> list[Any]:
    change = returns.returns(value, cash, engine=_ENGINE)
    sharpe = returns.sharpe_ratio(change, per_year, engine=_ENGINE)
    return [value[-1], value[-1] / cash - 1, sharpe, returns.max_drawdown(change, engine=_ENGINE)]


def _crosses(fast: Any, slow: Any) -> tuple[Any, Any]:
    """Where these averages [T, n] cross upwards, and where downwards."""
    return generic.crossed_above(fast, slow, engine=_ENGINE), generic.crossed_above(slow, fast, engine=_ENGINE)


def _block(walk: Walk, up: Any, down: Any, fees: float, per_year: float, **exits: Any) -> list[Any]:
    """Final equity, return, Sharpe, drawdown and trades of these crosses [T, n]."""
    shape = up.shape
    cash = np.full(shape[1], workloads.CASH)
    orders, _ = portfolio.simulate_from_signals(
        shape,
        np.ones(shape[1], dtype=np.int64),
        cash,
        portfolio.build_call_seq(shape, np.ones(shape[1], dtype=np.int64), 0, engine=_ENGINE),
        entries=workloads.later(up),
        exits=workloads.later(down),
        price=exits.pop("price", walk.open),
        fees=np.asarray(fees),
        close=walk.close,
        use_stops=bool(exits),
        engine=_ENGINE,
        **exits,
    )
    close = np.ascontiguousarray(np.broadcast_to(walk.close, shape))
    value, (_, counts) = _value(shape, orders, close, cash)
    return [*_measured(value, cash, per_year), (counts + 1) // 2]


def _swept(walk: Walk, pairs: Pairs) -> list[Any]:
    windows = sorted({window for pair in pairs for window in pair})
    table = np.hstack([averages.ma(walk.close, window, False, engine=_ENGINE) for window in windows])
    at = {window: n for n, window in enumerate(windows)}
    found = []
    for first in range(0, len(pairs), _BLOCK):
        some = pairs[first : first + _BLOCK]
        fast, slow = (np.ascontiguousarray(table[:, [at[pair[n]] for pair in some]]) for n in (0, 1))
        found.append(_block(walk, *_crosses(fast, slow), workloads.COST, workloads.DAYS))
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _figures(found: list[Any]) -> Figures:
    names = ("final_equity", "total_return", "sharpe", "max_drawdown", "total_trades")
    return {name: np.asarray(values, dtype=np.float64).tolist() for name, values in zip(names, found, strict=False)}


def w2(size: Size) -> dict[str, Job]:
    walk = workloads.one(size)
    return {"vectorbt, low level": Job(lambda: _swept(walk, size.pairs), _figures)}


def w2b(size: Size) -> dict[str, Job]:
    walk = workloads.several(size)
    each = [walk.symbol(n) for n in range(size.symbols)]

    def run() -> list[Any]:
        found = [_swept(one, size.few_pairs) for one in each]
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]

    return {"vectorbt, low level": Job(run, _figures)}


def w3(size: Size) -> dict[str, Job]:
    walk = workloads.by_minute(size)
    exits = {
        "price": walk.close,
        "open": walk.open,
        "high": walk.high,
        "low": walk.low,
        "sl_stop": np.asarray(workloads.STOP),
        "tp_stop": np.asarray(workloads.TARGET),
        "stop_entry_price": np.asarray(StopEntryPrice.FillPrice),
    }

    def run() -> list[Any]:
        fast, slow = (averages.ma(walk.close, n, False, engine=_ENGINE) for n in (workloads.FAST, workloads.SLOW))
        return _block(walk, *_crosses(fast, slow), workloads.MINUTE_COST, workloads.MINUTES, **exits)

    job = Job(run, _figures, {"fill": "next_close"}, differs="fills at the next close, where its stops come first too")
    return {"vectorbt, low level": job}


def _rebalanced(walk: Walk, size: Any) -> list[Any]:
    shape = walk.close.shape
    group, cash = np.array([shape[1]], dtype=np.int64), np.array([workloads.CASH])
    orders, _ = portfolio.simulate_from_orders(
        shape,
        group,
        cash,
        portfolio.build_call_seq(shape, group, 0, engine=_ENGINE),
        size=size,
        price=walk.open,
        size_type=np.asarray(SizeType.TargetPercent),
        fees=np.asarray(workloads.COST),
        slippage=np.asarray(workloads.SLIPPAGE),
        val_price=walk.open,
        close=walk.close,
        auto_call_seq=True,
        engine=_ENGINE,
    )
    columns = records.col_map(orders["col"], shape[1], engine=_ENGINE)
    held = portfolio.assets(
        portfolio.asset_flow(shape, orders, columns, Direction.Both, engine=_ENGINE), engine=_ENGINE
    )
    worth = portfolio.asset_value(walk.close, held, engine=_ENGINE)
    spent = portfolio.cash_flow(shape, orders, columns, False, engine=_ENGINE)
    left = portfolio.cash(portfolio.cash_flow_grouped(spent, group, engine=_ENGINE), cash, engine=_ENGINE)
    value = portfolio.value(left, portfolio.asset_value_grouped(worth, group, engine=_ENGINE), engine=_ENGINE)
    turnover = float(np.abs(orders["size"] * orders["price"]).sum() / value.mean())
    return [*_measured(value, cash, workloads.DAYS), turnover]


def _portfolio(walk: Walk, weights: Any) -> dict[str, Job]:
    def run(invested: float = 1.0) -> list[Any]:
        return _rebalanced(walk, weights(walk) * invested)

    def figures(found: list[Any]) -> Figures:
        return _figures(found[:-1])

    check = partial(run, workloads.INVESTED)
    job = Job(run, figures, workloads.WITH_CASH, differs=workloads.CUTS, check=check)
    return {"vectorbt, low level": job}


def w4(size: Size) -> dict[str, Job]:
    def weights(walk: Walk) -> Any:
        target = np.full(walk.close.shape, np.nan)
        target[np.concatenate(([0], workloads.last_of_month(walk.time))) + 1] = 1.0 / walk.close.shape[1]
        return target

    return _portfolio(workloads.many(size), weights)


def w4iv(size: Size) -> dict[str, Job]:
    def weights(walk: Walk) -> Any:
        change = generic.pct_change(walk.close, engine=_ENGINE)
        spread = generic.rolling_std(change, workloads.VOLATILITY, ddof=1, engine=_ENGINE)
        rows = workloads.last_of_month(walk.time)
        rows = rows[~np.isnan(spread[rows, 0])]
        target = np.full(walk.close.shape, np.nan)
        inverse = 1.0 / spread[rows]
        target[rows + 1] = inverse / inverse.sum(axis=1, keepdims=True)
        return target

    return _portfolio(workloads.many(size), weights)


def w5(size: Size) -> dict[str, Job]:
    walk = workloads.one(size)
    parts = [walk.between(first, middle) for first, middle, _ in size.folds]

    def run() -> list[tuple[float, float]]:
        found = []
        for training, (first, middle, last) in zip(parts, size.folds, strict=True):
            sharpe = _swept(training, size.pairs)[2]
            best = int(np.nanargmax(sharpe))
            close = walk.close[first:last]
            up, down = _crosses(*(averages.ma(close, window, False, engine=_ENGINE) for window in size.pairs[best]))
            entries, exits = workloads.carried(up[:, 0], down[:, 0], middle - first)
            testing = walk.between(middle, last)
            tested = _block(testing, entries[:, None], exits[:, None], workloads.COST, workloads.DAYS)
            found.append((float(sharpe[best]), float(tested[0][0])))
        return found

    def figures(found: list[tuple[float, float]]) -> Figures:
        return {"best_sharpe": [best for best, _ in found], "final_equity": [equity for _, equity in found]}

    return {"vectorbt, low level": Job(run, figures)}


JOBS = {"W2": w2, "W2b": w2b, "W3": w3, "W4": w4, "W4iv": w4iv, "W5": w5}
