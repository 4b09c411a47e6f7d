"""Curves as lines of an SVG picture: numbers only, so that a page may draw them without a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

WIDTH = 960
POINTS = 1500
# Left of the panels stand their least and largest value; below them the days.
_LEFT, _RIGHT, _BOTTOM, _GAP = 110, 8, 24, 16
_TICKS = 6


class Line(NamedTuple):
    """A curve under its name; what has no value is left out."""

    name: str
    time: Sequence[str]
    values: Sequence[float | None]


class Panel(NamedTuple):
    """Lines between their least and largest value. `figure` says what they are, and how they are written."""

    figure: str
    height: int
    lines: Sequence[Line]


def equity(found: Mapping[str, Any]) -> list[Panel]:
    """Equity above drawdown above the rolling Sharpe ratio, of lists `time`, `value`, `drawdown`, …"""
    heights = {"value": ("equity", 212), "drawdown": ("drawdown", 100), "rolling_sharpe": ("rolling_sharpe", 70)}
    return [
        Panel(figure, height, [Line(figure, found["time"], found[name])])
        for name, (figure, height) in heights.items()
        if name in found
    ]


def picture(panels: Sequence[Panel]) -> dict[str, Any] | None:
    """Everything that a template needs to draw the panels below each other; None where there is nothing to draw."""
    known = [(panel, [_Curve.of(line) for line in panel.lines]) for panel in panels]
    known = [(panel, [curve for curve in curves if len(curve.at) > 1]) for panel, curves in known]
    known = [(panel, curves) for panel, curves in known if curves]
    if not known:
        return None
    times = np.concatenate([curve.at for _, curves in known for curve in curves])
    first, last = float(times.min()), float(times.max())
    drawn, top = [], 8
    for panel, curves in known:
        drawn.append(_panel(panel, curves, top, first, max(last - first, 1.0)))
        top += panel.height + _GAP
    return {
        "width": WIDTH,
        "height": top - _GAP + _BOTTOM,
        "left": _LEFT,
        "ticks": list(_ticks(first, last)),
        "panels": drawn,
    }


class _Curve(NamedTuple):
    name: str
    at: Any  # seconds
    values: Any

    @classmethod
    def of(cls, line: Line) -> _Curve:
        known = np.array([value is not None for value in line.values], dtype=bool)
        at = np.array([moment.rstrip("Z") for moment in line.time], dtype="datetime64[s]").astype(float)
        values = np.array([value for value in line.values if value is not None], dtype=float)
        return cls(line.name, at[known], values)


def _panel(panel: Panel, curves: Sequence[_Curve], top: int, first: float, span: float) -> dict[str, Any]:
    least = min(float(curve.values.min()) for curve in curves)
    most = max(float(curve.values.max()) for curve in curves)
    lines = []
    for curve in curves:
        across = _LEFT + (curve.at - first) / span * (WIDTH - _LEFT - _RIGHT)
        # Halves: the difference of two numbers of the largest size has no number itself.
        share = (curve.values / 2 - least / 2) / (most / 2 - least / 2) if most > least else np.full(len(across), 0.5)
        down = top + (1 - share) * panel.height
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
        lines.append({"name": curve.name, "points": points})
    where = {"top": top, "bottom": top + panel.height, "least": least, "most": most}
    return {"figure": panel.figure, "lines": lines} | where


def _ticks(first: float, last: float) -> Iterator[dict[str, Any]]:
    """Some days, evenly apart, with where they stand."""
    for share in np.linspace(0.0, 1.0, _TICKS):
        day = np.datetime64(int(first + share * (last - first)), "s").astype("datetime64[D]")
        yield {"x": _LEFT + share * (WIDTH - _LEFT - _RIGHT), "day": str(day), "end": bool(share == 1.0)}
