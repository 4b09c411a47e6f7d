"""A book that goes on through new bars.

    state, marks = step(state, feed, wishes, config)

Each bar is run by the kernel of a backtest over two bars: the last one, whose decision is filled now, and the new one.
So bars that come in any pieces give, to the last bit, what one `simulate` over all of them gives, and what
`engine.portfolio.attribution` says of it. A bar that became known late is a bar of its own, at which no time passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars, Floats, Times
from engine.book import FILL, FILLED, FILLS_PER_SYMBOL, Out, Plan
from engine.config import Config
from engine.decisions import absurd, decide
from engine.errors import RunFailed
from engine.kernel import run
from engine.panel import NO_PANEL
from engine.paper.state import Leg, State
from engine.portfolio import attribution
from engine.risk.breaker import Breaker, Watch
from engine.simulation import market_of, period_starts, terms_of


class Feed(NamedTuple):
    """New bars of every symbol of the book, in the order in which they count: the five `FIELDS` [T, N], NaN where a
    symbol has none, and by which entry of a cost table each is charged.
    """

    time: Times
    symbols: tuple[str, ...]
    values: Sequence[Floats]
    cost_keys: tuple[str | None, ...]


class Wishes(NamedTuple):
    """What each leg wants of the book's equity at the close of each new bar [T, L], and the share of each sleeve [S].

    Legs stand in the order of their symbols. No share is negative, and one is positive.
    """

    legs: tuple[Leg, ...]
    wanted: Floats
    sleeves: tuple[str, ...]
    shares: Floats


class Mark(NamedTuple):
    """The book after a bar. `years` passed since the one before, as a fraction of 365 days.

    By symbol [N]: units, last price (0: none yet), average price of entry (0: nothing held), `asked`, the sum of what
    the legs want by now, and `target`, what that is within the limits. `gains` [S] is what the bar brought each sleeve,
    in money. `fills` are those of the bar, as of `engine.ledger`.
    """

    time: np.datetime64
    years: float
    equity: float
    cash: float
    gross: float
    net: float
    pnl: float
    drawdown: float
    units: Floats
    price: Floats
    average: Floats
    asked: Floats
    target: Floats
    gains: Floats
    fills: NDArray[np.void]


def step(
    state: State, feed: Feed, wishes: Wishes, config: Config, breaker: Breaker | None = None
) -> tuple[State, list[Mark]]:
    """Go on from a state through new bars.

    Args:
        state: where the book stands; it is not changed.
        feed: with at least the symbols that are held.
        wishes: with at least the legs that are held. A row is decided at the close of its bar, and filled at the next
            one that the symbol has.
        config: as of a backtest, with its fill decided: `next_open` or `next_close`.
        breaker: what it says at the close of a bar scales the wishes of the next one.
    """
    work = _Work(state.fitted(feed.symbols, wishes.legs, wishes.sleeves), feed, wishes, config, breaker)
    marks = [work.bar(t) for t in range(len(feed.time))]
    return work.state, marks


class _Work:
    """A state while it goes on."""

    def __init__(self, state: State, feed: Feed, wishes: Wishes, config: Config, breaker: Breaker | None) -> None:
        self.state = state if breaker else replace(state, watch=None)
        self._breaker = breaker
        self._feed = feed
        self._wishes = wishes
        self._config = config
        place = {symbol: at for at, symbol in enumerate(state.symbols)}
        self._column = np.array([place[symbol] for _, symbol in state.legs], dtype=np.int64)
        self._first = np.searchsorted(self._column, np.arange(len(place) + 1)).astype(np.int64)
        self._sleeve = np.array([state.sleeves.index(sleeve) for sleeve, _ in state.legs], dtype=np.int64)

    def bar(self, t: int) -> Mark:
        """One more bar."""
        wanted = np.stack([self.state.numbers["wanted"], self._wishes.wanted[t] * self._scale()])
        asked = self._netted(wanted)
        bars, book, out = self._two(t), self.state.book(), _out(len(self.state.symbols))
        terms = terms_of(bars, self._config)
        plan = Plan(asked, 1, period_starts(bars.sessions, self._config.rebalance), np.empty(0, dtype=np.int64))
        if run(1, 2, market_of(bars), plan, terms, book, out) < 2:
            raise RunFailed(f"There is {absurd(asked, bars)}.", code="bad_weights")
        fills = out.fills[: book.counts[FILLED]]
        attributed, gains = self._attributed(bars, out, fills, wanted)
        equity, before = float(out.equity[1]), self.state.equity
        watch = self._watched(equity)
        self.state = self.state.after(
            book, watch=watch, clock=int(bars.time[1].astype(np.int64)), equity=equity, **attributed
        )
        sought = self.state.book()
        decide.twin(1, asked, terms, sought)
        return Mark(
            time=self._feed.time[t],
            years=float(bars.years[1]),
            equity=equity,
            cash=float(out.cash[1]),
            gross=float(out.gross[1]),
            net=float(np.add.reduce(book.units * book.mark)),
            pnl=equity - before,
            drawdown=equity / self.state.peak - 1.0,
            units=book.units,
            price=book.mark,
            average=np.where(book.units != 0.0, book.average, 0.0),
            asked=asked[1],
            target=sought.target,
            gains=gains,
            fills=fills,
        )

    def _scale(self) -> float:
        """The part of the wishes that the breaker lets through."""
        return 1.0 if self._breaker is None or self.state.watch is None else self.state.watch.scale(self._breaker)

    def _watched(self, equity: float) -> Watch | None:
        """Where the breaker stands after a bar; one that was just switched on begins from the equity before it."""
        if self._breaker is None:
            return None
        return (self.state.watch or Watch("closed", self.state.equity)).after(equity, self._breaker)

    def _two(self, t: int) -> Bars:
        """The last bar, without prices, and the new one; time does not go back."""
        new = self._feed.time[t].astype("datetime64[ns]")
        last = new if self.state.clock is None else np.datetime64(self.state.clock, "ns")
        values = np.full((len(self._feed.values), 2, len(self.state.symbols)), np.nan)
        for field, rows in enumerate(self._feed.values):
            values[field, 1] = rows[t]
        return Bars.of_checked(
            np.array([last, max(last, new)]),
            list(values),
            symbols=self.state.symbols,
            close_only=False,
            cost_keys=self._feed.cost_keys,
            adjusted=False,
            panel=NO_PANEL,
            beside=None,
        )

    def _netted(self, wanted: Floats) -> Floats:
        """The sums of what legs want, by symbol [2, N]: added in the order of the legs."""
        asked = np.zeros((len(wanted), len(self.state.symbols)))
        for leg, column in enumerate(self._column):
            asked[:, column] += wanted[:, leg]
        asked.flags.writeable = False  # kernels are compiled for one kind of array
        return asked

    def _attributed(
        self, bars: Bars, out: Out, fills: NDArray[np.void], wanted: Floats
    ) -> tuple[dict[str, Floats], Floats]:
        """What attribution knows after the bar, and the gain of each sleeve in it."""
        known = self.state.numbers
        pending = known["shares"] if known["shares"].any() else self._wishes.shares
        shares = np.stack([pending, self._wishes.shares])
        at_open = self._config.fill == "next_open"
        out.cash[0] = self.state.cash
        account = attribution.Account(
            fills=fills,
            cash=out.cash,
            borrow=out.borrow,
            funding=out.funding,
            interest=out.interest,
            order=bars.open if at_open else bars.close,
            close=bars.close,
            capital=self.state.cash,
            at_open=at_open,
            delay=1,
        )
        held, applied, net, moved = (known[name].copy() for name in ("held", "applied", "net", "moved"))
        after, cost = np.zeros((2, len(net)))
        ended, following = np.zeros(len(net), dtype=np.bool_), np.zeros(1, dtype=np.int64)
        inner = attribution.State(held, applied, net, moved, after, cost, ended, following)
        legs = attribution.Legs(self._first, self._sleeve, wanted)
        gains = np.empty((2, len(self.state.sleeves)))
        attribution.attribute(account, shares, legs, inner, np.zeros(len(held)), gains)
        then = {"held": held, "applied": applied, "wanted": wanted[1], "net": net, "moved": moved}
        return then | {"shares": self._wishes.shares}, gains[1]


def _out(size: int) -> Out:
    """Room for two bars."""
    equity, cash, gross, borrow, funding, interest = np.zeros((6, 2))
    return Out(equity, cash, gross, borrow, funding, interest, np.empty(FILLS_PER_SYMBOL * size, dtype=FILL))
