"""What a step of the paper book leaves, as rows of its tables and as events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.events import iso
from engine.panel import QUALITIES
from engine.paper.state import State
from engine.paper.stepping import Mark, Wishes
from engine.trades import EXIT_REASONS

_FIGURES = ("years", "equity", "cash", "gross", "net", "pnl", "drawdown")
_COSTS = ("quantity", "price", "commission", "slippage", "carry")
_TRADE = ("dataset_id", "symbol", "quantity", "price", "commission", "slippage", "reason")
_TOLD = ("equity", "cash", "gross", "net", "pnl", "drawdown", "quality")


@dataclass(frozen=True)
class Told:
    """A step: the state after it, its marks, what was wished at each of them, and the quality by symbol."""

    after: State
    marks: Sequence[Mark]
    wishes: Wishes
    qualities: Mapping[str, str]

    def mark(self, at: int) -> dict[str, Any]:
        """The row of a mark."""
        mark = self.marks[at]
        return {name: getattr(mark, name) for name in _FIGURES} | {
            "bar_at": _at(mark),
            "quality": max(self.qualities.values(), key=QUALITIES.index),
            "positions": self._positions(mark),
            "target": self._target(at),
            "sleeves": dict(zip(self.after.sleeves, mark.gains.tolist(), strict=True)),
        }

    def fills(self) -> list[dict[str, Any]]:
        """The rows of all fills; `mark` counts from 1."""
        return [
            {"mark": at, "bar_at": _at(mark)}
            | dict(zip(("dataset_id", "symbol"), _split(self.after.symbols[fill["symbol"]]), strict=True))
            | {name: float(fill[name]) for name in _COSTS}
            | {"reason": EXIT_REASONS[int(fill["reason"])]}
            for at, mark in enumerate(self.marks, 1)
            for fill in mark.fills
        ]

    def events(self, *, first: bool) -> list[tuple[str, dict[str, Any]]]:
        """What is told of each mark; of the first step, which says what would have been, only the last one's."""
        told: list[tuple[str, dict[str, Any]]] = []
        trades: dict[int, list[dict[str, Any]]] = {}
        for fill in self.fills():
            trades.setdefault(fill["mark"], []).append({name: fill[name] for name in _TRADE})
        for at in range(len(self.marks) - 1 if first else 0, len(self.marks)):
            row = self.mark(at)
            bar = {"bar_at": iso(row["bar_at"])}
            if at + 1 in trades:
                told.append(("rebalance", bar | {"trades": trades[at + 1]}))
            told.append(("pnl_update", bar | {name: row[name] for name in _TOLD}))
        held = [item for item in row["positions"] if item["quantity"]]
        return [*told, ("position_update", bar | {"positions": held})]

    def _positions(self, mark: Mark) -> list[dict[str, Any]]:
        """Every symbol, in the order in which sums are made."""
        columns = (mark.units.tolist(), mark.price.tolist(), mark.average.tolist())
        return [
            self._named(name) | {"quantity": units, "price": price, "average_price": average}
            for name, units, price, average in zip(self.after.symbols, *columns, strict=True)
        ]

    def _target(self, at: int) -> list[dict[str, Any]]:
        """Every symbol that is wanted or was, with who wants what."""
        mark, wants = self.marks[at], self.wishes.wanted[at].tolist()
        said: dict[str, dict[str, float]] = {name: {} for name in self.after.symbols}
        for (sleeve, name), wanted in zip(self.wishes.legs, wants, strict=True):
            if wanted:
                said[name][sleeve] = wanted
        return [
            self._named(name) | {"weight": weight, "asked": asked, "wants": said[name]}
            for name, weight, asked in zip(self.after.symbols, mark.target.tolist(), mark.asked.tolist(), strict=True)
            if weight or asked or said[name]
        ]

    def _named(self, name: str) -> dict[str, str]:
        dataset, symbol = _split(name)
        return {"dataset_id": dataset, "symbol": symbol, "quality": self.qualities[name]}


def _split(name: str) -> tuple[str, str]:
    """A symbol of the book as its dataset and its symbol there."""
    dataset, _, symbol = name.partition(":")
    return dataset, symbol


def _at(mark: Mark) -> float:
    return float(mark.time.astype(np.int64)) / 1e9
