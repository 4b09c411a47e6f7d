"""Bars of closes by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine import Bars


@pytest.fixture
def closes() -> Callable[..., Bars]:
    """closes(values, start=...): business days, close only, one column for a flat list."""

    def build(values, start="2024-01-01"):
        rows = np.asarray(values, dtype=float)
        rows = rows.reshape(len(rows), -1)
        time = np.busday_offset(start, np.arange(len(rows)), roll="forward")
        return Bars.from_closes(time, rows, tuple("ABCDEFGH"[: rows.shape[1]]))

    return build
