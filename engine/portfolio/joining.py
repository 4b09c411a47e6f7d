"""Bars of several sleeves side by side on the times of all of them.

An instrument is a symbol of a dataset at a version: two sleeves that trade it trade the same one. It is called by its
symbol, or `dataset:symbol` where two datasets have that name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.config import Config
from engine.errors import BadData
from engine.intake import FIELDS, Floats, Times
from engine.panel import NO_PANEL

Rows: TypeAlias = NDArray[np.intp]


class Instrument(NamedTuple):
    """What is traded: the same one for every sleeve that names it."""

    dataset: str
    version: str
    symbol: str


class Joint(NamedTuple):
    """All bars, and for each sleeve the joint row of each of its own bars and the joint column of each symbol."""

    bars: Bars
    rows: tuple[Rows, ...]
    columns: tuple[Rows, ...]


def join(sleeves: Sequence[tuple[str, str, Bars]]) -> Joint:
    """Datasets, versions and bars as one.

    Where every sleeve has at most one bar a day, bars of one UTC date are one bar of the book, at the latest of their
    times; else bars of one time are.

    Raises:
        BadData: `mixed_frequencies` for intraday bars beside daily ones: a day is over before it has a bar.
    """
    listing = [[Instrument(dataset, version, name) for name in bars.symbols] for dataset, version, bars in sleeves]
    instruments = list(dict.fromkeys(item for items in listing for item in items))
    place = {item: column for column, item in enumerate(instruments)}
    columns = tuple(np.array([place[item] for item in items]) for items in listing)
    every = [bars for _, _, bars in sleeves]
    time, rows = _times(every)
    values = np.full((len(FIELDS), len(time), len(instruments)), np.nan)
    keys: list[str | None] = [None] * len(instruments)
    for bars, at, across in zip(every, rows, columns, strict=True):
        for field, name in enumerate(FIELDS):
            values[field][np.ix_(at, across)] = getattr(bars, name)
        for column, key in zip(across.tolist(), bars.cost_keys, strict=True):
            keys[column] = key
    joint = Bars.of_checked(
        time,
        list(values),
        symbols=names(instruments),
        close_only=all(bars.close_only for bars in every),
        cost_keys=tuple(keys),
        adjusted=all(bars.adjusted for bars in every),
        panel=NO_PANEL,
        beside=None,
    )
    return Joint(joint, rows, columns)


def names(instruments: Sequence[Instrument]) -> tuple[str, ...]:
    """A name for each: its symbol where only one has it, else with the dataset, or with its version, before it."""
    symbols = Counter(item.symbol for item in instruments)
    longer = Counter((item.dataset, item.symbol) for item in instruments)

    def called(item: Instrument) -> str:
        if symbols[item.symbol] == 1:
            return item.symbol
        if longer[item.dataset, item.symbol] == 1:
            return f"{item.dataset}:{item.symbol}"
        return f"{item.dataset}@{item.version}:{item.symbol}"

    found = tuple(map(called, instruments))
    if len(set(found)) == len(found):
        return found
    return tuple(f"{item.dataset}@{item.version}:{item.symbol}" for item in instruments)


def fitted(config: Config, every: Sequence[Bars]) -> Config:
    """The configuration with its fill decided: at opens only where all bars have them.

    Raises InvalidConfig (`fill_unavailable`) when opens are asked for that some do not have.
    """
    closes = [bars for bars in every if bars.close_only]
    if closes and config.fill in (None, "next_open"):
        return (replace(config, fill="next_close") if config.fill is None else config).fitted(closes[0])
    return config.fitted(every[0]) if config.fill is None else config


def by_day(every: Sequence[Bars]) -> bool:
    """Whether bars of one date are one bar of the book, as no bars have two on one.

    Raises BadData (`mixed_frequencies`) for intraday bars beside daily ones.
    """
    daily = {bool((bars.sessions[1:] != bars.sessions[:-1]).all()) for bars in every}
    if len(daily) > 1:
        raise BadData(
            "Intraday bars and daily ones do not make one book: a day is over before it has a bar.",
            code="mixed_frequencies",
            pointer="/strategies",
        )
    return daily == {True}


def _times(every: Sequence[Bars]) -> tuple[Times, tuple[Rows, ...]]:
    """The times of all, and where the bars of each are among them."""
    if not by_day(every):
        time = np.unique(np.concatenate([bars.time for bars in every]))
        return time, tuple(np.searchsorted(time, bars.time) for bars in every)
    sessions = np.unique(np.concatenate([bars.sessions for bars in every]))
    rows = tuple(np.searchsorted(sessions, bars.sessions) for bars in every)
    time = sessions.astype(every[0].time.dtype)
    for bars, at in zip(every, rows, strict=True):
        time[at] = np.maximum(time[at], bars.time)
    return time, rows


def spread(values: Floats, rows: Rows, total: int) -> Floats:
    """Values at some rows as what was last said at each of `total` rows [total, N]; 0 before the first."""
    last = np.searchsorted(rows, np.arange(total), side="right") - 1
    found: Floats = np.where(last[:, None] >= 0, values[np.maximum(last, 0)], 0.0)
    return found
