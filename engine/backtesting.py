"""The whole of a backtest: bars and a bound strategy in, weights, ledger, trades and figures out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import charges, gaps, tables, trades
from engine.bars import Bars, Floats
from engine.config import Config
from engine.decisions import Rows
from engine.doubts import idle
from engine.errors import BadData
from engine.figures import Figure, Report, Run
from engine.ledger import Ledger
from engine.metrics import measure
from engine.simulation import simulate
from engine.strategy import BoundStrategy, Decision, Weights
from engine.version import ENGINE_VERSION


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run of target weights over bars did. Series are [T] beside `bars.time`.

    What takes a pass over all bars is made when asked for. `trades` is a structured array (`engine.trades`).
    """

    bars: Bars
    config: Config
    run: Run
    metrics: dict[str, Figure]
    warnings: tuple[str, ...]

    @property
    def ledger(self) -> Ledger:
        return self.run.ledger

    @property
    def drawdown(self) -> Floats:
        return self.run.drawdown

    @property
    def gaps(self) -> list[dict[str, Any]]:
        """Symbols that could not be traded on every bar, and when (`engine.gaps.rows`)."""
        return gaps.rows(self.bars)

    @cached_property
    def trades(self) -> NDArray[np.void]:
        return trades.lived(self.bars, self.ledger, self.run.trades)

    def trade_rows(self) -> list[dict[str, Any]]:
        """The trades as plain values for JSON."""
        return list(trades.rows(self.bars, self.trades))

    @property
    def monthly_returns(self) -> list[dict[str, Any]]:
        return tables.monthly_returns(self.run)

    @property
    def yearly_returns(self) -> list[dict[str, Any]]:
        return tables.yearly_returns(self.run)

    def rolling(self, bars: int | None = None) -> tables.Rolling:
        """Sharpe ratio, volatility and beta through time; see `engine.tables.rolling`."""
        return tables.rolling(self.run, bars)

    @property
    def top_drawdowns(self) -> list[dict[str, Any]]:
        return tables.drawdown_table(self.run)


@dataclass(frozen=True, eq=False)
class Result(Outcome):
    """What a backtest found."""

    bound: BoundStrategy
    said: Decision

    @cached_property
    def decision(self) -> Decision:
        """What the strategy said, with weights of every bar [T, N]."""
        return self.said.on_every_bar(len(self.bars))

    @property
    def conventions(self) -> dict[str, Any]:
        """What the figures rest on, as plain values: printed beside every result."""
        return conventions(self.bars, self.config, self.bound.lookback)

    @property
    def weights(self) -> Weights:
        return self.decision.weights


def backtest(
    bars: Bars,
    bound: BoundStrategy,
    config: Config | None = None,
    *,
    benchmark: Bars | Floats | None = None,
    report: Report | None = None,
) -> Result:
    """Run a strategy over bars.

    Args:
        bars: the prices.
        bound: a strategy with its parameters (`strategies.get("sma_cross").bind(fast=10)`).
        config: how to fill, rebalance and charge; default `Config()` with the strategy's own defaults.
        benchmark: closes aligned with the bars [T], or bars of one symbol that cover their times.
        report: called as `report(done, total, phase)`, phase "weights", "simulate" or "measure"; what it raises
            ends the run.

    Raises:
        BadData: too few bars for the strategy (`not_enough_bars`), or a benchmark that does not fit (`bad_benchmark`).
        InvalidConfig: the bars cannot do what the configuration asks.
        RunFailed: the strategy raised or returned nonsense.
    """
    config = (Config.parse(bound.strategy.defaults) if config is None else config).fitted(bars)
    against = None if benchmark is None else benchmark_returns(bars, benchmark)
    if report is not None:
        report(0, 1, "weights")
    said = bound.say(bars)
    outcome = carry_out(bars, said.weights, config, rows=said.rows, against=against, report=report)
    if report is not None:
        report(1, 1, "measure")
    return Result(**vars(outcome), bound=bound, said=said)


def carry_out(
    bars: Bars,
    weights: Weights,
    config: Config,
    *,
    due: NDArray[np.bool_] | None = None,
    rows: Rows | None = None,
    against: Floats | None = None,
    report: Report | None = None,
) -> Outcome:
    """Simulate and measure target weights.

    Args:
        bars, weights, config, due, rows: as of `engine.simulation.simulate`; `config` is fitted to the bars.
        against: the benchmark's return per bar.
        report: as of `backtest`.
    """
    ledger = simulate(bars, weights, config, report, due=due, rows=rows)
    if report is not None:
        report(0, 1, "measure")
    found = trades.round_trips(ledger)
    run = Run(bars.time, ledger, found, bars.periods_per_year, config.risk_free_rate, against)
    return Outcome(
        bars=bars,
        config=config,
        run=run,
        metrics=measure(run, report),
        warnings=(
            *ledger.warnings,
            *gaps.warnings(bars, found),
            *(() if len(ledger.fills) else (idle(weights, config),)),
        ),
    )


def benchmark_returns(bars: Bars, benchmark: Bars | Floats) -> Floats:
    """Return of the benchmark per bar, 0 for the first: it has no capital before the first bar."""
    if isinstance(benchmark, Bars):
        if len(benchmark.symbols) != 1:
            raise BadData("A benchmark is one symbol.", code="bad_benchmark")
        closes = _aligned(bars, benchmark)
    else:
        closes = np.asarray(benchmark, dtype=np.float64)
    if closes.shape != (len(bars),) or not (np.isfinite(closes) & (closes > 0.0)).all():
        raise BadData(f"The benchmark needs {len(bars)} positive closes, one for each bar.", code="bad_benchmark")
    returns = np.zeros(len(closes))
    returns[1:] = closes[1:] / closes[:-1] - 1.0
    return returns


def _aligned(bars: Bars, benchmark: Bars) -> Floats:
    """The benchmark's last known close at the time of each bar; never a later one."""
    known = np.flatnonzero(np.isfinite(benchmark.close[:, 0]))
    at = np.searchsorted(benchmark.time[known], bars.time, side="right") - 1
    if len(known) == 0 or at[0] < 0:
        raise BadData(f"The benchmark has no close at or before {bars.time[0]}.", code="bad_benchmark")
    closes: Floats = benchmark.close[known[at], 0]
    return closes


def conventions(bars: Bars, config: Config, warm_up: int) -> dict[str, Any]:
    """What figures rest on; `warm_up` is how many bars the first decision needs."""
    return {
        "engine_version": ENGINE_VERSION,
        "fill": config.fill,
        "close_only": bars.close_only,
        "adjusted": bars.adjusted,
        "rebalance": config.rebalance,
        "periods_per_year": bars.periods_per_year,
        "returns": "one per bar, the first against the initial capital",
        "sharpe": "arithmetic mean, sample standard deviation (ddof 1), times sqrt(periods_per_year)",
        "risk_free_rate": config.risk_free_rate,
        "costs": charges.sentence(bars, config),
        "carry": "borrow, funding and interest accrue on calendar days / 365",
        "stops": "stop before target within a bar, gaps fill at the open",
        "gaps": "a bar without a price trades nothing and is marked at the last one",
        "trades": "one per position from flat to flat, average prices; open ones are marked at the end",
        "rolling_bars": tables.half_year(bars.periods_per_year),
        "warm_up": warm_up,
    } | charges.by_symbol(bars, config)
