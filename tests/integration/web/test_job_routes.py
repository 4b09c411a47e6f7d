"""The life of jobs over HTTP."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from app.web import presenters
from workers.pipeline import RUNNERS


def test_a_queued_job_tells_its_place_in_the_queue(make_web: Any) -> None:
    web = make_web()
    first, second = web.run(), web.run()
    places = [web.get(f"/api/v1/jobs/{job_id}").get_json()["queue_position"] for job_id in (first, second)]
    assert places == [1, 2]


def test_a_job_tells_its_whole_state(web: Any) -> None:
    job = web.get(f"/api/v1/jobs/{web.finished(tags=['a'])}").get_json()
    assert (job["status"], job["attempt"], job["compute_ms"], job["error"]) == ("succeeded", 1, 12.5, None)
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]
    assert job["created_at"].endswith("Z")
    assert (job["queue_position"], job["progress"], job["retry_of"]) == (None, None, None)
    assert {"result", "equity", "trades", "export", "self", "events"} <= set(job["links"])


def test_a_failed_job_shows_its_error(web: Any) -> None:
    job_id = web.run()
    web.fail(job_id)
    job = web.get(f"/api/v1/jobs/{job_id}").get_json()
    assert job["status"] == "failed"
    assert job["error"] == {"code": "strategy_error", "message": "sma_cross raised ValueError: no"}
    assert "retry" in job["links"]
    problem = web.get(f"/api/v1/jobs/{job_id}/result")
    assert (problem.status_code, problem.get_json()["code"]) == (409, "job_failed")
    assert "ValueError" in problem.get_json()["detail"]


@pytest.mark.parametrize("tail", ["result", "equity", "trades", "export"])
@pytest.mark.parametrize("state", ["queued", "running", "cancelled"])
def test_what_is_not_there_yet_is_409_with_the_jobs_state(web: Any, state: str, tail: str) -> None:
    job_id = web.start() if state == "running" else web.run()
    if state == "cancelled":
        web.post(f"/api/v1/jobs/{job_id}/cancel")
    problem = web.get(f"/api/v1/jobs/{job_id}/{tail}")
    assert problem.status_code == 409
    assert (problem.get_json()["job_status"], problem.get_json()["job_id"]) == (state, job_id)


def test_pages_hold_every_job_once_newest_first(web: Any) -> None:
    made = [web.run() for _ in range(7)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = web.get(f"/api/v1/jobs?limit=3{cursor}").get_json()
        seen += [job["job_id"] for job in page["jobs"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == made[::-1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=succeeded", ["done"]),
        ("status=queued", ["tagged"]),
        ("tag=night+run", ["tagged"]),
        ("tag=night", []),
        ("strategy_id=buy_and_hold", ["tagged"]),
        ("dataset_id=fx_daily", ["done"]),
        ("kind=backtest&status=succeeded&strategy_id=sma_cross", ["done"]),
        ("kind=sweep", []),
    ],
)
def test_jobs_are_found_by_what_they_are(web: Any, query: str, found: list[str]) -> None:
    ids = {web.finished(): "done", web.run(strategy_id="buy_and_hold", tags=["night run"]): "tagged"}
    page = web.get(f"/api/v1/jobs?{query}").get_json()
    assert [ids[job["job_id"]] for job in page["jobs"]] == found


@pytest.mark.parametrize(
    ("name", "given", "meant"), [("status", "runing", "running"), ("kind", "backtests", "backtest")]
)
def test_a_filter_that_nothing_can_have_is_refused_with_what_was_meant(
    web: Any, name: str, given: str, meant: str
) -> None:
    problem = web.get(f"/api/v1/jobs?{name}={given}").get_json()
    assert (problem["status"], problem["pointer"], problem["given"]) == (422, f"/{name}", given)
    assert problem["nearest"] == meant
    assert meant in problem["allowed"]
    assert problem["detail"].endswith(f"Did you mean '{meant}'?")


def test_jobs_are_found_by_every_kind_that_has_a_runner(web: Any) -> None:
    assert set(presenters.KINDS) == set(RUNNERS) - {"chunk"}
    for kind in presenters.KINDS:
        assert web.get(f"/api/v1/jobs?kind={kind}").get_json() == {"jobs": [], "next": None}


def test_a_cursor_of_another_owner_shows_nothing_of_theirs(web: Any) -> None:
    other = web.other()
    for _ in range(3):
        other.run()
    cursor = other.get("/api/v1/jobs?limit=1").get_json()["next"]
    assert web.get(f"/api/v1/jobs?cursor={cursor}").get_json() == {"jobs": [], "next": None}


def test_a_forged_cursor_is_refused(web: Any) -> None:
    for text in ("1 2", "1e999 " + "a" * 32, "nan " + "a" * 32, "1.0 ' OR 1=1 --", "\xff"):
        cursor = base64.urlsafe_b64encode(text.encode()).decode()
        reply = web.get("/api/v1/jobs", query_string={"cursor": cursor})
        assert (reply.status_code, reply.get_json()["code"]) == (422, "invalid_cursor")


def test_a_queued_job_is_cancelled_at_once(web: Any) -> None:
    job_id = web.run()
    for _ in range(2):  # twice is no error
        reply = web.post(f"/api/v1/jobs/{job_id}/cancel")
        assert (reply.status_code, reply.get_json()["status"]) == (200, "cancelled")


def test_a_running_job_is_asked_to_stop(web: Any) -> None:
    job_id = web.start()
    for _ in range(2):
        reply = web.post(f"/api/v1/jobs/{job_id}/cancel")
        assert (reply.status_code, reply.get_json()["status"]) == (202, "running")
        assert reply.get_json()["cancel_requested_at"]


def test_an_ended_job_cannot_be_cancelled(web: Any) -> None:
    reply = web.post(f"/api/v1/jobs/{web.finished()}/cancel")
    assert (reply.status_code, reply.get_json()["code"]) == (409, "illegal_transition")
    assert reply.get_json()["given"] == "succeeded"


def test_a_failed_job_is_retried_as_a_new_one(web: Any) -> None:
    job_id = web.run(tags=["x"])
    web.fail(job_id)
    reply = web.post(f"/api/v1/jobs/{job_id}/retry")
    again = web.get(reply.headers["Location"]).get_json()
    assert (reply.status_code, again["retry_of"], again["tags"], again["attempt"]) == (202, job_id, ["x"], 0)


def test_a_retry_with_the_same_key_makes_one_job(web: Any) -> None:
    job_id = web.run()
    web.fail(job_id)
    path, headers = f"/api/v1/jobs/{job_id}/retry", {"Idempotency-Key": "again"}
    ids = {web.post(path, headers=headers).get_json()["job_id"] for _ in range(3)}
    assert len(ids) == 1
    other = web.run()
    web.fail(other)
    assert web.post(f"/api/v1/jobs/{other}/retry", headers=headers).status_code == 409


def test_only_a_failed_or_cancelled_job_is_retried(web: Any) -> None:
    for job_id in (web.run(), web.start(), web.finished()):
        assert web.post(f"/api/v1/jobs/{job_id}/retry").get_json()["code"] == "illegal_transition"


def test_an_ended_job_is_deleted_with_its_result(web: Any) -> None:
    job_id = web.finished()
    reply = web.call("DELETE", f"/api/v1/jobs/{job_id}")
    assert (reply.status_code, reply.data) == (204, b"")
    assert web.get(f"/api/v1/jobs/{job_id}").status_code == 404
    assert web.get(f"/api/v1/jobs/{job_id}/result").status_code == 404
    assert web.call("DELETE", f"/api/v1/jobs/{job_id}").status_code == 404


def test_a_running_job_is_not_deleted(web: Any) -> None:
    job_id = web.start()
    assert web.call("DELETE", f"/api/v1/jobs/{job_id}").get_json()["code"] == "illegal_transition"


def test_the_events_of_a_job_tell_its_story(web: Any) -> None:
    job_id = web.finished()
    page = web.get(f"/api/v1/jobs/{job_id}/events").get_json()
    assert [event["type"] for event in page["events"]] == ["job_queued", "job_running", "job_succeeded"]
    assert [event["seq"] for event in page["events"]] == [1, 2, 3]
    assert {event["channel"] for event in page["events"]} == {f"jobs/{job_id}"}
    assert (page["head"], len(page["epoch"])) == (3, 32)
    later = web.get(f"/api/v1/jobs/{job_id}/events?since=2").get_json()
    assert [event["seq"] for event in later["events"]] == [3]


def test_a_full_queue_says_when_to_come_back(make_web: Any) -> None:
    web = make_web(max_queued=1)
    web.run()
    reply = web.post("/api/v1/backtest/run", {"strategy_id": "buy_and_hold"})
    problem = reply.get_json()
    assert (reply.status_code, problem["code"]) == (429, "queue_full")
    assert (problem["given"], problem["allowed"]) == ({"queued": 1}, {"queued": 1})
    assert int(reply.headers["Retry-After"]) > 0


def test_a_quota_that_is_used_up_lasts_until_midnight(make_web: Any) -> None:
    web = make_web(max_daily=1)
    left = web.get("/api/v1/keys/current").get_json()["jobs_today"]
    web.run()
    told = web.get("/api/v1/keys/current").get_json()["jobs_today"]
    assert [(item["used"], item["limit"]) for item in (left, told)] == [(0, 1), (1, 1)]
    assert 0 < told["reset_seconds"] <= 86_400
    reply = web.post("/api/v1/backtest/run", {"strategy_id": "buy_and_hold"})
    assert (reply.status_code, reply.get_json()["code"]) == (429, "quota_exceeded")
    assert 0 < int(reply.headers["Retry-After"]) <= 86_400
    assert web.post("/api/v1/backtest/run?dry_run=true", {"strategy_id": "buy_and_hold"}).status_code == 200
