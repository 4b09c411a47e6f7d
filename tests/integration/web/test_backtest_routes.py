"""Start a backtest, read and compare results."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

RUN = "/api/v1/backtest/run"
SMA = {"strategy_id": "sma_cross", "params": {"fast": 10, "slow": 50}}


def test_a_backtest_is_queued_and_its_address_told(web: Any) -> None:
    reply = web.post(RUN, SMA)
    body = reply.get_json()
    assert reply.status_code == 202
    assert reply.headers["Location"] == f"/api/v1/jobs/{body['job_id']}"
    assert body["status"] == "queued"
    assert body["cached"] is False
    assert body["poll_after_ms"] > 0
    assert len(body["request_hash"]) == 64
    assert body["links"]["self"] == reply.headers["Location"]
    assert body["job_id"] in web.services.queue.rung["interactive"]
    assert web.get(body["links"]["self"]).get_json()["request_hash"] == body["request_hash"]


def test_the_same_request_is_answered_from_the_store_unless_a_fresh_run_is_asked(web: Any) -> None:
    first = web.post(RUN, SMA).get_json()
    web.succeed(first["job_id"])
    again = web.post(RUN, SMA).get_json()
    assert (again["job_id"], again["cached"], again["status"]) == (first["job_id"], True, "succeeded")
    assert again["poll_after_ms"] == 0
    fresh = web.post(f"{RUN}?fresh=true", SMA).get_json()
    assert (fresh["cached"], fresh["request_hash"]) == (False, first["request_hash"])
    assert fresh["job_id"] != first["job_id"]


def test_defaults_that_are_written_out_are_the_same_request(web: Any) -> None:
    short = web.post(f"{RUN}?dry_run=true", {"strategy_id": "sma_cross"}).get_json()
    long = web.post(f"{RUN}?dry_run=true", {"strategy_id": "sma_cross", "params": {"fast": 20.0}, "seed": 0})
    assert short["request_hash"] == long.get_json()["request_hash"]


def test_a_dry_run_validates_and_estimates_and_queues_nothing(web: Any) -> None:
    body = web.post(f"{RUN}?dry_run=true", {**SMA, "symbols": ["EURUSD", "GBPUSD"]}).get_json()
    assert body["valid"] is True
    assert body["request"]["params"]["fast"] == 10
    assert body["estimate"]["cells"] == body["estimate"]["bars"] * 2
    assert web.get("/api/v1/jobs").get_json()["jobs"] == []


def test_an_idempotency_key_gives_the_same_job_however_often_it_is_sent(web: Any) -> None:
    headers = {"Idempotency-Key": "monday, first try"}
    ids = {web.post(f"{RUN}?fresh=true", SMA, headers=headers).get_json()["job_id"] for _ in range(3)}
    assert len(ids) == 1


def test_requests_with_one_key_at_the_same_time_make_one_job(web: Any) -> None:
    def send(_: int) -> str:
        reply = web.post(f"{RUN}?fresh=true", SMA, headers={"Idempotency-Key": "at once"})
        assert reply.status_code == 202, reply.text
        return str(reply.get_json()["job_id"])

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(send, range(24)))) == 1
    assert len(web.get("/api/v1/jobs").get_json()["jobs"]) == 1


def test_an_idempotency_key_is_refused_with_another_body(web: Any) -> None:
    headers = {"Idempotency-Key": "one"}
    web.post(RUN, SMA, headers=headers)
    reply = web.post(RUN, {"strategy_id": "buy_and_hold"}, headers=headers)
    assert (reply.status_code, reply.get_json()["code"]) == (409, "idempotency_conflict")


def test_keys_of_two_owners_do_not_meet(web: Any) -> None:
    headers = {"Idempotency-Key": "one"}
    mine = web.post(RUN, SMA, headers=headers).get_json()["job_id"]
    assert web.other().post(RUN, SMA, headers=headers).get_json()["job_id"] != mine


def test_who_prefers_to_wait_gets_the_ended_job(web: Any) -> None:
    first = web.run(**SMA)
    waiting = threading.Timer(0.1, lambda: web.succeed(web.get("/api/v1/jobs").get_json()["jobs"][0]["job_id"]))
    waiting.start()
    reply = web.post(f"{RUN}?fresh=true", SMA, headers={"Prefer": "respond-async, wait=20"})
    waiting.join()
    body = reply.get_json()
    assert (reply.status_code, body["status"]) == (200, "succeeded")
    assert reply.headers["Preference-Applied"] == "wait=20"
    assert body["job_id"] != first
    assert reply.headers["Location"].endswith(body["job_id"])


def test_waiting_ends_with_202_when_the_time_is_up(web: Any) -> None:
    began = time.monotonic()
    reply = web.post(RUN, SMA, headers={"Prefer": "wait=1"})
    assert 0.9 < time.monotonic() - began < 5
    assert (reply.status_code, reply.get_json()["status"]) == (202, "queued")
    assert "Preference-Applied" not in reply.headers


@pytest.mark.parametrize("prefer", ["wait=soon", "handling=lenient", "await=5", ""])
def test_a_preference_that_is_not_understood_is_ignored(web: Any, prefer: str) -> None:
    began = time.monotonic()
    assert web.post(RUN, SMA, headers={"Prefer": prefer}).status_code == 202
    assert time.monotonic() - began < 3


def test_waiting_clients_leave_threads_for_the_others(web: Any) -> None:
    places = web.app.extensions["queuant"].waiting
    taken = [places.acquire(blocking=False) for _ in range(2)]  # of 12 threads, two may wait
    try:
        began = time.monotonic()
        assert taken == [True, True]
        assert web.post(RUN, SMA, headers={"Prefer": "wait=20"}).status_code == 202
        assert time.monotonic() - began < 5
    finally:
        for _ in taken:
            places.release()


def test_tags_are_kept_and_make_no_other_request(web: Any) -> None:
    first = web.post(RUN, {**SMA, "tags": ["paper", "paper", "q4"]}).get_json()
    second = web.post(RUN, SMA).get_json()
    assert web.get(first["links"]["self"]).get_json()["tags"] == ["paper", "q4"]
    assert first["request_hash"] == second["request_hash"]


def test_the_latest_result_of_a_strategy_or_of_a_job(web: Any) -> None:
    web.finished(**SMA)
    latest = web.finished(params={"fast": 5})
    by_strategy = web.get("/api/v1/backtest/results?strategy_id=sma_cross").get_json()
    by_job = web.get(f"/api/v1/backtest/results?job_id={latest}").get_json()
    assert by_strategy["job_id"] == latest
    assert by_strategy == by_job
    assert by_job["metrics"]["total_return"] == 0.25
    assert by_job["equity"]["value"] == [100.0, 110.0, 99.0, 125.0]


def test_without_any_run_the_reply_says_what_to_do(web: Any) -> None:
    web.run(**SMA)
    reply = web.get("/api/v1/backtest/results?strategy_id=sma_cross")
    assert (reply.status_code, reply.get_json()["code"]) == (404, "no_results")
    assert "POST /api/v1/backtest/run" in reply.get_json()["detail"]


def test_results_of_a_strategy_that_nobody_wrote_name_the_nearest(web: Any) -> None:
    reply = web.get("/api/v1/backtest/results?strategy_id=sma_crss")
    assert (reply.status_code, reply.get_json()["code"]) == (404, "unknown_strategy")
    assert reply.get_json()["nearest"] == "sma_cross"


@pytest.mark.parametrize("query", ["", "?strategy_id=sma_cross&job_id=1"])
def test_results_need_one_of_two_names(web: Any, query: str) -> None:
    assert web.get(f"/api/v1/backtest/results{query}").status_code == 422


def test_a_comparison_keeps_its_shape_whatever_is_missing(web: Any) -> None:
    done = web.finished(**SMA)
    waiting = web.run(**SMA)
    failed = web.run(**SMA)
    web.fail(failed)
    body = web.get(f"/api/v1/backtest/comparison?job_ids={done},{waiting},{failed},none").get_json()
    assert body["columns"] == ["total_return", "sharpe", "alpha"]
    assert body["better"] == {"total_return": "higher", "sharpe": "higher", "alpha": "higher"}
    (row,) = body["rows"]
    assert (row["job_id"], row["strategy_id"]) == (done, "sma_cross")
    assert row["metrics"] == {"total_return": 0.25, "sharpe": 1.5, "alpha": None}
    reasons = {item["id"]: item["reason"] for item in body["missing"]}
    assert reasons == {waiting: "not_ready", failed: "job_failed", "none": "unknown_job"}


def test_strategies_are_compared_by_their_latest_results(web: Any) -> None:
    web.finished(**SMA)
    body = web.get("/api/v1/backtest/comparison?strategy_ids=sma_cross,buy_and_hold,nonsense").get_json()
    assert [row["strategy_id"] for row in body["rows"]] == ["sma_cross"]
    assert {item["id"]: item["reason"] for item in body["missing"]} == {
        "buy_and_hold": "no_results",
        "nonsense": "unknown_strategy",
    }


def test_a_comparison_without_any_result_has_the_same_shape(web: Any) -> None:
    body = web.get("/api/v1/backtest/comparison?strategy_ids=sma_cross").get_json()
    assert (body["columns"], body["better"], body["rows"], len(body["missing"])) == ([], {}, [], 1)


def test_at_most_twenty_are_compared(web: Any) -> None:
    names = ",".join(f"job{number}" for number in range(21))
    assert web.get(f"/api/v1/backtest/comparison?job_ids={names}").status_code == 422
