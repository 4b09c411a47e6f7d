"""The paper book raises alerts at its thresholds and not below, and they end when it is back under them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.store.paper import Step

DAY = 86_400.0
EQUITY = 1000.0


def figures(loss):
    """Losses by method; the largest is that of Monte Carlo."""
    methods = {"historical": 0.5, "parametric": 0.75, "monte_carlo": 1.0}
    return [
        {"method": method, "level": level, "reason": None if loss is not None else "Too short.", "cvar": None}
        | {"var": None if loss is None else loss * share}
        for method, share in methods.items()
        for level in (0.95, 0.99)
    ]


@pytest.fixture
def go(platform):
    """Give the book one more bar."""

    def step(loss=0.0, fall=0.0, gross=0.0, held=0.0, pnl=0.0, measured=True):
        state = platform.store.book.state()
        after = 0 if state is None else state.number
        position = {"dataset_id": "d", "symbol": "A", "quantity": held, "price": 1.0, "average_price": 1.0}
        mark = {
            "bar_at": platform.clock.now + after * DAY,
            "years": 1 / 365,
            **dict.fromkeys(("equity", "cash"), EQUITY),
            "gross": gross,
            "net": -gross,
            "pnl": 0.0,
            "drawdown": -fall,
            "quality": "real",
            "positions": [position],
            "target": [],
            "sleeves": {},
            "book_version": 0,
            "datasets": {},
        }
        risk = {
            "positions": 1,
            "gross": [{"strategy_id": "one", "gross": held}],
            "var": {"figures": figures(loss)},
            "stress": {"scenarios": [{"pnl": 5.0}, {"pnl": pnl}]},
        }
        left = Step(after, EQUITY, {}, {}, [mark], [], [], risk if measured else {})
        claim = platform.world.running(kind="book")
        assert platform.world.jobs.finish(claim, replace(platform.world.output, book=left)) == "succeeded"
        platform.round()

    return step


def told(platform, kind):
    return [(one.entity, one.status) for one in platform.alerts() if one.kind == kind]


def quiet(platform, *kinds):
    for kind in kinds:
        platform.rule(kind, enabled=False)


def test_without_a_book_nothing_is_said_of_it(platform):
    platform.round()
    assert platform.alerts() == []


@pytest.mark.parametrize(
    ("kind", "figure", "threshold", "severity"),
    [("var_breach", "loss", 40.0, "warning"), ("drawdown", "fall", 0.15, "critical")],
)
def test_a_level_fires_at_the_threshold_and_not_below_and_ends_under_it(
    platform, go, kind, figure, threshold, severity
):
    quiet(platform, "limit_breach")
    go(**{figure: np.nextafter(threshold, 0.0) * (1.0 - 1e-15)})
    assert platform.alerts() == []
    go(**{figure: threshold})
    (alert,) = platform.alerts()
    limit = 0.04 if kind == "var_breach" else 0.15
    assert (alert.kind, alert.entity, alert.value, alert.threshold) == (kind, "book", limit, limit)
    assert (alert.severity, alert.status, alert.data["value"]) == (severity, "open", limit)
    go(**{figure: threshold * 2.0})
    assert told(platform, kind) == [("book", "open")]
    go(**{figure: threshold * 0.99})
    assert told(platform, kind) == [("book", "resolved")]
    assert platform.told() == [kind, "alert_resolved"]


def test_the_sentence_says_how_much_and_by_which_method(platform, go):
    quiet(platform, "limit_breach")
    go(loss=50.0, fall=0.2)
    found = {one.kind: one.message for one in platform.alerts()}
    assert found["var_breach"] == (
        "In one session of a hundred the paper book may lose 5.00% of its equity or more (monte_carlo)."
    )
    assert found["drawdown"] == "The paper book has lost 20.00% since its highest equity."


def test_a_threshold_of_ones_own_counts(platform, go):
    quiet(platform, "limit_breach", "var_breach")
    platform.rule("drawdown", threshold=0.05)
    go(fall=0.0499)
    assert platform.alerts() == []
    go(fall=0.05)
    assert told(platform, "drawdown") == [("book", "open")]
    assert [one.kind for one in platform.alerts("bob")] == []


@pytest.mark.parametrize(
    ("entity", "below", "at"),
    [
        ("gross", {"gross": 1499.9}, {"gross": 1500.0}),
        ("net", {"gross": 1249.9}, {"gross": 1250.0}),
        ("instrument d A", {"held": -499.9}, {"held": -500.0}),
        ("strategy one", {"held": 1249.9}, {"held": 1250.0}),
        ("var_99", {"loss": 39.9}, {"loss": 40.0}),
        ("var_95", {"loss": 24.9}, {"loss": 25.0}),
        ("drawdown", {"fall": 0.1499}, {"fall": 0.15}),
        ("stress", {"pnl": -249.9}, {"pnl": -250.0}),
    ],
)
def test_each_limit_is_breached_at_it_and_not_below(platform, go, entity, below, at):
    quiet(platform, "var_breach", "drawdown")
    go(**below)
    assert (entity, "open") not in told(platform, "limit_breach")
    go(**at)
    assert (entity, "open") in told(platform, "limit_breach")
    alert = next(one for one in platform.alerts() if one.entity == entity)
    assert (alert.value, alert.threshold) == (1.0, 1.0)
    go()
    assert (entity, "resolved") in told(platform, "limit_breach")


def test_a_filter_chooses_the_strategy_or_the_symbol(platform, go):
    quiet(platform, "limit_breach", "var_breach", "drawdown")
    platform.rule("mine", kind="limit_breach", filter={"symbol": "A"})
    go(held=2000.0, gross=2000.0)
    assert [(one.rule_id, one.entity, one.data["dataset_id"]) for one in platform.alerts()] == [
        ("mine", "instrument d A", "d")
    ]


def test_another_limit_counts_at_once_and_none_ends_what_was_breached(platform, go):
    quiet(platform, "var_breach", "drawdown")
    go(gross=1000.0)
    assert platform.alerts() == []
    platform.store.risk.put({"gross": 1.0}, by="ada")
    platform.round()
    assert told(platform, "limit_breach") == [("gross", "open")]
    platform.store.risk.put({"gross": None}, by="ada")
    platform.round()
    assert told(platform, "limit_breach") == [("gross", "resolved")]


@pytest.mark.parametrize("unknown", [{"loss": None}, {"measured": False}])
def test_what_is_not_known_raises_nothing_and_ends_nothing(platform, go, unknown):
    quiet(platform, "drawdown")
    go(**unknown)
    assert platform.alerts() == []
    go(loss=50.0)
    open_ones = [("var_95", "open"), ("var_99", "open")]
    assert (told(platform, "limit_breach"), told(platform, "var_breach")) == (open_ones, [("book", "open")])
    go(**unknown)
    assert (told(platform, "limit_breach"), told(platform, "var_breach")) == (open_ones, [("book", "open")])
