"""Curves as lines of an SVG picture: numbers only, so that a page may draw them without a script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

WIDTH, HEIGHT = 960, 360
# Left of the panels stand their least and largest value; below them the first and last day.
_LEFT, _BOTTOM = 90, 24
_PANELS = {"value": (8, 220), "drawdown": (236, HEIGHT - _BOTTOM)}
POINTS = 1500


def curve(found: dict[str, Any]) -> dict[str, Any] | None:
    """Equity above drawdown, of lists `time`, `value` and `drawdown`; None where there is nothing to draw."""
    if len(found["time"]) < 2:
        return None
    time = np.array([moment.rstrip("Z") for moment in found["time"]], dtype="datetime64[s]").astype(float)
    across = _LEFT + (time - time[0]) / max(time[-1] - time[0], 1.0) * (WIDTH - _LEFT - 8)
    panels = [panel for name in _PANELS if (panel := _panel(name, across, found[name]))]
    if not panels:
        return None
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": _LEFT,
        "start": found["time"][0][:10],
        "end": found["time"][-1][:10],
        "panels": panels,
    }


def _panel(name: str, across: Any, values: Sequence[float | None]) -> dict[str, Any] | None:
    """One line between its least and largest value; what is not finite is left out."""
    known = np.array([value is not None for value in values])
    if not known.any():
        return None
    told = np.array([value for value in values if value is not None], dtype=float)
    least, most = float(told.min()), float(told.max())
    top, bottom = _PANELS[name]
    # Halves: the difference of two numbers of the largest size has no number itself.
    share = (told / 2 - least / 2) / (most / 2 - least / 2) if most > least else np.full(len(told), 0.5)
    down = bottom - share * (bottom - top)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across[known], down, strict=True))
    return {"name": name, "top": top, "bottom": bottom, "least": least, "most": most, "points": points}
