"""The rows of a sweep's trials, read back: ranked by the objective, within the constraints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.sweeps import PARAM
from engine.bars import Floats
from engine.figures import METRICS
from engine.sweep.landscape import ranked


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows of trials, and what the request wanted of them. Places are those of the table's rows."""

    table: pa.Table
    asked: Mapping[str, Any]

    @property
    def objective(self) -> str:
        """The metric that ranks: the first of several."""
        return str(self.asked["objective"][0])

    def figure(self, name: str) -> Floats:
        """A figure of every row, NaN where it is undefined."""
        values: Floats = self.table[name].to_numpy()
        return values

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """Which rows keep to all constraints. A figure that is undefined keeps to none."""
        allowed = np.ones(self.table.num_rows, dtype=np.bool_)
        for name, bounds in self.asked["constraints"].items():
            values = self.figure(name)
            allowed &= (values >= bounds.get("min", -np.inf)) & (values <= bounds.get("max", np.inf))
        return allowed

    @property
    def violation(self) -> Floats:
        """How far each row is from the constraints, each in parts of its bound; 0 for one that keeps to all of them."""
        total = np.zeros(self.table.num_rows)
        for name, bounds in self.asked["constraints"].items():
            for side, bound in bounds.items():
                over = (self.figure(name) - bound) * (1.0 if side == "max" else -1.0) / (abs(bound) or 1.0)
                total += np.where(np.isnan(over), np.inf, np.maximum(over, 0.0))
        return total

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Places of the rows that count, best first."""
        return self.by(self.objective)

    def by(self, name: str) -> NDArray[np.int64]:
        return ranked(self.figure(name), METRICS[name].better, self.allowed)

    @property
    def failed(self) -> int:
        return int(self.table.num_rows - self.table["error"].null_count)

    def rows(self, places: NDArray[np.int64]) -> list[dict[str, Any]]:
        """Rows as plain values: number, parameters and figures, and the symbol where each has its own account."""
        names = set(self.asked["figures"])
        return [
            {
                "trial": row["trial"],
                **({"symbol": row["symbol"]} if "symbol" in row else {}),
                "params": {name.removeprefix(PARAM): value for name, value in row.items() if name.startswith(PARAM)},
                "figures": {name: _plain(value) for name, value in row.items() if name in names},
            }
            for row in self.table.take(pa.array(places)).to_pylist()
        ]


def _plain(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else value
