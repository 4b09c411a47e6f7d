"""Bars of several symbols, each with days of its own, on the days of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from app.errors import SourceFailed
from app.sources.base import Report, Request
from engine.bars import Bars
from engine.intake import FIELDS, Floats, Times


@dataclass(frozen=True)
class Frame:
    """One symbol: times [T] and its fields [T]. Closes alone are a frame without the other prices."""

    times: Times
    fields: Mapping[str, Floats]

    @classmethod
    def of_closes(cls, times: Times, close: Floats) -> Frame:
        return cls(times, {"close": close})

    def between(self, start: str, end: str) -> Frame:
        """The bars of the days from start to end, both included, that have a close."""
        day = self.times.astype("datetime64[D]")
        chosen = (day >= np.datetime64(start)) & (day <= np.datetime64(end)) & np.isfinite(self.fields["close"])
        return Frame(self.times[chosen], {name: values[chosen] for name, values in self.fields.items()})


def spread(source: str, request: Request, report: Report, ask: Callable[[str], Frame]) -> Bars:
    """Checked bars of the wanted symbols as `ask` finds them, NaN where one has none.

    Closes alone where that is all that one of them has. Raises SourceFailed for a symbol without bars, BadData for
    prices that cannot be.
    """
    frames: dict[str, Frame] = {}
    for done, symbol in enumerate(request.items):
        report(done, len(request.items), "fetch")
        frames[symbol] = ask(symbol)
    return _together(source, frames)


def _together(source: str, frames: Mapping[str, Frame]) -> Bars:
    for symbol, frame in frames.items():
        if not len(frame.times):
            raise SourceFailed(
                f"{symbol}: the source '{source}' has no bars between these days.",
                source=source,
                item=symbol,
                code="source_refused",
            )
    times = np.unique(np.concatenate([frame.times for frame in frames.values()]))

    def field(name: str) -> Floats:
        wide = np.full((len(times), len(frames)), np.nan)
        for column, frame in enumerate(frames.values()):
            wide[times.searchsorted(frame.times), column] = frame.fields[name]
        return wide

    if any("open" not in frame.fields for frame in frames.values()):
        return Bars.from_closes(times, field("close"), tuple(frames))
    return Bars.from_arrays(times, *(field(name) for name in FIELDS), symbols=tuple(frames))
