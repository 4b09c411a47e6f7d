"""Run target weights through the kernel: `simulate` is where a decision becomes a later fill, and nowhere else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars, Floats
from engine.book import CHANGED, FILL, FILLS_PER_SYMBOL, REBALANCE, Book, Market, Out, Plan, Terms
from engine.config import Config
from engine.errors import RunFailed
from engine.figures import Report
from engine.kernel import run
from engine.ledger import Ledger

# Symbol-bars between two calls of `report`. At up to 200 ns each a block takes well below 250 ms.
BLOCK = 500_000
_YEAR = 365 * 86_400e9  # nanoseconds


def simulate(bars: Bars, weights: Floats, config: Config | None = None, report: Report | None = None) -> Ledger:
    """What these target weights [T, N] would have done.

    Args:
        bars: the prices.
        weights: row t is decided at the close of bar t; a fraction of equity, NaN keeps the previous target.
        config: how to fill, rebalance and charge.
        report: called as `report(done, total, "simulate")` between blocks; what it raises ends the run.

    Raises:
        InvalidConfig: when the bars cannot do what the configuration asks (`fill_unavailable`,
            `volume_unavailable`).
        RunFailed: `bad_weights` when the weights do not fit the bars, `overflow` when equity leaves the floats.
    """
    config = Config() if config is None else config
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != bars.close.shape or np.isinf(weights).any():
        raise RunFailed(
            f"Weights must be finite or NaN and of shape {bars.close.shape}, got {weights.shape}.", code="bad_weights"
        )
    config = config.fitted(bars)
    targets, changed, warnings = targets_of(weights, config)
    plan = plan_of(bars, targets, changed, config)
    terms = terms_of(config)
    return _run(bars, plan, terms, config, warnings, report)


def targets_of(weights: Floats, config: Config) -> tuple[Floats, NDArray[np.bool_], tuple[str, ...]]:
    """Targets without NaN, within the leverage; which of them the strategy changed; and what had to be said."""
    said = ~np.isnan(weights)
    last = np.maximum.accumulate(np.where(said, np.arange(len(weights))[:, None], -1), axis=0)
    wished = np.where(last < 0, 0.0, np.take_along_axis(weights, np.maximum(last, 0), axis=0))
    warnings = []
    if not config.allow_short and (wished < 0.0).any():
        wished = np.maximum(wished, 0.0)
        warnings.append("allow_short is false: negative targets were set to zero.")
    changed = np.diff(wished, axis=0, prepend=0.0) != 0.0
    gross = np.abs(wished).sum(axis=1, keepdims=True)
    # The last bits of a sum such as 3 x 1/3 are no excess.
    over = gross > config.max_leverage * (1.0 + 1e-12)
    if over.any():
        wished = np.where(over, wished * (config.max_leverage / np.where(over, gross, 1.0)), wished)
        warnings.append(f"Targets above max_leverage {config.max_leverage:g} were scaled down together.")
    return wished, changed, tuple(warnings)


def plan_of(bars: Bars, targets: Floats, changed: NDArray[np.bool_], config: Config) -> Plan:
    """When which target is to be filled: decisions delayed to their fill, and what the calendar asks for."""
    order = np.zeros(targets.shape, dtype=np.int8)
    # Scaling to the leverage moves targets that the strategy left alone: an order, but no new opinion.
    order[np.diff(targets, axis=0, prepend=0.0) != 0.0] = REBALANCE
    order[changed] = CHANGED
    if config.fill != "same_close":
        targets, order = _delayed(targets), _delayed(order)
    # A calendar rebalance is due at the first bar of a period, which is known when that bar opens.
    due = _period_starts(bars, config.rebalance)
    order[due] = np.maximum(order[due], REBALANCE)
    return Plan(np.ascontiguousarray(targets), order)


def _delayed(rows: np.ndarray) -> np.ndarray:
    """Row t is what row t - 1 decided. This is the one delay between decision and fill."""
    later = np.zeros_like(rows)
    later[1:] = rows[:-1]
    return later


def _period_starts(bars: Bars, rebalance: str) -> NDArray[np.bool_]:
    starts = np.zeros(len(bars), dtype=np.bool_)
    if rebalance in ("on_change", "drift"):
        return starts
    periods = bars.sessions
    if rebalance == "weekly":
        # numpy's weeks begin on Thursday, as 1970 did; trading weeks begin on Monday.
        periods = (periods + np.timedelta64(3, "D")).astype("datetime64[W]")
    elif rebalance == "monthly":
        periods = periods.astype("datetime64[M]")
    starts[1:] = periods[1:] != periods[:-1]
    return starts


def terms_of(config: Config) -> Terms:
    """The configuration as the numbers that kernels take."""
    return Terms(
        at_open=float(config.fill == "next_open"),
        same_close=float(config.fill == "same_close"),
        drift=config.drift_band or 0.0,
        commission=config.commission_bps / 1e4,
        per_share=config.commission_per_share,
        minimum=config.commission_minimum,
        slippage=config.slippage_bps / 1e4,
        borrow=config.borrow_bps / 1e4,
        funding=config.funding_bps / 1e4,
        leverage=config.max_leverage,
        stop_loss=config.stop_loss or 0.0,
        take_profit=config.take_profit or 0.0,
        trailing=config.trailing_stop or 0.0,
        max_holding=float(config.max_holding_bars or 0),
        lot=config.lot_size or 0.0,
        volume_limit=config.volume_limit or 0.0,
    )


def _market(bars: Bars) -> Market:
    years = np.zeros(len(bars))
    years[1:] = np.diff(bars.time).astype(np.int64) / _YEAR
    return Market(bars.open, bars.high, bars.low, bars.close, bars.volume, years)


def _book(size: int, capital: float) -> Book:
    return Book(
        units=np.zeros(size),
        mark=np.zeros(size),
        average=np.zeros(size),
        best=np.zeros(size),
        carry=np.zeros(size),
        opening=np.zeros(size),
        entry=np.zeros(size, dtype=np.int64),
        pending=np.zeros(size, dtype=np.int8),
        blocked=np.zeros(size, dtype=np.int8),
        cash=np.array([capital]),
        counts=np.array([0, -1], dtype=np.int64),
    )


def _run(
    bars: Bars, plan: Plan, terms: Terms, config: Config, warnings: tuple[str, ...], report: Report | None
) -> Ledger:
    total, size = bars.close.shape
    market, book = _market(bars), _book(size, config.initial_capital)
    buffer = np.zeros(FILLS_PER_SYMBOL * size + max(1024, size * 64), dtype=FILL)
    equity, cash, gross, borrow, funding = np.zeros((5, total))
    out = Out(equity, cash, gross, borrow, funding, np.zeros((total, size)), buffer)
    fills = []
    done, block = 0, max(1, BLOCK // size)
    while done < total:
        if report is not None:
            report(done, total, "simulate")
        done = run(done, min(total, done + block), market, plan, terms, book, out)
        fills.append(buffer[: book.counts[0]].copy())
        book.counts[0] = 0
    _refuse_overflow(bars, out.equity)
    ruined = int(book.counts[1])
    if ruined >= 0:
        warnings += (f"Ruin at {bars.time[ruined].astype('datetime64[s]')}: equity was used up and the run stopped.",)
    return Ledger(
        equity=out.equity,
        cash=out.cash,
        positions=out.positions,
        gross=out.gross,
        borrow=out.borrow,
        funding=out.funding,
        fills=np.concatenate(fills),
        open_carry=book.carry,
        marks=book.mark,
        initial_capital=config.initial_capital,
        fill=str(config.fill),
        ruined_at=ruined if ruined >= 0 else None,
        warnings=warnings,
    )


def _refuse_overflow(bars: Bars, equity: Floats) -> None:
    """Money beyond the range of a float says that the prices are wrong, not that somebody got rich."""
    lost = ~np.isfinite(equity)
    if lost.any():
        at = bars.time[int(np.argmax(lost))].astype("datetime64[s]")
        raise RunFailed(f"Equity is too large to compute with at {at}: are the prices right?", code="overflow")
