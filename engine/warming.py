"""What a first job calls, called once: every kernel is compiled, or loaded from the disk, before somebody waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np

from engine import indicators, trades
from engine.bars import Bars
from engine.config import Config
from engine.figures import Run
from engine.indicators.ranking import COUNTED
from engine.jit import cache_folder
from engine.memory import keep_memory
from engine.metrics import measure
from engine.montecarlo.plan import Plan
from engine.montecarlo.redrawing import Drawn, redraw
from engine.portfolio.allocation import estimate
from engine.portfolio.book import Sleeve, portfolio
from engine.portfolio.mandate import Mandate
from engine.simulation import simulate
from engine.strategy import Crossing, Range, Weights, strategy
from engine.sweep import sweep
from engine.tails import MANY, tails_of

# One call for each kernel. A test asks every indicator, and every shipped strategy, whether something is missing. Those
# that no shipped strategy calls are a fifth of the compiling, and once on a machine: a strategy of the user's own calls
# any of them, and its first job would wait.
_INDICATORS: tuple[Callable[[Bars], object], ...] = (
    lambda bars: indicators.rolling_sum(bars.close, 2),
    lambda bars: indicators.rolling_max(bars.close, 2),
    lambda bars: indicators.rolling_std(bars.close, 3),
    lambda bars: indicators.rolling_skew(bars.close, 4),
    lambda bars: indicators.rolling_corr(bars.close, bars.close, 3),
    lambda bars: indicators.percentile_rank(bars.close, 3),
    lambda bars: indicators.percentile_rank(bars.close, COUNTED + 1),
    lambda bars: indicators.lag(bars.close, 1),
    lambda bars: indicators.returns(bars.close),
    lambda bars: indicators.ema(bars.close, 2),
    lambda bars: indicators.wma(bars.close, 2),
    lambda bars: indicators.ewm_variance(bars.close, 2.0),
    lambda bars: indicators.last_cross(indicators.compare_averages(bars.close, 2, 3)),
    lambda bars: indicators.crosses(indicators.compare_averages(indicators.lag(bars.close, 1), 2, 3)),
    lambda bars: indicators.latch(bars.close > 1.0, bars.close < 1.0),
    lambda bars: indicators.cci(bars.high, bars.low, bars.close, window=3),
    lambda bars: indicators.rsi(bars.close, 2),
    lambda bars: indicators.adx(bars.high, bars.low, bars.close, window=2),
)


@strategy(family="warm-up", source="none")
def held(bars: Bars) -> Weights:
    """Hold everything: weights for a sweep of what is no crossing."""
    return np.ones(bars.close.shape)


@strategy(family="warm-up", source="none", crossing=Crossing("fast", "slow"))
def crossed(
    bars: Bars,
    fast: Annotated[int, Range(1, 3), "Bars of the fast average."] = 1,
    slow: Annotated[int, Range(2, 4), "Bars of the slow average."] = 2,
) -> Weights:
    """Hold from a cross upwards to one downwards: a sweep finds them without these weights."""
    return indicators.latch(*indicators.crosses(indicators.compare_averages(bars.close, fast, slow)))


def warm() -> None:
    """Compile, or load from the disk cache, every kernel that a first job needs; keep memory from run to run.

    Of processes that start at once on an empty cache one compiles. Not among it is what no job calls: the first walk of
    crossings in a process of the user's own, the first sweep of crossings on each symbol and the first signals of one
    byte for `replay` compile some seconds, once on a machine. All other sweeps, walks and given weights are warm.
    """
    from engine.codecache import one_at_a_time

    keep_memory()
    with one_at_a_time(cache_folder()):
        _run_all()


def _run_all() -> None:
    time = np.datetime64("2000-01-03", "ns") + np.arange(8) * np.timedelta64(1, "D")
    bars = Bars.from_closes(time, np.array([[1.0, 2.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0]]).T, ("A",))
    for compute in _INDICATORS:
        compute(bars)
    ledger = simulate(bars, held.bind()(bars))
    trades.from_ledger(bars, ledger)
    run = Run(bars.time, ledger, trades.round_trips(ledger), 252.0)
    measure(run)
    _ = run.drawdown
    tails_of(np.zeros(MANY))
    for item in (held, crossed):
        sweep(bars, item, [{}])
    for plan in (Plan("stationary", paths=1), Plan("circular", paths=1), Plan("trades", paths=1)):
        redraw(Drawn(ledger.returns, 252.0, 0.0, 1.0), plan, 2.0, None)
    book = portfolio([Sleeve("held", bars, held.bind(), Config())], Mandate())
    _ = estimate("risk_parity", book.returns)
