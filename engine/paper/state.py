"""What the next bar of a book depends on, and how it is put away to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.book import RUINED, Book
from engine.risk.breaker import Watch
from engine.simulation import new_book

# A sleeve and the symbol of which it wants a part.
Leg: TypeAlias = tuple[str, str]
Numbers: TypeAlias = Mapping[str, NDArray[Any]]

# What the kernel remembers of each symbol, as amounts and as whole numbers; what attribution does, of each symbol
# and of each leg.
_MONEY = ("said", "target", "units", "mark", "average", "best", "carry")
_CODES = ("entry", "pending", "blocked")
_NET = ("net", "moved")
_PARTS = ("held", "applied", "wanted")


@dataclass(frozen=True, eq=False)
class State:
    """A book between two bars. `clock` is its latest time in nanoseconds since 1970, None before the first bar.

    `numbers` are arrays by name: by symbol what the kernel knows (`engine.book.Book`, `entry` counted from the last
    bar), net units and last price as attribution has them; by leg its units, its last wish that was filled (`applied`)
    and its last wish (`wanted`); by sleeve its share. `watch` is where the breaker stands, None without one.
    """

    symbols: tuple[str, ...]
    legs: tuple[Leg, ...]
    sleeves: tuple[str, ...]
    clock: int | None
    cash: float
    equity: float
    peak: float
    ruined: bool
    numbers: Numbers
    watch: Watch | None = None

    @classmethod
    def opening(cls, capital: float) -> State:
        """A book that holds nothing yet."""
        numbers = {name: np.zeros(0) for name in (*_MONEY, *_NET, *_PARTS, "shares")}
        codes = {name: np.zeros(0, dtype=np.int64) for name in _CODES}
        return cls((), (), (), None, capital, capital, capital, ruined=False, numbers=numbers | codes)

    @property
    def held(self) -> tuple[tuple[str, ...], tuple[Leg, ...]]:
        """The symbols and the legs that the next step cannot leave out."""
        legs = tuple(leg for leg, units in zip(self.legs, self.numbers["held"], strict=True) if units != 0.0)
        units = zip(self.symbols, self.numbers["units"], strict=True)
        named = {symbol for _, symbol in legs}
        return tuple(symbol for symbol, size in units if size != 0.0 or symbol in named), legs

    def fitted(self, symbols: tuple[str, ...], legs: tuple[Leg, ...], sleeves: tuple[str, ...]) -> State:
        """The same with other symbols, legs and sleeves: new ones have nothing.

        Raises ValueError where something is left out that is held.
        """
        lost = [*(set(self.held[0]) - set(symbols)), *(set(self.held[1]) - set(legs))]
        if lost or not {sleeve for sleeve, _ in legs} <= set(sleeves):
            raise ValueError(f"The book goes on without what it holds: {lost}.")
        numbers = {}
        for names, old, new in (
            ((*_MONEY, *_CODES, *_NET), self.symbols, symbols),
            (_PARTS, self.legs, legs),
            (("shares",), self.sleeves, sleeves),
        ):
            place = {item: at for at, item in enumerate(old)}
            known = [(at, place[item]) for at, item in enumerate(new) if item in place]
            for name in names:
                numbers[name] = np.zeros(len(new), dtype=self.numbers[name].dtype)
                numbers[name][[at for at, _ in known]] = self.numbers[name][[at for _, at in known]]
        return replace(self, symbols=symbols, legs=legs, sleeves=sleeves, numbers=numbers)

    def book(self) -> Book:
        """What the kernel goes on from, where the last bar is bar 0."""
        book = new_book(len(self.symbols), self.cash)
        for name in (*_MONEY, *_CODES):
            getattr(book, name)[: len(self.symbols)] = self.numbers[name]
        book.counts[RUINED] = 0 if self.ruined else -1
        return book

    def after(self, book: Book, *, clock: int, equity: float, watch: Watch | None, **numbers: NDArray[Any]) -> State:
        """The state after bar 1; `numbers` are the shares and what attribution knows."""
        known = {name: getattr(book, name)[: len(self.symbols)] for name in (*_MONEY, *_CODES)}
        known["entry"] = np.where(book.units != 0.0, known["entry"] - 1, 0)
        return replace(
            self,
            clock=clock,
            cash=float(book.cash[0]),
            equity=equity,
            peak=max(self.peak, equity),
            ruined=bool(book.counts[RUINED] >= 0),
            numbers={**known, **numbers},
            watch=watch,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: a float is its hexadecimal text, which gives it back to the last bit."""
        told = {name: _told(name, array) for name, array in self.numbers.items()}
        names = {"symbols": list(self.symbols), "legs": [list(leg) for leg in self.legs], "sleeves": list(self.sleeves)}
        money = {name: getattr(self, name).hex() for name in ("cash", "equity", "peak")}
        watch = self.watch and [self.watch.status, self.watch.reference.hex(), self.watch.bars]
        return {**names, **money, "ruined": self.ruined, "clock": self.clock, "watch": watch, "numbers": told}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> State:
        """The state that `as_dict` told; one of an earlier version knew no breaker."""
        watch = told.get("watch")
        return cls(
            symbols=tuple(told["symbols"]),
            legs=tuple((sleeve, symbol) for sleeve, symbol in told["legs"]),
            sleeves=tuple(told["sleeves"]),
            clock=told["clock"],
            cash=float.fromhex(told["cash"]),
            equity=float.fromhex(told["equity"]),
            peak=float.fromhex(told["peak"]),
            ruined=bool(told["ruined"]),
            numbers={name: _read(name, values) for name, values in told["numbers"].items()},
            watch=watch and Watch(watch[0], float.fromhex(watch[1]), watch[2]),
        )


def _told(name: str, array: NDArray[Any]) -> list[Any]:
    return [int(value) if name in _CODES else float(value).hex() for value in array.tolist()]


def _read(name: str, values: list[Any]) -> NDArray[Any]:
    if name in _CODES:
        return np.array(values, dtype=np.int64)
    return np.array([float.fromhex(value) for value in values], dtype=np.float64)
