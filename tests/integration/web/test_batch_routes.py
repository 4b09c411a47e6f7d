"""Many backtests in one request: all of them or none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

RUN = "/api/v1/backtest/run"
BATCH = "/api/v1/backtest/batch"
RUNS = [{"strategy_id": "sma_cross", "params": {"fast": fast, "slow": 50}} for fast in (5, 10, 15)]


def queued(web: Any) -> list[dict[str, Any]]:
    return list(web.get("/api/v1/jobs").get_json()["jobs"])


def test_every_run_is_a_job_of_its_own_in_their_order(web: Any) -> None:
    runs = [{**run, "tags": [str(place), str(place)]} for place, run in enumerate(RUNS)]
    reply = web.post(BATCH, {"runs": runs})
    body = reply.get_json()
    assert (reply.status_code, body["queued"], body["cached"]) == (202, 3, 0)
    for place, (run, job) in enumerate(zip(runs, body["jobs"], strict=True)):
        alone = web.post(f"{RUN}?dry_run=true", run).get_json()
        assert (job["request_hash"], job["status"], job["cached"]) == (alone["request_hash"], "queued", False)
        assert job["job_id"] in web.services.queue.rung["interactive"]
        stored = web.get(job["links"]["self"]).get_json()
        assert (stored["tags"], stored["kind"]) == ([str(place)], "backtest")
    assert [event["type"] for event in web.get(body["jobs"][2]["links"]["events"]).get_json()["events"]] == [
        "job_queued"
    ]


def test_runs_that_have_succeeded_are_answered_from_the_store_unless_fresh_ones_are_asked(web: Any) -> None:
    known = web.finished(**RUNS[1])
    body = web.post(BATCH, {"runs": RUNS}).get_json()
    assert (body["queued"], body["cached"]) == (2, 1)
    assert (body["jobs"][1]["job_id"], body["jobs"][1]["poll_after_ms"]) == (known, 0)
    fresh = web.post(f"{BATCH}?fresh=true", {"runs": RUNS}).get_json()
    assert (fresh["queued"], fresh["cached"]) == (3, 0)
    assert len(queued(web)) == 6


def test_a_dry_run_says_what_each_would_be_and_queues_nothing(web: Any) -> None:
    reply = web.post(f"{BATCH}?dry_run=true", {"runs": RUNS})
    body = reply.get_json()
    assert (reply.status_code, body["valid"], body["estimate"]["runs"]) == (200, True, 3)
    assert body["estimate"]["cells"] == sum(run["estimate"]["cells"] for run in body["runs"])
    assert [run["request"]["params"]["fast"] for run in body["runs"]] == [5, 10, 15]
    assert queued(web) == []


def test_every_wrong_run_is_pointed_at_and_nothing_is_queued(web: Any) -> None:
    wrong = [
        RUNS[0],
        {"strategy_id": "sma_crss"},
        {"strategy_id": "sma_cross", "params": {"fast": 1}},
        RUNS[1],
        {"strategy_id": "sma_cross", "params": {"fast": 60, "slow": 50}},
        {"strategy_id": "sma_cross", "end_date": "1980-01-01"},
    ]
    reply = web.post(BATCH, {"runs": wrong})
    body = reply.get_json()
    assert (reply.status_code, body["code"], body["pointer"]) == (422, "invalid_request", "/runs/1/strategy_id")
    assert [(error["pointer"], error["code"]) for error in body["errors"]] == [
        ("/runs/1/strategy_id", "unknown_strategy"),
        ("/runs/2/params/fast", "invalid_parameter"),
        ("/runs/4/params", "invalid_parameter"),
        ("/runs/5/end_date", "no_data_in_range"),
    ]
    assert body["errors"][0]["nearest"] == "sma_cross"
    assert queued(web) == []


@pytest.mark.parametrize(
    ("body", "pointer", "told"),
    [
        ({}, "/runs", "is missing"),
        ({"runs": []}, "/runs", "between 1 and 200"),
        ({"runs": [RUNS[0]] * 201}, "/runs", "between 1 and 200"),
        ({"runs": RUNS[0]}, "/runs", "must be a list"),
        ({"runs": [RUNS[0], "sma_cross"]}, "/runs/1", "must be an object"),
        ({"runs": [RUNS[0], None]}, "/runs/1", "null"),
        ({"runs": [{}]}, "/runs/0/strategy_id", "is missing"),
        ({"runs": [RUNS[0], {**RUNS[0], "parms": {}}]}, "/runs/1/parms", "Did you mean 'params'?"),
        ({"runs": [{**RUNS[0], "seed": -1}]}, "/runs/0/seed", "must lie between"),
        ({"runs": [{**RUNS[0], "symbols": ["EURUSD", 7]}]}, "/runs/0/symbols/1", "must be a text"),
        ({"runs": RUNS, "tags": ["x"]}, "/tags", "no field"),
    ],
)
def test_a_body_that_is_no_batch_is_refused(web: Any, body: Any, pointer: str, told: str) -> None:
    reply = web.post(BATCH, body)
    found = reply.get_json()
    assert (reply.status_code, found["pointer"]) == (422, pointer)
    assert told in found["detail"]
    assert queued(web) == []


def test_a_wrong_field_inside_of_a_run_says_what_is_allowed(web: Any) -> None:
    (error,) = web.post(BATCH, {"runs": [{**RUNS[0], "parms": {}}]}).get_json()["errors"]
    assert (error["given"], error["nearest"]) == ("runs/0/parms", "params")
    assert "strategy_id" in error["allowed"]
    (error,) = web.post(BATCH, {"runs": [{**RUNS[0], "seed": -1}]}).get_json()["errors"]
    assert (error["given"], error["allowed"]["minimum"]) == (-1, 0)


def test_one_key_stands_for_the_whole_batch(web: Any) -> None:
    headers = {"Idempotency-Key": "monday"}
    first = web.post(f"{BATCH}?fresh=true", {"runs": RUNS}, headers=headers).get_json()
    again = web.post(f"{BATCH}?fresh=true", {"runs": RUNS}, headers=headers).get_json()
    assert again == first
    assert len(queued(web)) == 3
    for path, body in ((BATCH, {"runs": RUNS[:2]}), (BATCH, {"runs": [*RUNS, RUNS[0]]}), (RUN, RUNS[0])):
        reply = web.post(path, body, headers=headers)
        assert (reply.status_code, reply.get_json()["code"]) == (409, "idempotency_conflict")
    assert len(queued(web)) == 3


def test_a_job_of_a_batch_that_was_deleted_is_queued_anew_under_the_same_key(web: Any) -> None:
    headers = {"Idempotency-Key": "monday"}
    first = [job["job_id"] for job in web.post(BATCH, {"runs": RUNS}, headers=headers).get_json()["jobs"]]
    web.post(f"/api/v1/jobs/{first[0]}/cancel")
    assert web.call("DELETE", f"/api/v1/jobs/{first[0]}").status_code == 204
    again = [job["job_id"] for job in web.post(BATCH, {"runs": RUNS}, headers=headers).get_json()["jobs"]]
    assert again[1:] == first[1:]
    assert again[0] not in first
    assert len(queued(web)) == 3


def test_a_key_of_a_single_run_is_refused_for_a_batch(web: Any) -> None:
    headers = {"Idempotency-Key": "k" * 200}
    web.post(RUN, RUNS[0], headers=headers)
    assert web.post(BATCH, {"runs": RUNS}, headers=headers).status_code == 409
    assert len(queued(web)) == 1


def test_batches_with_one_key_at_the_same_time_are_one(web: Any) -> None:
    def send(_: int) -> tuple[str, ...]:
        reply = web.post(f"{BATCH}?fresh=true", {"runs": RUNS}, headers={"Idempotency-Key": "at once"})
        assert reply.status_code == 202, reply.text
        return tuple(job["job_id"] for job in reply.get_json()["jobs"])

    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(send, range(12)))) == 1
    assert len(queued(web)) == 3


def test_a_batch_that_does_not_fit_into_the_queue_leaves_nothing_behind(make_web: Any) -> None:
    web = make_web(max_queued=4)
    web.run()
    web.run()
    reply = web.post(BATCH, {"runs": RUNS}, headers={"Idempotency-Key": "one"})
    assert (reply.status_code, reply.get_json()["code"]) == (429, "queue_full")
    assert "of these 3 at most 2 fit" in reply.get_json()["detail"]
    assert reply.headers["Retry-After"] == "30"
    assert len(queued(web)) == 2
    assert web.services.queue.length("interactive") == 2
    assert web.post(BATCH, {"runs": RUNS[:2]}, headers={"Idempotency-Key": "one"}).status_code == 202
    assert web.post(BATCH, {"runs": RUNS[:1]}).status_code == 429


def test_what_earlier_runs_answer_takes_no_place_in_the_queue(make_web: Any) -> None:
    web = make_web(max_queued=1)
    for run in RUNS[:2]:
        web.finished(**run)
    assert web.post(BATCH, {"runs": RUNS}).get_json()["queued"] == 1
    assert web.post(BATCH, {"runs": RUNS[:2]}).get_json()["cached"] == 2


def test_a_batch_needs_the_scope_to_run(web: Any) -> None:
    assert web.other("read").post(BATCH, {"runs": RUNS}).status_code == 403
