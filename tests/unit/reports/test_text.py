"""A report as text: units by name, and nothing that a terminal or a reader of Markdown would obey."""

from __future__ import annotations

import re

import pytest

from app.cli.figures import SHOWN
from app.reports import text
from app.reports.parts import Section, Table
from app.web import pages
from engine.metrics import METRICS


def report(*sections):
    times = {"start_at": "2025-06-14T22:00:00.000Z", "end_at": "2025-06-15T22:00:00.000Z"}
    return {"date": "2025-06-15", **times, "sections": [section.document() for section in sections]}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("equity", 1234567.891, "1,234,567.89"),
        ("pnl", 20.0, "+20.00"),
        ("pnl", -20.0, "-20.00"),
        ("pnl_return", 0.0198, "+1.98%"),
        ("drawdown", -0.05, "-5.00%"),
        ("weight", None, "–"),
        ("quantity", 2.0, "2.0000"),
        ("conviction", 0.6, "+0.60"),
        ("wait_p95_seconds", 1234.56, "1,234.6 s"),
        ("raised_at", "2025-06-15T09:30:00.000Z", "2025-06-15 09:30"),
        ("trough", "2025-06-15T00:00:00Z", "2025-06-15"),
        ("acknowledged", True, "yes"),
        ("acknowledged", False, "no"),
        ("jobs", 12345, "12,345"),
        ("value", 120, "120.00"),
        ("threshold", 0.333333333, "0.3333"),
        ("figure", 128800.123, "128,800.12"),
        ("days", 5658.0, "5,658"),
        ("strategy_id", "sma_cross", "sma_cross"),
        ("message", "\x1b[2J\r\nx\u202ey\x00", "?[2J??x?y?"),
    ],
)
def test_a_value_is_written_in_the_unit_of_its_name(name, value, shown):
    assert text.written(name, value) == shown


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wait_p95_seconds", "Wait p95"),
        ("strategy_id", "Strategy"),
        ("pnl_return", "P&L return"),
        ("at", "At"),
        ("cvar_95", "CVaR 95"),
        ("total_pnl", "Total P&L"),
        ("rolling_sharpe", "Rolling Sharpe"),
        ("walkforward", "Walk forward"),
        ("montecarlo", "Monte Carlo"),
    ],
)
def test_a_name_is_a_heading(name, words):
    assert text.words(name) == words


def test_a_figure_is_in_the_unit_of_its_row():
    assert text.cell({"name": "total_return", "figure": 0.1651}, "figure") == "16.51%"
    assert text.cell({"name": "total_return", "p05": -0.0814}, "p05") == "-8.14%"
    assert text.cell({"name": "total_return", "sharpe": 0.1651}, "sharpe") == "0.1651"


def test_a_column_of_what_names_the_rows_is_headed_as_they_are():
    rows = [{"name": "sma_cross", "sma_cross": 1, "mean_error": None}]
    assert [text.heading(rows, column) for column in rows[0]] == ["Name", "sma_cross", "Mean error"]


def test_a_column_is_numeric_where_nothing_else_stands_in_it():
    rows = [{"a": None, "b": 1.0, "c": None}, {"a": 2, "b": "x", "c": None}]
    assert text.numeric(rows) == {"a", "c"}


def test_markdown_tells_what_stands_in_the_report():
    rows = [{"symbol": "A", "pnl": 5.0}, {"symbol": "LONG", "pnl": None}]
    table = Table("positions", rows, total=5)
    book = Section("book", "Paper book", quality="proxy", notes=["Late."], figures={"pnl": 5.0}, tables=[table])
    assert text.markdown(report(book, Section("workers", "Workers", nothing="No worker was lost."))) == (
        "# Report of 2025-06-15\n\n2025-06-14 22:00 to 2025-06-15 22:00 UTC\n\n"
        "## Paper book\n\nThe market data are proxy.\n\nLate.\n\n- P&L: +5.00\n\n"
        "### Positions\n\n"
        "| Symbol |   P&L |\n"
        "| ------ | ----: |\n"
        "| A      | +5.00 |\n"
        "| LONG   |     – |\n\n"
        "3 more are not shown.\n\n"
        "## Workers\n\nNo worker was lost.\n"
    )


def test_no_text_leaves_its_cell():
    hostile = "<script>|[x](http://y)`\\\n# Head\x1b[31m"
    table = Table.of("failed", [{"message": hostile}])
    told = text.markdown(report(Section("own", "Own", notes=[hostile], figures={"kind": hostile}, tables=[table])))
    written = r"\<script\>\|\[x\](http://y)\`\\?# Head?\[31m"
    assert told.count(written) == 3
    assert "\x1b" not in told
    assert len([line for line in told.splitlines() if line.startswith("#")]) == 3


def test_the_page_knows_the_units_of_all_metrics():
    told = (pages.STATIC / "core" / "format.js").read_text()
    for unit, variable in (("fraction", "FRACTIONS"), ("money", "MONEY")):
        listed = re.search(rf"const {variable} = new Set\(\[(.*?)\]\)", told, re.DOTALL)
        assert listed is not None
        assert set(re.findall(r'"(\w+)"', listed[1])) == {item.name for item in METRICS.values() if item.unit == unit}


def test_the_page_names_all_metrics_as_reports_do():
    told = (pages.STATIC / "core" / "format.js").read_text()
    own = re.search(r"const NAMES = \{(.*?)\};", told, re.DOTALL)
    assert own is not None
    names = dict(re.findall(r'(\w+): "([^"]+)"', own[1]))
    assert {name: names.get(name, name.replace("_", " ").capitalize()) for name in METRICS} == {
        name: text.words(name) for name in METRICS
    }


def test_the_command_line_names_metrics_as_reports_do_and_knows_their_units():
    kinds = {"fraction": "percent", "money": "money", "ratio": "number", "count": "count", "days": "count"}
    assert dict(SHOWN) == {name: (text.words(name), kinds[METRICS[name].unit]) for name in SHOWN}
