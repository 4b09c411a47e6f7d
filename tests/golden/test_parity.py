"""The page of parity is that of the tests, and nothing that a peer defines is left out."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import re
from pathlib import Path

import pytest

from engine import indicators
from engine.metrics import METRICS

HERE = Path(__file__).parent
SCRIPTS = sorted(HERE.glob("make_*.py"))
# Figures that no peer defines like us, and where they are held instead (docs/parity.md).
ALONE = {
    "final_equity": "in every case that trades",
    "total_commission": "in every case that trades",
    "total_trades": "in every case that trades",
    "psr": "the example of its paper, test_metrics_empyrical.py",
    "exposure": "unit tests",
    "turnover": "unit tests",
    "total_slippage": "unit tests",
    "total_borrow": "unit tests",
    "total_funding": "unit tests",
    "total_interest": "unit tests",
}


@pytest.fixture(scope="module")
def parity():
    spec = importlib.util.spec_from_file_location("parity", HERE / "parity.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_holds_every_case_and_no_other(parity):
    lines = parity.PAGE.read_text(encoding="utf-8").splitlines()
    rows = lines[lines.index(parity.HEAD[1]) + 1 :]
    rows = rows[: rows.index("")]
    assert len({case["name"] for case in parity.cases()}) == len(rows)
    for case, row in zip(parity.cases(), rows, strict=True):
        assert row.startswith(parity.text_of(case))
        count, _, relative = (cell.strip() for cell in row.removeprefix(parity.text_of(case)).rstrip(" |").split("|"))
        assert int(count.replace(",", "")) > 20
        bound = re.search(r"to (\de-\d)", case["compared"])
        assert float(relative) <= float(bound[1] if bound else 1e-9)


def test_a_case_counts_what_its_module_compares(parity):
    """Every golden test module that compares has a case, and every case is used."""
    names = {path.name for path in HERE.glob("test_*.py")} - {"test_parity.py", "test_version.py"}
    for name in names:
        text = (HERE / name).read_text(encoding="utf-8")
        assert "CASE = {" in text, name
        for case in re.findall(r"^([A-Z]+) = \{\n    \"name\"", text, re.MULTILINE):
            assert f"agree({case}," in text, f"{name}: {case}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_its_environment_and_left_what_it_made(path):
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert "pip install" in text or "see make_" in text
    made = re.search(r"Make `([\w.]+)`", text)[1]
    assert (HERE / made).exists()
    if made.endswith(".json"):
        assert json.loads((HERE / made).read_text())["source"]


@pytest.mark.parametrize("name", [n for n in indicators.__all__ if inspect.isfunction(getattr(indicators, n))])
def test_every_indicator_is_compared(name):
    sources = "".join((HERE / f"test_indicators_{peer}.py").read_text(encoding="utf-8") for peer in ("talib", "pandas"))
    called = (
        rf"\bi\.{name}\(|\"{name}\"|f\"rolling_\{{name\}}\""
        if name.startswith("rolling_")
        else rf"\bi\.{name}\(|\"{name}\""
    )
    assert re.search(called, sources)


def test_every_figure_is_compared_or_said_to_be_alone():
    compared = {
        name
        for series in json.loads((HERE / "metrics_second.json").read_text())["series"].values()
        for peer in series.values()
        for name in peer
    }
    for case in json.loads((HERE / "stops_vectorbt.json").read_text())["cases"]:
        compared |= set(case["figures"])
    tree = ast.parse((HERE / "test_metrics_empyrical.py").read_text(encoding="utf-8"))
    (equal,) = (
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EQUAL"
    )
    compared |= {key.value for key in equal.keys}
    assert set(METRICS) - compared == set(ALONE)
