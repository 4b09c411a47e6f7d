"""How often somebody may ask, and what happens when the server that counts is away."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis

from app.settings import Settings
from app.web import limiting
from app.web.limiting import Limiter, Standing

JOBS = "/api/v1/jobs"
RUN = {"strategy_id": "sma_cross"}


@pytest.fixture
def make_limiter(tmp_path: Path) -> Callable[..., Limiter]:
    return lambda url="", **limits: Limiter(Settings.from_env({}, home=tmp_path, redis_url=url, **limits))


def taken(limiter: Limiter, who: str = "key a", times: int = 1) -> list[bool]:
    standings = [limiter.take("reads", who) for _ in range(times)]
    assert all(isinstance(standing, Standing) for standing in standings)
    return [standing.granted for standing in standings if standing]


def test_one_request_too_many_is_429_and_says_when_to_come_back(make_web: Any) -> None:
    web = make_web(rate_reads=2)
    first, second, third = (web.get(JOBS) for _ in range(3))
    assert [first.status_code, second.status_code, third.status_code] == [200, 200, 429]
    assert [reply.headers["RateLimit-Remaining"] for reply in (first, second, third)] == ["1", "0", "0"]
    assert third.headers["RateLimit-Limit"] == "2"
    assert 1 <= int(third.headers["Retry-After"]) <= 60
    assert third.headers["RateLimit-Reset"] == third.headers["Retry-After"]
    problem = third.get_json()
    assert (third.content_type, problem["code"]) == ("application/problem+json", "rate_limited")
    assert problem["detail"].startswith("At most 2 reading requests a minute are answered")


def test_each_key_and_each_kind_of_request_is_counted_for_itself(make_web: Any) -> None:
    web = make_web(rate_reads=1, rate_writes=1, rate_uploads=1)
    other = web.other()
    for caller in (web, other):
        assert caller.get(JOBS).status_code == 200
        assert caller.post("/api/v1/backtest/run", RUN).status_code == 202
        assert caller.post("/api/v1/datasets").status_code == 415
        assert caller.get("/api/v1/strategies").status_code == 429
        assert caller.post("/api/v1/ws-tickets").status_code == 429
        assert caller.post("/api/v1/datasets").status_code == 429
    second_key = web.services.store.access.create_key(web.owner)
    assert web.get(JOBS, key=second_key).status_code == 200


def test_a_session_counts_as_the_key_that_opened_it(make_web: Any) -> None:
    web = make_web(rate_reads=1)
    browser = web.app.test_client()
    browser.post("/login", data={"key": web.key})
    assert web.get(JOBS).status_code == 200
    assert browser.get(JOBS).status_code == 429


def test_strangers_are_counted_by_address_but_not_where_health_is_asked(make_web: Any) -> None:
    web = make_web(rate_reads=1)

    def status(path: str, remote: str) -> int:
        return int(web.get(path, key=None, environ_base={"REMOTE_ADDR": remote}).status_code)

    assert [status("/sign-in", "10.0.0.7"), status("/docs", "10.0.0.7"), status("/docs", "10.0.0.8")] == [200, 429, 200]
    assert [status("/healthz", "10.0.0.7"), status("/readyz", "10.0.0.7")] == [200, 200]


def test_who_has_no_good_key_is_told_so_only_so_often(make_web: Any) -> None:
    web = make_web(rate_failures=2)
    answers = [web.get(JOBS, key="bt_00000000_x") for _ in range(3)]
    assert [reply.status_code for reply in answers] == [401, 401, 429]
    assert answers[2].get_json()["code"] == "rate_limited"
    assert web.get("/events?channels=jobs", key=None).status_code == 429
    assert web.app.test_client().post("/login", data={"key": "bt_00000000_x"}).status_code == 429
    assert web.app.test_client().get("/login?ticket=x").status_code == 429
    assert web.get(JOBS).status_code == 200  # from the same address, with a good key


def test_without_a_limit_nothing_is_counted_nor_said(make_web: Any) -> None:
    web = make_web(rate_reads=0)
    reply = web.get(JOBS)
    assert (reply.status_code, "RateLimit-Limit" in reply.headers) == (200, False)


def test_all_processes_count_together_to_the_last_request(
    make_limiter: Callable[..., Limiter], redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiting, "SILENT_SECONDS", 30.0)  # a busy machine is no server that is away
    limiters = [make_limiter(redis_url, rate_reads=100) for _ in range(4)]  # each with connections of its own
    with ThreadPoolExecutor(8) as pool:
        granted = [one for many in pool.map(lambda at: taken(limiters[at % 4], times=30), range(8)) for one in many]
    assert (granted.count(True), granted.count(False)) == (100, 140)
    assert taken(limiters[0], "key b") == [True]


def test_a_server_that_is_gone_refuses_nobody_and_is_found_again(
    make_limiter: Callable[..., Limiter], queue_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter, other = (make_limiter(queue_server.url, rate_reads=2) for _ in range(2))
    assert taken(limiter) == [True]
    queue_server.process.send_signal(signal.SIGSTOP)
    assert taken(limiter, times=3) == [True, True, False]  # as this process counts by itself
    queue_server.process.send_signal(signal.SIGCONT)
    later = time.monotonic() + limiting.AWAY_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert taken(other, "key b", times=3) == [True, True, False]
    assert taken(limiter, "key b") == [False]  # as all count together


def test_a_frozen_server_keeps_one_request_waiting_and_not_the_next_ones(
    make_limiter: Callable[..., Limiter], queue_server: Any
) -> None:
    limiter = make_limiter(queue_server.url)
    taken(limiter)
    queue_server.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    taken(limiter)
    first = time.monotonic() - began
    began = time.monotonic()
    taken(limiter, times=100)
    rest = time.monotonic() - began
    assert limiting.SILENT_SECONDS * 0.9 < first < limiting.SILENT_SECONDS + 2
    assert rest < limiting.SILENT_SECONDS


def test_a_server_that_was_never_there_refuses_nobody(make_limiter: Callable[..., Limiter]) -> None:
    began = time.monotonic()
    assert taken(make_limiter("redis://127.0.0.1:1/0", rate_reads=2), times=3) == [True, True, False]
    assert time.monotonic() - began < 2


def test_a_server_without_room_refuses_nobody(make_limiter: Callable[..., Limiter], queue_server: Any) -> None:
    with redis.Redis.from_url(queue_server.url) as client:
        client.config_set("maxmemory", 1)
    assert taken(make_limiter(queue_server.url), times=3) == [True] * 3
