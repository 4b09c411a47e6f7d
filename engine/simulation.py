"""Run target weights through the kernel: `simulate` is where a decision becomes a later fill, and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine import charges
from engine.bars import Bars, Floats, Times
from engine.book import FILL, FILLS_PER_SYMBOL, Book, Market, Out, Plan, Terms
from engine.config import Config
from engine.decisions import Rows, absurd, disordered, on_every_bar
from engine.doubts import doubts
from engine.errors import BadData, RunFailed
from engine.figures import Report
from engine.intake import floats
from engine.kernel import run
from engine.ledger import Ledger

# Symbol-bars between two calls of `report`. At up to 200 ns each a block takes well below 250 ms.
BLOCK = 500_000
# Fills for which there is room at first: 16 MiB, of which the next run finds those again that this one has touched.
ROOM = 2**18
_ZERO = bytes(8)  # a float64


def simulate(
    bars: Bars,
    weights: Floats,
    config: Config | None = None,
    report: Report | None = None,
    *,
    due: NDArray[np.bool_] | None = None,
    rows: Rows | None = None,
) -> Ledger:
    """What these target weights [T, N] would have done.

    Args:
        bars: the prices.
        weights: row t is decided at the close of bar t; a fraction of equity, NaN keeps the previous target.
        config: how to fill, rebalance and charge.
        report: called as `report(done, total, "simulate")` between blocks; what it raises ends the run.
        due: rows [T] that ask for every symbol's target, whether it is a new one or not, besides `config.rebalance`.
        rows: the bars [K], in their order, at whose closes `weights` [K, N] are decided; without it at all closes.

    Raises:
        InvalidConfig: when the bars cannot do what the configuration asks (`fill_unavailable`,
            `volume_unavailable`).
        RunFailed: `bad_weights` when the weights do not fit the bars, `overflow` when equity leaves the floats.
    """
    config = (Config() if config is None else config).fitted(bars)
    weights = _numbers(weights)
    if rows is not None and (wrong := disordered(rows, len(bars))):
        raise RunFailed(f"There are {wrong}.", code="bad_weights")
    shape = (len(bars) if rows is None else len(rows), len(bars.symbols))
    if weights.shape != shape:
        raise RunFailed(f"Weights must be of the shape {shape}, these are {weights.shape}.", code="bad_weights")
    plan = plan_of(bars, weights, config, rows)
    if due is not None:  # asked for at a close, and filled as any other decision
        plan.due[plan.delay :] |= due[: len(due) - plan.delay]
    _refuse_absurd(bars, plan, len(bars) - plan.delay)  # what is decided last is never carried out
    return _run(bars, plan, config, report)


def _numbers(weights: Floats) -> Floats:
    if isinstance(weights, np.ndarray) and weights.dtype == np.float64:
        return weights  # one row for all times stays one
    try:
        return floats(weights, "weights")
    except BadData as error:
        raise RunFailed(error.message, code="bad_weights") from error


def plan_of(bars: Bars, weights: Floats, config: Config, rows: Rows | None = None) -> Plan:
    """The weights as decisions, and where the calendar asks for a rebalance; `rows` as of `simulate`.

    Weights that are one row for all times (`np.broadcast_to`) are decided once.
    """
    row_at = np.empty(0, dtype=np.int64)
    if rows is not None and weights.shape[1] == 1:
        weights = on_every_bar(weights, rows, len(bars))
    elif rows is not None:
        row_at = np.full(len(bars), -1, dtype=np.int64)
        row_at[rows] = np.arange(len(rows))
    said = np.ascontiguousarray(weights[:1] if weights.strides[0] == 0 else weights).view()
    said.flags.writeable = False  # kernels are compiled for one kind of array
    return Plan(said, delay_of(config), period_starts(bars.sessions, config.rebalance), row_at)


def delay_of(config: Config) -> int:
    """Bars between a decision and its fill. This is the one delay there is, and `Plan` carries it to the kernel."""
    return 0 if config.fill == "same_close" else 1


def period_starts(sessions: Times, rebalance: str) -> NDArray[np.bool_]:
    """The first bar of each day, week or month but for the first of all; none where the calendar does not ask."""
    starts = np.zeros(len(sessions), dtype=np.bool_)
    if rebalance in ("on_change", "drift"):
        return starts
    periods = sessions
    if rebalance == "weekly":
        # numpy's weeks begin on Thursday, as 1970 did; trading weeks begin on Monday.
        periods = (periods + np.timedelta64(3, "D")).astype("datetime64[W]")
    elif rebalance == "monthly":
        periods = periods.astype("datetime64[M]")
    starts[1:] = periods[1:] != periods[:-1]
    return starts


def terms_of(bars: Bars, config: Config) -> Terms:
    """The configuration as the numbers that kernels take."""
    return terms_with(charges.rates(bars, config) / 1e4, config)


def terms_with(commission: Floats, config: Config) -> Terms:
    """The same where the commission of each symbol [N] is known."""
    return Terms(
        at_open=float(config.fill == "next_open"),
        same_close=float(config.fill == "same_close"),
        drift=config.drift_band or 0.0,
        short=float(config.allow_short),
        commission=commission,
        per_share=config.commission_per_share,
        minimum=config.commission_minimum,
        slippage=config.slippage_bps / 1e4,
        impact=config.volume_impact,
        borrow=config.borrow_bps / 1e4,
        funding=config.funding_bps / 1e4,
        interest=config.cash_bps / 1e4,
        leverage=config.max_leverage,
        stop_loss=config.stop_loss or 0.0,
        take_profit=config.take_profit or 0.0,
        trailing=config.trailing_stop or 0.0,
        max_holding=float(config.max_holding_bars or 0),
        lot=config.lot_size or 0.0,
        volume_limit=config.volume_limit or 0.0,
    )


def market_of(bars: Bars) -> Market:
    """The bars as kernels read them."""
    return Market(bars.open, bars.high, bars.low, bars.close, bars.volume, bars.years)


def new_book(size: int, capital: float) -> Book:
    """The state before the first bar."""
    money = np.zeros((8, size))
    codes = np.zeros((3, size), dtype=np.int8)
    places = np.zeros((2, size + 1), dtype=np.int64)
    return Book(
        said=money[0],
        target=money[1],
        order=codes[0],
        units=money[2],
        mark=money[3],
        average=money[4],
        best=money[5],
        carry=money[6],
        opening=money[7],
        entry=places[0],
        chosen=places[1],
        pending=codes[1],
        blocked=codes[2],
        cash=np.array([capital]),
        counts=np.array([0, -1, 0, 0]),
    )


def _run(bars: Bars, plan: Plan, config: Config, report: Report | None) -> Ledger:
    total, size = bars.close.shape
    market, terms, book = market_of(bars), terms_of(bars, config), new_book(size, config.initial_capital)
    # Untouched memory costs nothing, and what is filled in place need not be copied.
    buffer = np.empty(min(ROOM, total * FILLS_PER_SYMBOL * size) + FILLS_PER_SYMBOL * size, dtype=FILL)
    equity, cash, gross = np.empty((3, total))
    # Where nothing is charged nothing is written: one zero stands for all bars.
    charged = terms.borrow + terms.funding + terms.interest > 0.0
    borrow, funding, interest = np.zeros((3, total if charged else 0))
    out = Out(equity, cash, gross, borrow, funding, interest, buffer)
    done, block = 0, max(1, BLOCK // size)
    while done < total:
        if report is not None:
            report(done, total, "simulate")
        stop = min(total, done + block)
        done = run(done, stop, market, plan, terms, book, out)
        if done < stop:
            _refuse_absurd(bars, plan, done - plan.delay)
            out = out._replace(fills=_roomier(out.fills))
    _refuse_overflow(bars, out.equity)
    filled, ruined, refused, scaled = book.counts.tolist()
    if not charged:
        borrow = funding = interest = np.ndarray(total, np.float64, _ZERO, strides=(0,))
    return Ledger(
        equity=out.equity,
        cash=out.cash,
        gross=out.gross,
        borrow=borrow,
        funding=funding,
        interest=interest,
        fills=out.fills[:filled],
        open_carry=book.carry,
        marks=book.mark,
        initial_capital=config.initial_capital,
        fill=str(config.fill),
        ruined_at=ruined if ruined >= 0 else None,
        warnings=tuple(_warnings(bars, config, refused, scaled, ruined)),
    )


def _roomier(fills: NDArray[np.void]) -> NDArray[np.void]:
    """The same fills with room for as many again, which is not touched before it is needed."""
    more = np.empty(2 * len(fills), dtype=FILL)
    more.view(np.int64)[: fills.size * 8] = fills.view(np.int64)  # all at once, not field by field
    return more


def _warnings(bars: Bars, config: Config, refused: int, scaled: int, ruined: int) -> Iterator[str]:
    yield from doubts(bars, config)
    if refused:
        yield "allow_short is false: negative targets were set to zero."
    if scaled:
        yield f"Targets above max_leverage {config.max_leverage:g} were scaled down together."
    if ruined >= 0:
        yield f"Ruin at {bars.time[ruined].astype('datetime64[s]')}: equity was used up and the run stopped."


def _refuse_absurd(bars: Bars, plan: Plan, bar: int) -> None:
    """Refuse weights of which one from this bar on is larger than any that is meant, and name the first of all.

    The kernel stops at such a one.
    """
    rows = np.flatnonzero(plan.row_at >= 0) if len(plan.row_at) else None
    first = max(0, bar) if rows is None else int(np.searchsorted(rows, bar))
    if absurd(plan.weights, bars, first, rows) is not None:
        raise RunFailed(f"There is {absurd(plan.weights, bars, rows=rows)}.", code="bad_weights")


def _refuse_overflow(bars: Bars, equity: Floats) -> None:
    """Money beyond the range of a float says that the prices are wrong, not that somebody got rich."""
    # Equity adds up: once it is not finite it stays so.
    if not math.isfinite(equity[-1]):
        lost = ~np.isfinite(equity)
        at = bars.time[int(np.argmax(lost))].astype("datetime64[s]")
        raise RunFailed(f"Equity is too large to compute with at {at}: are the prices right?", code="overflow")
