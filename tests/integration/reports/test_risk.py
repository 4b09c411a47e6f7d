"""What the report of a day says of risk is what was measured after its last bar, by the limits of that day."""

from __future__ import annotations

import pytest

from engine.paper.state import State
from engine.risk.stress import SCENARIOS
from tests.reports import DATE, at, reported, rows, take
from workers.measuring import measure


def figure(method, level, var, reason=None):
    cvar = None if var is None else 1.2 * var
    return {"method": method, "level": level, "var": var, "cvar": cvar, "reason": reason}


def measured(**more):
    """A book of 1,000 that may lose 30 by one method and 50 by another."""
    figures = [figure("historical", 0.95, 21.0), figure("parametric", 0.95, 10.0)]
    figures += [figure("historical", 0.99, 30.0), figure("parametric", 0.99, 50.0)]
    scenarios = [{"scenario": name, "pnl": pnl} for name, pnl in (("rates_up", 40.0), ("global_risk_off", -260.0))]
    return {
        "positions": 1,
        "gross": [{"strategy_id": "fast", "gross": 500.0}],
        "var": {"figures": figures, "unmeasured": []},
        "stress": {"scenarios": scenarios, "unmapped": [{"symbol": "X", "value": 500.0}]},
        **more,
    }


@pytest.fixture
def day(platform):
    """A platform at the morning of the report."""
    platform.clock.now = at("08:00:00")
    return platform


def test_limits_that_are_used_most_come_first_and_breaches_are_counted(day):
    take(day.store, 0, {"bar_at": at("07:00:00"), "gross": 500.0, "net": 500.0, "drawdown": -0.03}, risk=measured())
    section = reported(day)["risk"]
    assert section["quality"] == "real"
    assert section["figures"] == {"bar_at": f"{DATE}T07:00:00.000Z", "positions": 1, "limits_breached": 2}
    limits = rows(section, "limits")
    assert [(row["limit"], row["status"]) for row in limits[:3]] == [
        ("var_99", "breach"),
        ("stress", "breach"),
        ("var_95", "warning"),
    ]
    assert limits[0]["utilisation"] == pytest.approx(0.05 / 0.04)
    assert limits[1]["utilisation"] == pytest.approx(0.26 / 0.25)
    worst = rows(section, "scenarios")[0]
    assert (worst["scenario"], worst["pnl_return"]) == ("global_risk_off", -0.26)
    assert {row["method"]: row["var_fraction"] for row in rows(section, "losses") if row["level"] == 0.99} == {
        "historical": 0.03,
        "parametric": 0.05,
    }
    assert section["notes"] == ["Not moved by a scenario: X."]


def test_limits_are_those_that_stood_at_the_end_of_the_day(day):
    take(day.store, 0, {"bar_at": at("07:00:00")}, risk=measured())
    day.store.risk.put({"var_99": 0.1, "stress": 0.5}, by="ada")
    day.clock.now = at("2025-06-16T09:00:00")
    day.store.risk.put({"var_99": 0.001}, by="ada")
    take(day.store, 1, {"bar_at": at("2025-06-16T07:00:00")}, risk=measured(positions=2))
    assert reported(day)["risk"]["figures"]["limits_breached"] == 0
    assert reported(day, day="2025-06-16")["risk"]["figures"]["limits_breached"] == 2


def test_a_book_that_holds_nothing_may_lose_nothing(day):
    take(day.store, 0, {"bar_at": at("07:00:00")}, risk=measure(State.opening(1000.0), []))
    section = reported(day)["risk"]
    assert section["figures"]["positions"] == section["figures"]["limits_breached"] == 0
    assert {row["var_fraction"] for row in rows(section, "losses")} == {0.0}
    assert len(rows(section, "scenarios")) == len(SCENARIOS)


def test_what_could_not_be_measured_is_said_and_no_number_stands_for_it(day):
    short = "There are 70 returns in common; 99% needs 100."
    figures = [figure("historical", 0.95, 20.0), figure("historical", 0.99, None, short)]
    unmeasured = [{"symbol": "NEW", "value": 1.0, "reason": "It has 3 returns; 60 are needed."}]
    take(day.store, 0, {"bar_at": at("07:00:00")}, risk=measured(var={"figures": figures, "unmeasured": unmeasured}))
    section = reported(day)["risk"]
    assert section["notes"] == [short, "Not measured: NEW.", "Not moved by a scenario: X."]
    assert "var_99" not in {row["limit"] for row in rows(section, "limits")}
    assert [row["level"] for row in rows(section, "losses")] == [0.95]


def test_without_a_book_or_a_measure_that_is_what_is_said(day):
    assert reported(day)["risk"]["nothing"] == "No book is kept."
    take(day.store, 0, {"bar_at": at("2025-06-16T07:00:00")})
    day.clock.now = at("2025-06-16T22:01:00")
    assert reported(day, day="2025-06-16")["risk"]["nothing"] == "Nothing was measured after the book's last bar."
