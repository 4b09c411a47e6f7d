"""The paper book as it is read and made up over HTTP."""

from __future__ import annotations

import pytest

from engine import Bars
from tests.book import BOOK, DAYS, PRICES, START, application, expected, fast, follow, get, open_book, put, slow, upload


@pytest.fixture
def here(shared, make_services):
    return application(shared, make_services())


@pytest.fixture(scope="module")
def calm(shared, make_services):
    """A book for tests that only read."""
    return open_book(application(shared, make_services()))


@pytest.fixture
def opened(here):
    return open_book(here)


def test_without_signals_there_is_no_book_and_it_says_why(here):
    for path in ("/current", "/target", "/attribution", "/history", "/trades"):
        problem = get(here, path, 404)
        assert problem["code"] == "no_book"
        assert "GET /signals/latest" in problem["detail"]
    assert get(here, "/book")["version"] == 0


def test_whose_the_gains_were_sums_to_what_was_gained(calm):
    found = get(calm, "/attribution")
    assert [item["strategy_id"] for item in found["sleeves"]] in (["fast", "slow"], ["slow", "fast"])
    assert found["total"] == get(calm, "/current")["equity"] - 1e6
    assert sum(item["pnl"] for item in found["sleeves"]) == pytest.approx(found["total"], rel=1e-9)
    assert sum(item["contribution"] for item in found["sleeves"]) == pytest.approx(found["total_return"], rel=1e-9)
    few = get(calm, "/attribution?days=1")
    assert (few["start"][:10], few["end"][:10]) == (DAYS[START + 2],) * 2
    assert few["total"] == pytest.approx(get(calm, "/current")["pnl"]["day"])


def test_the_target_says_who_wants_what(calm):
    found = get(calm, "/target")
    said = {
        item.id: item.bind()(Bars.from_closes(DAYS[: START + 3], PRICES[: START + 3], ("A", "B")))
        for item in (fast, slow)
    }
    for column, item in enumerate(found["targets"]):
        wants = {name: 0.5 * weights[-1, column] for name, weights in said.items()}
        assert (item["symbol"], item["wants"]) == ("AB"[column], wants)
        assert item["weight"] == item["asked"] == sum(wants.values())
    assert found["net"] == sum(item["weight"] for item in found["targets"])


def test_trades_come_in_pages_newest_first_and_new_ones_move_no_page(opened):
    every = get(opened, "/trades")["trades"]
    page = get(opened, "/trades?limit=2")
    upload(opened, START + 6)
    follow(opened)
    rest = get(opened, f"/trades?limit=5000&cursor={page['next']}")["trades"]
    assert page["trades"] + rest == every
    assert [row["n"] for row in every] == list(range(len(every), 0, -1))
    ledger = expected(START + 3, BOOK)
    assert [row["quantity"] for row in reversed(every)] == ledger.fills["quantity"].tolist()
    assert get(opened, "/trades?cursor=x", 422)["code"] == "invalid_cursor"


def test_history_is_some_days_or_some_points(calm):
    whole = get(calm, "/history")
    assert (whole["bars"], len(whole["time"])) == (START + 3, START + 3)
    assert sum(whole["pnl"]) == pytest.approx(whole["equity"][-1] - 1e6)
    few = get(calm, "/history?days=7")
    assert few["time"] == whole["time"][-5:]
    assert few["pnl"] == whole["pnl"][-5:]
    thin = get(calm, "/history?points=10")
    assert (thin["bars"], thin["time"][0], thin["time"][-1]) == (START + 3, whole["time"][0], whole["time"][-1])
    assert len(thin["time"]) <= 10


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"strategies": [{"strategy_id": "fats"}]}, "unknown_strategy", "/strategies/0/strategy_id"),
        ({"strategies": [{"strategy_id": "fast"}] * 2}, "invalid_request", "/strategies/1/strategy_id"),
        ({"strategies": [{"strategy_id": "fast", "weight": 2}]}, "invalid_weight", "/strategies/0/weight"),
        ({"strategies": [{"strategy_id": "fast", "wieght": 2}]}, "invalid_request", "/strategies/0/wieght"),
        ({"strategies": "some"}, "invalid_request", "/strategies"),
        ({"strategies": []}, "invalid_request", "/strategies"),
        ({"capital": 0}, "invalid_request", "/capital"),
        ({"config": {"fill": "same_close"}}, "fill_unavailable", "/config/fill"),
        ({"config": {"initial_capital": 5}}, "invalid_config", "/config/initial_capital"),
        ({"config": {"max_leverage": 500}}, "invalid_config", "/config/max_leverage"),
        ({"config": {"fil": "next_open"}}, "invalid_config", "/config/fil"),
        ({"breaker": {}}, "invalid_request", "/breaker/drawdown"),
        ({"breaker": {"drawdown": 1.5}}, "invalid_request", "/breaker/drawdown"),
        ({"breaker": {"drawdown": 0.1, "cooldown": 5}}, "invalid_request", "/breaker/cooldown"),
    ],
)
def test_a_configuration_without_sense_is_refused(calm, body, code, pointer):
    reply = put(calm, **body)
    problem = reply.get_json()
    assert (reply.status_code, problem["code"], problem.get("pointer")) == (422, code, pointer), problem
    assert get(calm, "/book")["version"] == 0


def test_what_was_put_is_told_and_capital_stays_once_the_book_is_open(here):
    body = {"strategies": [{"strategy_id": "fast"}], "capital": 5000, "start_date": DAYS[20]}
    told = put(here, **body).get_json()
    assert (told["version"], told["capital"], told["changed_by"]) == (1, 5000.0, here.owner)
    assert told["strategies"] == [{"strategy_id": "fast", "weight": None}]
    assert put(here, **body).get_json() == told == get(here, "/book")
    upload(here, START)
    follow(here)
    assert get(here, "/history")["time"][0][:10] == DAYS[20]
    assert get(here, "/current")["capital"] == 5000.0
    for change in ({"capital": 6000}, {"start_date": DAYS[21]}):
        refused = put(here, **change)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "book_is_open")
    assert put(here, strategies="all").get_json()["capital"] == 5000.0


def test_only_who_may_run_may_change_the_book(calm):
    assert put(calm.other("read"), strategies="all").status_code == 403


def test_synthetic_data_are_said_to_be(here):
    upload(here, START, quality="synthetic")
    follow(here)
    for path in ("/current", "/target", "/history", "/attribution"):
        assert get(here, path)["quality"] == "synthetic"
    assert {row["quality"] for row in get(here, "/current")["positions"]} == {"synthetic"}


def test_a_band_of_its_own_needs_no_word_for_what_a_book_does_anyway(here):
    told = put(here, config={"drift_band": 0.05}).get_json()
    assert (told["config"]["rebalance"], told["config"]["drift_band"]) == ("drift", 0.05)
    told = put(here, config={"rebalance": "monthly"}).get_json()
    assert (told["config"]["rebalance"], told["config"]["drift_band"]) == ("monthly", None)
    assert put(here, config={"rebalance": "monthly", "drift_band": 0.05}).status_code == 422
