"""The page of expressions is that of the code, and its examples run.

python -m tests.unit.engine.test_expressions_page writes its table of functions anew.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from app.store import expressions
from engine import Bars
from engine.expression import parse, strategy_of
from engine.expression.functions import FUNCTIONS
from engine.expression.graph import MAX_NODES
from engine.expression.strategy import MAX_PARAMETERS
from engine.expression.tokens import MAX_TEXT, MAX_TOKENS
from engine.expression.writer import LARGEST, MAX_LOOKBACK, call_of

PAGE = Path(__file__).resolve().parents[3] / "docs" / "expressions.md"
MARK = "<!-- functions: python -m tests.unit.engine.test_expressions_page writes them anew -->\n"


def table() -> str:
    """Every function with its arguments, what it gives and its fields."""
    rows = ["| call | gives |", "|---|---|"]
    for function in FUNCTIONS.values():
        gives = {"record": ", ".join(f"`.{name}`" for name in function.fields), None: "as its arguments"}
        rows.append(f"| `{call_of(function)}` | {gives.get(function.gives, function.gives)} |")
    return "\n".join(rows)


def examples() -> list[dict]:
    pages = PAGE.read_text("utf-8") + (PAGE.parents[1] / "README.md").read_text("utf-8")
    return [json.loads(text) for text in re.findall(r"```json\n(.*?)```", pages, re.DOTALL)]


def test_the_table_of_functions_is_the_whitelist():
    assert f"{MARK}\n{table()}\n\n## Limits" in PAGE.read_text("utf-8")


def test_the_limits_are_those_of_the_code():
    limits = (MAX_TEXT, MAX_TOKENS, parse.MAX_DEPTH, MAX_NODES, MAX_LOOKBACK, MAX_PARAMETERS, LARGEST, expressions.MOST)
    said = re.findall(r"^\| .* \| ([0-9][0-9,e]*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [float(text.replace(",", "")) for text in said] == list(limits)


@pytest.mark.parametrize("spec", examples(), ids=lambda spec: spec["name"])
def test_an_example_of_the_page_runs(spec):
    rng = np.random.default_rng(6)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (900, 6)), axis=0))
    time = np.busday_offset("2015-01-01", np.arange(900), roll="forward")
    bars = Bars.from_closes(time, close, ("EURUSD", *"ABCDE"))
    weights = strategy_of(spec).bind()(bars)
    assert len(np.unique(weights[~np.isnan(weights)])) >= 2


def main() -> None:
    before, after = PAGE.read_text("utf-8").split(MARK)
    PAGE.write_text(f"{before}{MARK}\n{table()}\n\n## Limits{after.split('## Limits')[1]}", "utf-8")


if __name__ == "__main__":
    main()
