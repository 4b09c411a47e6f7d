"""One curve of parts of several runs, as if one account had gone through them: for tests that follow one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars, Floats
from engine.figures import Run
from engine.intake import FIELDS
from engine.ledger import Ledger
from engine.trades import OPEN


class Piece(NamedTuple):
    """Bars first <= t < stop of a run; to its end where `stop` is None."""

    run: Run
    first: int = 0
    stop: int | None = None


def stitched(pieces: Sequence[Piece], periods_per_year: float) -> Run:
    """The returns of the pieces, compounded one after the other from the first one's capital.

    Money of a piece (cash, positions, fills, what trades earned) is scaled by what the account before it has become,
    over what its own run had then. A trade counts with the piece that it was entered in; one that the piece does not
    close is open, marked and not sold: no exit is charged for it, and the next piece begins with cash. Equity that was
    used up stays so. A single whole piece is its run, to the last bit. `positions` of such a ledger mean nothing: its
    fills do not close what a piece left open.
    """
    capital = pieces[0].run.ledger.initial_capital
    level, total = capital, 0
    equity, parts = [], []
    for run, first, end in pieces:
        ledger, stop = run.ledger, len(run.time) if end is None else end
        before = float(ledger.equity[first - 1]) if first else ledger.initial_capital
        scale = level / before if level > 0.0 and before > 0.0 else 0.0
        part = ledger.equity[first:stop] * scale if scale else np.full(stop - first, level)
        parts.append(_Part(run, first, stop, total, scale))
        equity.append(part)
        level, total = float(part[-1]), total + stop - first
    final = parts[-1]
    ledger = Ledger(
        equity=np.concatenate(equity),
        cash=_joined(parts, lambda ledger: ledger.cash),
        gross=_joined(parts, lambda ledger: ledger.gross),
        borrow=_joined(parts, lambda ledger: ledger.borrow),
        funding=_joined(parts, lambda ledger: ledger.funding),
        interest=_joined(parts, lambda ledger: ledger.interest),
        fills=_stacked([part.fills() for part in parts]),
        open_carry=final.run.ledger.open_carry * final.scale,
        marks=final.run.ledger.marks,
        initial_capital=capital,
        fill=final.run.ledger.fill,
        ruined_at=next((part.ruin for part in parts if part.ruin is not None), None),
        warnings=tuple(dict.fromkeys(text for part in parts for text in part.run.ledger.warnings)),
    )
    time = np.concatenate([part.run.time[part.first : part.stop] for part in parts])
    trades = _stacked([part.trades() for part in parts])
    return Run(time, ledger, trades, periods_per_year, final.run.risk_free_rate)


def rows_of(bars: Bars, rows: NDArray[np.int64]) -> Bars:
    """Some bars in their order, gaps closed; symbols that are read beside them are left out."""
    kept = ("close", "volume") if bars.close_only else FIELDS
    values = [np.ascontiguousarray(getattr(bars, name)[rows]) for name in kept]
    if bars.close_only:
        values = [values[0]] * 4 + values[1:]
    return Bars.of_checked(bars.time[rows], values, **bars.said | {"beside": None})


class _Part(NamedTuple):
    """A piece that begins at bar `at` of the whole, with its money times `scale`."""

    run: Run
    first: int
    stop: int
    at: int
    scale: float

    @property
    def ruin(self) -> int | None:
        bar = self.run.ledger.ruined_at
        return None if bar is None or not self.first <= bar < self.stop else bar - self.first + self.at

    def fills(self) -> NDArray[np.void]:
        kept = self._kept(self.run.ledger.fills, "bar")
        return self._moved(kept, "bar", ("quantity", "commission", "slippage", "carry"))

    def trades(self) -> NDArray[np.void]:
        kept = self._kept(self.run.trades, "entry_bar")
        moved = self._moved(kept, "entry_bar", ("quantity", "pnl", "costs"))
        open = (kept["exit_bar"] < 0) | (kept["exit_bar"] >= self.stop)
        moved["exit_bar"] = np.where(open, -1, kept["exit_bar"] + self.at - self.first)
        moved["exit_reason"] = np.where(open, OPEN, kept["exit_reason"])
        moved["bars_held"] = np.minimum(kept["bars_held"], self.stop - 1 - kept["entry_bar"])
        return moved

    def _kept(self, rows: NDArray[np.void], place: str) -> NDArray[np.void]:
        """Those within the piece; none of an account that was used up before it."""
        within = (rows[place] >= self.first) & (rows[place] < self.stop)
        return rows[within] if self.scale else rows[:0]

    def _moved(self, rows: NDArray[np.void], place: str, money: Sequence[str]) -> NDArray[np.void]:
        moved = rows.copy()
        moved[place] += self.at - self.first
        for name in money:
            moved[name] *= self.scale
        return moved


def _stacked(tables: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Tables of the same columns below one another: `np.concatenate` would look at every column anew."""
    stacked, at = np.empty(sum(len(rows) for rows in tables), dtype=tables[0].dtype), 0
    for rows in tables:
        stacked[at : at + len(rows)] = rows
        at += len(rows)
    return stacked


def _joined(parts: Sequence[_Part], column: Callable[[Ledger], Floats]) -> Floats:
    """A column of money; where nothing is ever charged one zero stands for all bars, as in the runs."""
    columns = [column(part.run.ledger) for part in parts]
    if all(values.strides[0] == 0 and values[0] == 0.0 for values in columns):
        return np.broadcast_to(0.0, sum(part.stop - part.first for part in parts))
    scaled = [values[part.first : part.stop] * part.scale for values, part in zip(columns, parts, strict=True)]
    return np.concatenate(scaled)
