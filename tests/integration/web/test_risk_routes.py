"""What the paper book may lose, from its bars to the reply."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import delete

from app import risk
from app.tables import book_risk
from engine.risk import limits, losses, stress
from engine.risk.limits import LIMITS
from tests import book
from tests.book import application, follow, idle, upload

LONG = [str(day) for day in np.busday_offset("2025-06-02", np.arange(240), roll="forward")]
WALK = np.round(100.0 * np.exp(np.cumsum(np.random.default_rng(4).normal(0.0, 0.02, (240, 2)), axis=0)), 4)


def get(web, path, status=200):
    reply = web.get(f"/api/v1/risk{path}")
    assert reply.status_code == status, reply.text
    return reply.get_json()


def figure(told, method, level):
    return next(item for item in told["figures"] if (item["method"], item["level"]) == (method, level))


def put(web, **limits):
    return web.call("PUT", "/api/v1/risk/limits", json=limits)


def use(told, limit):
    return [item for item in told["usage"] if item["limit"] == limit]


@pytest.fixture
def here(shared, make_services):
    return application(shared, make_services())


@pytest.fixture(scope="module")
def calm(shared, make_services):
    """A book over a long past, for tests that only read."""
    web = application(shared, make_services())
    for count in (230, 231):
        upload(web, count, prices=WALK, days=LONG)
        assert follow(web) == ["succeeded"]
    return web


def test_without_a_book_there_is_no_risk_and_it_says_why(here):
    for path in ("/var", "/stress"):
        assert get(here, path, 404)["code"] == "no_book"


def test_losses_are_those_of_what_is_held_on_the_returns_up_to_its_last_bar(calm):
    told, current = get(calm, "/var"), book.get(calm, "/current")
    values = np.array([item["value"] for item in current["positions"]])
    returns = WALK[1:231] / WALK[:230] - 1.0
    assert (told["positions"], told["observations"], told["coverage"]) == (2, 230, 1.0)
    assert (told["start"], told["end"], told["unmeasured"]) == (LONG[0], LONG[230], [])
    assert (told["as_of"], told["equity"], told["quality"]) == (current["as_of"], current["equity"], "real")
    for level, tail in losses.TAILS.items():
        for method in ("historical", "parametric"):
            found, expected = figure(told, method, level), getattr(losses, method)(returns, values, tail)
            assert (found["var"], found["cvar"]) == pytest.approx((expected.var, expected.cvar), rel=1e-9)
            assert found["var_fraction"] == pytest.approx(expected.var / current["equity"], rel=1e-9)
            assert [item["symbol"] for item in found["instruments"]] == ["A", "B"]
            parts = [item["cvar"] for item in found["instruments"]]
            assert parts == pytest.approx(expected.cvar_parts.tolist(), rel=1e-9)
        drawn = figure(told, "monte_carlo", level)
        assert drawn["var"] == pytest.approx(figure(told, "parametric", level)["var"], rel=0.15)


def test_parts_of_strategies_and_of_instruments_sum_to_each_loss(calm):
    for found in get(calm, "/var")["figures"]:
        assert {item["strategy_id"] for item in found["strategies"]} == {"fast", "slow"}
        for parts in ("instruments", "strategies"):
            for name in ("var", "cvar"):
                assert sum(item[name] for item in found[parts]) == pytest.approx(found[name], rel=1e-9)


def test_a_longer_horizon_is_the_square_root_of_it_as_much(calm):
    one, ten = get(calm, "/var"), get(calm, "/var?horizon=10")
    assert (one["horizon_days"], ten["horizon_days"]) == (1, 10)
    for short, long in zip(one["figures"], ten["figures"], strict=True):
        for name in ("var", "cvar", "var_fraction", "cvar_fraction"):
            assert long[name] == pytest.approx(short[name] * math.sqrt(10), rel=1e-12)
        assert long["instruments"][0]["var"] == pytest.approx(short["instruments"][0]["var"] * math.sqrt(10))


@pytest.mark.parametrize("query", ["horizon=0", "horizon=251", "horizon=x", "days=3"])
def test_a_horizon_without_sense_is_refused(calm, query):
    assert get(calm, f"/var?{query}", 422)["code"] == "invalid_request"


def test_symbols_without_a_factor_are_named_and_count_nothing(calm):
    told = get(calm, "/stress")
    assert [item["scenario"] for item in told["scenarios"]] == [item.name for item in stress.SCENARIOS]
    assert [(item["symbol"], item["reason"]) for item in told["unmapped"]] == [
        (name, "No scenario has a factor for it.") for name in "AB"
    ]
    assert sum(abs(item["value"]) for item in told["unmapped"]) > 0.0
    assert {item["pnl"] for item in told["scenarios"]} == {0.0}
    assert told["exposures"] == []


def test_a_short_past_gives_reasons_and_no_numbers(here):
    upload(here, book.START)
    follow(here)
    told = get(here, "/var")
    assert (told["positions"], told["observations"], told["coverage"]) == (2, 0, 0.0)
    assert [item["reason"] for item in told["unmeasured"]] == ["It has 39 returns; 60 are needed."] * 2
    assert {(item["var"], item["cvar"], item["var_fraction"]) for item in told["figures"]} == {(None, None, None)}
    assert {item["reason"] for item in told["figures"]} == {"Nothing that is held has a past to measure it by."}


def test_a_past_that_is_enough_for_one_level_gives_that_one(here):
    upload(here, 80)
    follow(here)
    told = get(here, "/var")
    for method in ("historical", "parametric", "monte_carlo"):
        assert figure(told, method, 0.95)["var"] is not None
        far = figure(told, method, 0.99)
        assert (far["var"], far["reason"]) == (None, "There are 79 returns in common; 99% needs 100.")


def test_a_book_that_holds_nothing_loses_nothing(shared, make_services):
    web = application(shared, make_services(), idle)
    upload(web, book.START)
    assert follow(web) == ["succeeded"]
    told = get(web, "/var")
    assert (told["positions"], told["coverage"], told["observations"]) == (0, None, 0)
    assert {(item["var"], item["cvar"], item["reason"]) for item in told["figures"]} == {(0.0, 0.0, None)}
    assert {item["pnl"] for item in get(web, "/stress")["scenarios"]} == {0.0}


def test_a_mark_that_was_never_measured_is_said_to_be(here):
    upload(here, book.START)
    follow(here)
    with here.services.store.database.write() as tx:
        tx.execute(delete(book_risk))
    for path in ("/var", "/stress"):
        assert get(here, path, 404)["code"] == "not_measured"


def test_limits_are_there_before_the_book_and_nothing_uses_them(here):
    told = get(here, "/limits")
    assert (told["version"], told["usage"], told["status"], told["changed_by"]) == (0, [], None, None)
    assert told["limits"] == {name: item.default for name, item in LIMITS.items()}


def test_what_is_used_of_each_limit_is_that_of_the_book(calm):
    told, current, losses_now = get(calm, "/limits"), book.get(calm, "/current"), get(calm, "/var")
    assert use(told, "gross")[0]["value"] == pytest.approx(current["gross_exposure"])
    assert use(told, "net")[0]["value"] == pytest.approx(abs(current["net_exposure"]))
    assert use(told, "drawdown")[0]["value"] == -current["drawdown"]
    assert [item["value"] for item in use(told, "instrument")] == [abs(item["weight"]) for item in current["positions"]]
    assert {item["strategy_id"] for item in use(told, "strategy")} == {"fast", "slow"}
    for name, level in (("var_95", 0.95), ("var_99", 0.99)):
        worst = max(item["var_fraction"] for item in losses_now["figures"] if item["level"] == level)
        assert use(told, name)[0]["value"] == worst
    assert use(told, "stress")[0]["value"] == 0.0
    for item in told["usage"]:
        assert item["bound"] == told["limits"][item["limit"]]
        assert item["utilisation"] == pytest.approx(item["value"] / item["bound"])
        assert item["status"] == limits.status(item["utilisation"])


def test_a_limit_that_was_put_holds_at_once_and_the_rest_have_their_defaults(here):
    upload(here, book.START)
    follow(here)
    gross = use(get(here, "/limits"), "gross")[0]["value"]
    assert 0.0 < gross < 1.5
    told = put(here, gross=gross, drawdown=None).get_json()
    assert (told["version"], told["changed_by"], told["status"]) == (1, here.owner, "breach")
    assert (use(told, "gross")[0]["status"], use(told, "gross")[0]["utilisation"]) == ("breach", 1.0)
    assert (use(told, "drawdown")[0]["bound"], use(told, "drawdown")[0]["status"]) == (None, None)
    assert told["limits"]["net"] == LIMITS["net"].default
    assert put(here, gross=gross, drawdown=None).get_json() == told == get(here, "/limits")
    above = put(here, gross=math.nextafter(gross, 2.0)).get_json()
    assert (above["version"], use(above, "gross")[0]["status"]) == (2, "warning")
    unknown = use(above, "var_95")[0]
    assert (unknown["value"], unknown["status"]) == (None, None)
    assert "past" in unknown["reason"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"gros": 1.0}, "/gros"), ({"gross": 0}, "/gross"), ({"gross": "1"}, "/gross"), ({"net": 1e9}, "/net")],
)
def test_limits_without_sense_are_refused(calm, body, pointer):
    reply = put(calm, **body)
    problem = reply.get_json()
    assert (reply.status_code, problem["code"], problem["pointer"]) == (422, "invalid_request", pointer), problem
    if pointer == "/gros":
        assert problem["nearest"] == "gross"
    assert get(calm, "/limits")["version"] == 0


def test_only_who_may_run_may_change_limits(calm):
    assert put(calm.other("read"), gross=1.0).status_code == 403


def test_of_a_book_without_equity_nothing_is_a_part():
    mark = SimpleNamespace(gross=5.0, net=0.0, equity=-1.0, drawdown=-1.5, positions=[])
    figures = [{"level": level, "method": "historical", "var": 1.0} for level in losses.TAILS]
    told = {"gross": [], "stress": {"scenarios": [{"pnl": -1.0}]}, "var": {"figures": figures}}
    found = {name: figure for name, figure, _ in risk._figures(mark, told)}
    assert found["gross"].reason == found["stress"].reason == found["var_95"].reason
    assert "no equity" in found["gross"].reason
    assert (found["net"].value, found["drawdown"].value) == (0.0, 1.5)
