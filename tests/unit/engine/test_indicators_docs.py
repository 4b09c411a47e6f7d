"""The page of indicators is that of the code."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from engine import indicators

PAGE = Path(__file__).resolve().parents[3] / "docs" / "indicators.md"
FUNCTIONS = [name for name in indicators.__all__ if inspect.isfunction(getattr(indicators, name))]
COLUMNS = ["call", "what", "first value (row)", "missing beyond gaps", "equal to", "differs from"]


def rows():
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_every_indicator_is_on_the_page_once_with_its_arguments():
    head, *body = rows()
    assert head == COLUMNS
    assert all(len(row) == len(COLUMNS) for row in body)
    found = [re.fullmatch(r"`(\w+)\((.*)\)`", row[0]) for row in body]
    assert all(found), [row[0] for row, match in zip(body, found, strict=True) if not match]
    assert sorted(match[1] for match in found) == sorted(FUNCTIONS)
    for match in found:
        said = re.sub(r"=[^,]*", "", match[2]).replace("*, ", "").split(", ")
        assert said == list(inspect.signature(getattr(indicators, match[1])).parameters), match[1]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_defaults_on_the_page_are_those_of_the_code(name):
    (call,) = (row[0] for row in rows() if row[0].startswith(f"`{name}("))
    defaults = {
        item.name: item.default
        for item in inspect.signature(getattr(indicators, name)).parameters.values()
        if item.default is not item.empty
    }
    assert {key: float(value) for key, value in re.findall(r"(\w+)=(-?[\d.]+)", call)} == defaults


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_docstring_states_unit_source_warm_up_and_missing_bars(name):
    text = inspect.getdoc(getattr(indicators, name))
    for word in ("Unit: ", "Source: ", "Warm-up: ", "NaN: "):
        assert word in text, word
