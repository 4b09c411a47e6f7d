"""A run of a strategy that looks ahead fails, and everybody can see why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.shelf import Shelf
from app.web.factory import create_app
from engine import strategy
from engine.errors import QueuantError
from engine.lookahead import CUTS
from workers import pipeline
from workers.verifying import CUTS_AGAIN


@strategy(family="test", source="none", dataset="fx_daily", symbols=("EURUSD",))
def tomorrow(bars):
    """Hold what rises on the next bar."""
    ahead = np.vstack((bars.close[1:], bars.close[-1:]))
    return (ahead > bars.close).astype(float)


calls = []


@strategy(family="test", source="none", dataset="fx_daily", symbols=("EURUSD",))
def counted(bars):
    """Hold everything, and count how often that was asked."""
    calls.append(len(bars))
    return np.ones(bars.close.shape)


class Planted(Shelf):
    """The shelf with two strategies more."""

    def get(self, strategy_id, version=None):
        return {"tomorrow": tomorrow, "counted": counted}.get(strategy_id) or super().get(strategy_id, version)


@pytest.fixture(scope="module")
def here(shared):
    services = replace(shared.services, shelf=Planted())
    return type(shared)(create_app(services), services)


def work(web, reply):
    """Do as a worker does with the job of a reply."""
    assert reply.status_code == 202, reply.text
    claim = web.services.jobs.claim(reply.get_json()["job_id"], lease_owner="test")
    try:
        output = pipeline.run(claim, web.services, lambda *_: None)
    except QueuantError as error:
        web.services.jobs.fail(claim, error.detail())
    else:
        web.services.jobs.finish(claim, output)
    return web.get(f"/api/v1/jobs/{claim.job_id}").get_json()


def test_a_run_with_a_look_ahead_fails_and_says_which_decision_changed(here):
    job = work(here, here.post("/api/v1/backtest/run", {"strategy_id": "tomorrow"}))
    assert job["status"] == "failed"
    assert job["error"]["code"] == "lookahead_detected"
    assert "EURUSD" in job["error"]["message"]
    assert job["error"]["given"]["with_future"] != job["error"]["given"]["without"]
    shown = here.get("/api/v1/strategies/tomorrow").get_json()["lookahead"]
    assert shown["verdict"] == "looks_ahead"
    assert shown["on"].startswith("fx_daily@")
    again = work(here, here.post("/api/v1/backtest/run?fresh=true", {"strategy_id": "tomorrow"}))
    assert again["error"] == job["error"]


def test_a_strategy_is_checked_once_for_each_version_data_and_parameters(here):
    assert here.get("/api/v1/strategies/counted").get_json()["lookahead"]["verdict"] == "unchecked"
    for _ in range(2):
        job = work(here, here.post("/api/v1/backtest/run?fresh=true", {"strategy_id": "counted"}))
        assert job["status"] == "succeeded"
    assert 2 < len(calls) <= CUTS + 2  # one for each run, and the pasts of the first
    result = here.get(f"/api/v1/jobs/{job['job_id']}/result").get_json()
    assert result["lookahead"]["verdict"] == "clean"
    assert here.get("/api/v1/strategies/counted").get_json()["lookahead"]["verdict"] == "clean"
    before = len(calls)
    work(here, here.post("/api/v1/backtest/run", {"strategy_id": "counted", "symbols": ["GBPUSD"]}))
    assert before + 2 < len(calls) <= before + 1 + CUTS_AGAIN  # clean otherwise: a few places do


def test_a_check_can_be_asked_for(here):
    reply = here.post("/api/v1/strategies/sma_cross/verify", {"params": {"fast": 5}, "dataset": "sp500_daily"})
    job = work(here, reply)
    assert (job["kind"], job["status"]) == ("verify", "succeeded")
    assert set(job["links"]) == {"self", "events", "live", "result"}
    found = here.get(f"/api/v1/jobs/{job['job_id']}/result").get_json()
    assert found["lookahead"]["verdict"] == "clean"
    assert found["request"]["params"]["fast"] == 5
    assert here.get(f"/api/v1/jobs/{job['job_id']}/trades").status_code == 404
    repeat = here.post("/api/v1/strategies/sma_cross/verify", {"params": {"fast": 5}, "dataset": "sp500_daily"})
    assert repeat.get_json()["cached"] is True
    found = work(here, here.post("/api/v1/strategies/tomorrow/verify", {}))
    assert found["status"] == "succeeded"  # the check did its work, and the verdict is in its result
    told = here.get(f"/api/v1/jobs/{found['job_id']}/result").get_json()["lookahead"]
    assert (told["verdict"], told["leak"]["symbol"]) == ("looks_ahead", "EURUSD")


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "pointer"),
    [
        ("sma_corss", {}, 404, "unknown_strategy", None),
        ("sma_cross", {"params": {"fast": 1}}, 422, "invalid_parameter", "/params/fast"),
        ("sma_cross", {"dataset": "nowhere"}, 422, "unknown_dataset", "/dataset"),
        ("sma_cross", {"config": {}}, 422, "invalid_request", "/config"),
    ],
)
def test_a_bad_check_is_refused(here, path, body, status, code, pointer):
    reply = here.post(f"/api/v1/strategies/{path}/verify", body)
    told = reply.get_json()
    assert (reply.status_code, told["code"]) == (status, code)
    assert told.get("pointer", (told.get("errors") or [{}])[0].get("pointer")) == pointer


def test_asking_for_a_check_needs_the_scope_to_run(here):
    reader = here.other("read")
    assert reader.post("/api/v1/strategies/sma_cross/verify", {}).status_code == 403
