"""The page of strategies is that of the code, and the bench says why something was not run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import strategies
from app.catalog import Catalog
from app.shelf import Shelf
from bench import shelf as bench
from engine.strategy import strategy

PAGE = bench.PAGE.read_text(encoding="utf-8")


def test_every_strategy_is_on_the_page_as_it_describes_itself() -> None:
    for line in bench.catalogue(Shelf()):
        assert f"\n{line}\n" in PAGE, "Write it anew: python -m bench.shelf --write"


def test_every_strategy_has_a_line_of_results() -> None:
    made = PAGE.split("### What they made")[1]
    assert re.findall(r"^\| `(\w+)`", made, re.MULTILINE) == list(strategies.names())


def test_the_strategy_of_the_page_works_as_it_stands_there(tmp_path: Path) -> None:
    (code,) = (text for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "above_average" in text)
    names: dict[str, Any] = {}
    exec(code, names)
    bars = Catalog.standard().bars("sp500_daily")
    bound = names["above_average"].bind()
    assert np.array_equal(bound(bars)[:900], bound(bars.until(900)))


@strategy(family="test", source="none", dataset="no_such_data")
def lost(bars: Any) -> np.ndarray:
    """Hold nothing."""
    return np.zeros(bars.close.shape)


@pytest.mark.parametrize(
    ("item", "cells"),
    [
        (strategies.get("buy_and_hold"), ("`buy_and_hold`", "SP500 of sp500_daily", "real", "1")),
        (lost, ("`lost`", "no_such_data", "not run", "There is no dataset 'no_such_data'.")),
    ],
    ids=lambda value: getattr(value, "id", ""),
)
def test_a_line_tells_the_data_and_their_quality_or_why_there_is_none(item: Any, cells: tuple[str, ...]) -> None:
    class Only(Shelf):
        def get(self, strategy_id: str, version: str | None = None) -> Any:
            return item

    row = bench.measured(item, Only(), Catalog.standard())
    assert row.cells[:4] == cells
    assert (row.decided is None) == (cells[2] == "not run")
