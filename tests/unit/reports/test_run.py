"""What the report of a job makes of its result."""

from __future__ import annotations

from typing import Any

import pytest

from app.reports import run

SLEEVE = {
    "name": "a",
    "strategy_id": "sma_cross",
    "params": {"fast": 5},
    "contribution": 0.25,
    "risk_contribution": 1.0,
}
PORTFOLIO = {
    "attribution": {"a": 0.25},
    "risk_contributions": {"a": 1.0},
    "weights": {"changes": 2},
    "sleeves": [SLEEVE],
}


@pytest.mark.parametrize(
    ("kind", "request_", "title"),
    [
        ("backtest", {"strategy_id": "sma_cross", "dataset_id": "fx_daily"}, "sma_cross on fx_daily"),
        ("walkforward", {"strategy_id": "sma_cross", "dataset_id": "d"}, "Walk forward of sma_cross on d"),
        ("montecarlo", {"strategy_id": "sma_cross"}, "Monte Carlo of sma_cross"),
        ("portfolio", {}, "Portfolio"),
    ],
)
def test_a_report_is_called_by_what_ran(kind: str, request_: dict[str, Any], title: str) -> None:
    assert run.title({"kind": kind, "request": request_}) == title


def test_a_sleeve_is_one_row_that_begins_with_what_it_made() -> None:
    found = run.sections({"kind": "portfolio", "request": {}, "portfolio": PORTFOLIO})
    (own,) = [section for section in found if section.name == "portfolio"]
    (table,) = own.tables
    assert table.name == "sleeves"
    row = {"name": "a", "contribution": 0.25, "risk_contribution": 1.0, "strategy_id": "sma_cross", "params": "fast=5"}
    assert [list(told.items()) for told in table.rows] == [list(row.items())]


def test_the_caveat_of_a_monte_carlo_is_a_sentence_of_its_own() -> None:
    found = run.sections({"kind": "montecarlo", "montecarlo": {"meaning": "Half.", "caveat": "Only so.", "paths": 9}})
    (own,) = [section for section in found if section.name == "montecarlo"]
    assert (own.title, own.notes, own.figures) == ("Monte Carlo", ["Half.", "Only so."], {"paths": 9})
