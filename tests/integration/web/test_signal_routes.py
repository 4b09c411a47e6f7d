"""Signals over HTTP: computed by jobs, found due by supervisors, read as they were said; parameters that stand."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated

import numpy as np
import pytest

from app import signals
from app.errors import StoreUnavailable
from app.web.factory import create_app
from engine import Range, strategy
from engine.errors import QueuantError
from engine.strategy import Decision
from tests.shelf import Few
from workers import pipeline, supervisor

PARAMS = "/api/v1/strategies/spread/params"


def not_at_half(*, weight):
    return "weight must not be 0.5" if weight == 0.5 else None


@strategy(family="pairs", source="none", dataset="fx_daily", symbols=("USDJPY", "EURUSD"), check=not_at_half)
def spread(bars, weight: Annotated[float, Range(-1.0, 1.0), "Of the first leg."] = 0.25):
    """Long one, short the other; the other way round from a day in 2026 on."""
    late = bars.sessions >= np.datetime64("2026-10-20")
    first = np.where(late, -weight, weight)
    reasons = {"The yen is cheap.": late}
    return Decision(np.column_stack([first, -first]), score=first * -6, raw=bars.close[:, 0], reasons=reasons)


@strategy(family="trend", source="none", dataset="sp500_daily")
def index(bars):
    """Hold the index."""
    return np.ones(bars.close.shape)


@strategy(family="none", source="none", dataset="moon_daily")
def homeless(bars):
    """Hold what nobody has."""
    return np.ones(bars.close.shape)


@strategy(family="none", source="none", dataset="fx_daily")
def broken(bars):
    """Raise."""
    raise ValueError("no")


@pytest.fixture
def here(shared, make_services):
    """An application with a store and a shelf of its own."""
    return application(shared, make_services)


@pytest.fixture(scope="module")
def calm(shared, make_services):
    """One for tests that leave nothing behind."""
    return application(shared, make_services)


def application(shared, make_services):
    services = replace(make_services(), shelf=Few(broken, homeless, index, spread))
    return type(shared)(create_app(services), services)


def work(web):
    """Do as a worker does with every job that waits; how each ended."""
    ended = {}
    while job_id := web.services.queue.take() or web.services.queue.take("batch"):
        claim = web.services.jobs.claim(job_id, lease_owner="test")
        try:
            output = pipeline.run(claim, web.services, lambda *_: None)
        except QueuantError as error:
            ended[claim.request["strategy_id"]] = web.services.jobs.fail(claim, error.detail())
        else:
            ended[claim.request["strategy_id"]] = web.services.jobs.finish(claim, output)
    return ended


def get(web, path):
    reply = web.get(f"/api/v1{path}")
    assert reply.status_code == 200, reply.text
    return reply.get_json()


def absent(web):
    return {item["strategy_id"]: item["reason"] for item in get(web, "/signals/latest")["missing"]}


def put(web, body, **headers):
    return web.call("PUT", PARAMS, json=body, headers=headers)


def test_a_supervisor_has_the_signals_made_that_are_due_and_only_once(here):
    assert absent(here) == {
        "broken": "not_computed",
        "homeless": "unknown_dataset",
        "index": "not_computed",
        "spread": "not_computed",
    }
    supervisor.look(here.services)
    supervisor.look(here.services)
    assert absent(here)["spread"] == "queued"
    assert work(here) == {"broken": "failed", "index": "succeeded", "spread": "succeeded"}
    supervisor.look(here.services)
    assert work(here) == {}
    assert absent(here) == {"broken": "strategy_error", "homeless": "unknown_dataset"}


def test_two_supervisors_that_look_at_the_same_moment_make_one_job(here, monkeypatch):
    runs = here.services.store.signals.runs()
    monkeypatch.setattr(here.services.store.signals, "runs", lambda: runs)
    for _ in range(2):
        assert signals.submit_due(here.services) == ["broken", "index", "spread"]
    assert len(work(here)) == len(here.services.store.read.ended(0.0)) == 3


def test_the_latest_signals_say_direction_and_reason_with_their_versions(here):
    supervisor.look(here.services)
    work(here)
    found = get(here, "/strategies/spread/signal/latest")
    first, second = found["signals"]
    assert found["strategy_id"], found["dataset_id"] == ("spread", "fx_daily")
    assert {name: first[name] for name in ("symbol", "direction", "strength", "conviction", "weight", "z_score")} == {
        "symbol": "USDJPY",
        "direction": "SHORT",
        "strength": "moderate",
        "conviction": -0.5,
        "weight": -0.25,
        "z_score": 1.5,
    }
    assert (second["symbol"], second["direction"], second["conviction"]) == ("EURUSD", "LONG", 0.5)
    assert first["reason"] == "The yen is cheap."
    catalog = here.services.catalog
    assert (first["strategy_version"], first["params_version"]) == (spread.version, 0)
    assert (first["dataset_version"], first["quality"]) == (catalog.get("fx_daily").version, "real")
    assert first["time"] == "2026-10-30T00:00:00.000Z"
    everybody = get(here, "/signals/latest")["signals"]
    assert [one for one in everybody if one["strategy_id"] == "spread"] == found["signals"]
    assert [one["time"] for one in everybody if one["strategy_id"] == "index"] == ["2018-12-31T00:00:00.000Z"]


def test_history_is_per_symbol_and_knows_the_day_of_the_flip(here):
    supervisor.look(here.services)
    work(here)
    told = get(here, "/strategies/spread/signal/history?days=14")["signals"]
    assert {one["symbol"] for one in told} == {"USDJPY", "EURUSD"}
    assert [one["time"][:10] for one in told] == sorted(one["time"][:10] for one in told)
    assert {(one["time"][:10], one["symbol"]) for one in told if one["change"] == "flip"} == {
        ("2026-10-20", "USDJPY"),
        ("2026-10-20", "EURUSD"),
    }
    assert len(get(here, "/strategies/spread/signal/history?days=365")["signals"]) > 500


def test_the_heat_map_shows_the_loudest_symbol_of_each_day(here):
    supervisor.look(here.services)
    work(here)
    found = get(here, "/signals/heatmap?days=14")
    rows = {row["strategy_id"]: row for row in found["strategies"]}
    assert list(rows) == ["broken", "homeless", "index", "spread"]
    assert (found["days"][-1], len(found["days"])) == ("2026-10-30", 10)
    turn = found["days"].index("2026-10-20")
    assert rows["spread"]["conviction"] == [0.5] * turn + [-0.5] * (10 - turn)
    assert set(rows["spread"]["symbol"]) == {"USDJPY"}
    assert rows["spread"]["reason"][-1] == "The yen is cheap."
    assert rows["spread"]["change"][turn] == "flip"
    assert (rows["spread"]["quality"], rows["index"]["quality"]) == ("real", None)
    assert set(rows["index"]["conviction"]) == {None}  # its data end in 2018
    assert [item["strategy_id"] for item in found["missing"]] == ["broken", "homeless"]


def test_the_heat_map_can_end_where_a_strategy_had_its_last_word(here):
    supervisor.look(here.services)
    work(here)
    for end in ("2018-12-31", "2019-01-02"):
        found = get(here, f"/signals/heatmap?days=14&end={end}")
        rows = {row["strategy_id"]: row for row in found["strategies"]}
        assert (found["days"][0], found["days"][-1]) == ("2018-12-18", "2018-12-31")
        assert None not in rows["index"]["conviction"]
    assert get(here, "/signals/heatmap?end=1970-01-01")["days"] == []
    assert get(here, "/signals/heatmap?end=9999-12-31") == get(here, "/signals/heatmap")
    assert here.get("/api/v1/signals/heatmap?end=2026-02-30").get_json()["pointer"] == "/end"


def test_parameters_that_were_put_are_those_of_the_next_run_and_the_next_signal(here):
    supervisor.look(here.services)
    work(here)
    changed = put(here, {"weight": -0.125}).get_json()
    assert (changed["version"], changed["params"], changed["changed_by"]) == (1, {"weight": -0.125}, here.owner)
    assert absent(here)["spread"] == "not_computed"
    supervisor.look(here.services)
    assert work(here) == {"spread": "succeeded"}
    assert {
        (one["weight"], one["params_version"]) for one in get(here, "/strategies/spread/signal/latest")["signals"]
    } == {
        (0.125, 1),
        (-0.125, 1),
    }
    dry = here.post("/api/v1/backtest/run?dry_run=true", {"strategy_id": "spread"}).get_json()
    assert dry["request"]["params"] == {"weight": -0.125}
    said = here.post("/api/v1/backtest/run?dry_run=true", {"strategy_id": "spread", "params": {"weight": 0.1}})
    assert said.get_json()["request"]["params"] == {"weight": 0.1}


def test_signals_are_the_weights_of_a_backtest_of_the_same_request(here):
    put(here, {"weight": 0.3})
    supervisor.look(here.services)
    work(here)
    job_id = here.post("/api/v1/backtest/run", {"strategy_id": "spread"}).get_json()["job_id"]
    request = here.services.store.read.job(job_id, here.owner).request
    run = here.services.store.signals.runs()["spread"].request
    for name in ("params", "strategy_version", "dataset_version", "symbols", "start_date", "end_date"):
        assert run[name] == request[name]
    bars = here.services.catalog.bars("fx_daily", request["symbols"], request["start_date"], request["end_date"])
    traded = spread.bind(**request["params"])(bars)
    told = get(here, "/strategies/spread/signal/history?days=365")["signals"]
    assert [one["weight"] for one in told] == traded[-len(told) // 2 :].ravel().tolist()


def test_a_new_version_of_the_strategy_speaks_anew_and_an_old_one_after_it_too(here):
    def look():
        supervisor.look(here.services)
        return list(work(here))

    assert "spread" in look()
    here.services.shelf.items["spread"] = replace(spread, code=b"another version")
    assert look() == ["spread"]
    assert look() == []
    here.services.shelf.items["spread"] = spread  # taken back
    assert look() == ["spread"]
    versions = {one["strategy_version"] for one in get(here, "/strategies/spread/signal/latest")["signals"]}
    assert versions == {spread.version}


def test_signals_can_be_asked_for(here):
    reply = here.post("/api/v1/strategies/spread/signal")
    assert reply.status_code == 202, reply.text
    assert work(here) == {"spread": "succeeded"}
    outcome = get(here, f"/jobs/{reply.get_json()['job_id']}/result")
    assert outcome["signals"]["latest"] == {"LONG": 1, "NEUTRAL": 0, "SHORT": 1}
    assert outcome["signals"]["flips"] == 2
    assert outcome["provenance"]["params_version"] == 0
    assert "spread" not in absent(here)
    assert here.get("/api/v1/strategies/spread/backtest").status_code == 404  # it is no backtest


def test_a_strategy_that_has_said_nothing_says_why(calm):
    for strategy_id, why in (("homeless", "There is no dataset 'moon_daily'."), ("spread", "within 30 seconds")):
        reply = calm.get(f"/api/v1/strategies/{strategy_id}/signal/latest")
        assert (reply.status_code, reply.get_json()["code"]) == (404, "no_signals")
        assert why in reply.get_json()["detail"]


@pytest.mark.parametrize("path", ["signal/latest", "signal/history?days=3", "params", "backtest"])
def test_an_unknown_strategy_is_404_with_the_nearest(calm, path):
    reply = calm.get(f"/api/v1/strategies/spraed/{path}")
    assert (reply.status_code, reply.get_json()["code"]) == (404, "unknown_strategy")
    assert reply.get_json()["nearest"] == "spread"


@pytest.mark.parametrize("days", ["0", "366", "-1", "x", "1.5"])
@pytest.mark.parametrize("path", ["/strategies/spread/signal/history", "/signals/heatmap"])
def test_days_without_sense_are_refused(calm, path, days):
    reply = calm.get(f"/api/v1{path}?days={days}")
    assert (reply.status_code, reply.get_json()["pointer"]) == (422, "/days")


def test_every_change_of_parameters_is_kept_with_who_made_it(here):
    assert get(here, "/strategies/spread/params") == {
        "strategy_id": "spread",
        "version": 0,
        "params": {"weight": 0.25},
        "overrides": {},
        "changed_by": None,
        "changed_at": None,
        "history": [],
    }
    put(here, {"weight": 1})
    other = here.other("read", "run")
    assert put(other, {}).get_json()["params"] == {"weight": 0.25}
    found = get(here, "/strategies/spread/params")
    assert (found["version"], found["overrides"], found["changed_by"]) == (2, {}, other.owner)
    assert [(one["version"], one["overrides"], one["changed_by"]) for one in found["history"]] == [
        (2, {}, other.owner),
        (1, {"weight": 1.0}, here.owner),
    ]


def test_putting_the_same_again_changes_nothing(here):
    first = put(here, {"weight": 0.75})
    again = put(here.other(), {"weight": 0.75})
    assert (again.status_code, again.get_json(), again.headers["ETag"]) == (200, first.get_json(), '"1"')


def test_a_change_of_what_somebody_else_has_changed_is_refused_where_that_is_asked(here):
    tag = here.get(PARAMS).headers["ETag"]
    assert put(here, {"weight": 0.75}, **{"If-Match": tag}).status_code == 200
    late = put(here, {"weight": -0.75}, **{"If-Match": tag})
    assert (late.status_code, late.get_json()["code"]) == (409, "params_changed")
    assert put(here, {"weight": -0.75}, **{"If-Match": "1"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"wieght": 0.1}, 422, "invalid_parameter", "/wieght"),
        ({"weight": 7}, 422, "invalid_parameter", "/weight"),
        ({"weight": "0.1"}, 422, "invalid_parameter", "/weight"),
        ({"weight": 0.5}, 422, "invalid_parameter", ""),
        ([], 422, "invalid_request", ""),
        (7, 422, "invalid_request", ""),
    ],
)
def test_parameters_that_mean_nothing_are_refused_and_leave_no_trace(calm, body, status, code, pointer):
    reply = put(calm, body)
    problem = reply.get_json()
    assert (reply.status_code, problem["code"], problem.get("pointer")) == (status, code, pointer), problem
    assert get(calm, "/strategies/spread/params")["version"] == 0


def test_parameters_that_an_earlier_version_took_are_named_when_they_fit_no_more(here):
    put(here, {"weight": 0.75})
    narrower = replace(spread.parameters[0], high=0.5)
    here.services.shelf.items["spread"] = replace(spread, parameters=(narrower,))
    reply = here.get(PARAMS)
    assert (reply.status_code, reply.get_json()["code"]) == (409, "params_unfit")
    assert absent(here)["spread"] == "invalid_parameter"
    assert here.post("/api/v1/backtest/run", {"strategy_id": "spread"}).status_code == 422


def test_only_who_may_run_may_change_parameters(calm):
    reader = calm.other("read")
    assert put(reader, {"weight": 0.75}).status_code == 403
    assert reader.post("/api/v1/strategies/spread/signal").status_code == 403
    assert reader.get(PARAMS).status_code == 200


def test_a_strategy_has_its_latest_result(here):
    job_id = here.finished(strategy_id="spread")
    assert get(here, "/strategies/spread/backtest")["job_id"] == job_id


class Rounds:
    """An event that is set after some rounds of waiting, each of which takes a moment."""

    def __init__(self, count):
        self.left = count

    def wait(self, _):
        time.sleep(0.01)
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize(("seconds", "queued"), [("0", 0), ("60", 0), ("0.001", 3)])
def test_a_supervisor_looks_as_often_as_the_setting_says(make_services, seconds, queued):
    services = make_services(signals_seconds=float(seconds))
    services = replace(services, shelf=Few(broken, homeless, index, spread))
    supervisor.supervise(services, Rounds(3))
    assert services.queue.length("batch") == queued


def test_a_supervisor_goes_on_when_a_strategy_or_the_store_fails(calm, monkeypatch):
    def fail(error):
        def submit_due(_):
            raise error

        monkeypatch.setattr(signals, "submit_due", submit_due)
        supervisor.look(calm.services)

    fail(StoreUnavailable("The database did not answer in time."))
    fail(TypeError("a check of a strategy"))
