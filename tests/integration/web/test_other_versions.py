"""While a worker is replaced, old and new run side by side: a job goes to one that has its version."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from app.store import Node
from app.tables import jobs
from engine import ENGINE_VERSION
from tests.working import Hand
from workers import tasks

OTHER = "0.0.1"


@pytest.fixture
def apart(make_web: Any) -> Any:
    """An application of which no other test uses the store: who is there is seen by all."""
    web = make_web()
    web.services.store.nodes.beat(Node("itself", "worker", "host", ENGINE_VERSION, 1), 1)
    return web


def asked(web: Any, **changes: Any) -> str:
    """A job whose row and request were made by another version."""
    job_id = web.run()
    request = web.services.store.read.job(job_id, web.owner).request
    columns = {"kind": changes.pop("kind")} if "kind" in changes else {}
    with web.services.store.database.write() as tx:
        tx.execute(update(jobs).where(jobs.c.id == job_id).values(request=request | changes, **columns))
    return job_id


def there(web: Any, version: str, role: str = "worker") -> None:
    web.services.store.nodes.beat(Node("another", role, "host", version, 1), 1)


def done(web: Any, job_id: str) -> tuple[str, int, str | None]:
    assert Hand(web.services, "itself").do(job_id)
    row = web.services.store.read.job(job_id, web.owner)
    return row.status, row.attempt, row.error and row.error["code"]


FAILED = ("failed", 1, "version_changed")
LEFT = ("queued", 0, None)


def test_a_job_of_another_engine_fails_where_no_worker_has_it(apart: Any) -> None:
    there(apart, "0.0.2")
    assert done(apart, asked(apart, engine_version=OTHER)) == FAILED
    there(apart, OTHER, role="supervisor")
    assert done(apart, asked(apart, engine_version=OTHER)) == FAILED


def test_a_job_of_another_engine_is_left_to_a_worker_that_has_it_and_costs_no_attempt(apart: Any) -> None:
    there(apart, OTHER)
    job_id = asked(apart, engine_version=OTHER)
    assert done(apart, job_id) == LEFT
    assert done(apart, job_id) == LEFT
    assert [event.type for event in apart.services.store.events.since("workers", 0)] == []


def test_who_was_not_heard_of_any_more_is_left_nothing(apart: Any, monkeypatch: Any) -> None:
    there(apart, OTHER)
    monkeypatch.setattr(tasks, "SILENT_SECONDS", -1.0)
    assert done(apart, asked(apart, engine_version=OTHER)) == FAILED


@pytest.mark.parametrize(
    "changes",
    [{"strategy_version": "000000000000"}, {"strategy_id": "sma_corss"}, {"kind": "horoscope"}],
    ids=["strategy version", "strategy", "kind"],
)
def test_what_only_a_later_worker_can_know_is_left_to_the_last_that_began_and_refused_by_it(
    apart: Any, changes: dict[str, Any]
) -> None:
    first, then = asked(apart, **changes), asked(apart, **changes)
    there(apart, ENGINE_VERSION)
    assert done(apart, first) == LEFT
    apart.services.store.nodes.leave("another")
    assert done(apart, then)[0] == "failed"


def test_an_older_worker_of_the_same_version_is_left_nothing(make_web: Any) -> None:
    web = make_web()
    there(web, ENGINE_VERSION)
    web.services.store.nodes.beat(Node("itself", "worker", "host", ENGINE_VERSION, 1), 1)
    assert done(web, asked(web, strategy_version="000000000000")) == FAILED


def test_who_left_a_job_to_others_steps_aside_before_it_takes_another(apart: Any, monkeypatch: Any) -> None:
    waited: list[float] = []
    monkeypatch.setattr(tasks.time, "sleep", waited.append)
    there(apart, OTHER)
    hand = Hand(apart.services, "itself")
    job_id = asked(apart, engine_version=OTHER)
    assert hand.answer(job_id, "task") == "queued"
    assert waited == [tasks._ASIDE_SECONDS]


def test_who_lost_its_lease_hands_nothing_back_that_its_node_took_again(apart: Any) -> None:
    there(apart, OTHER)
    job_id, platform = asked(apart, engine_version=OTHER), apart.services.jobs
    late = platform.claim(job_id, lease_owner="itself/1")
    platform.give_back(job_id, lease_owner="itself/1")
    again = platform.claim(job_id, lease_owner="itself/2")
    assert Hand(apart.services, "itself").execute(late) is None
    row = apart.services.store.read.job(job_id, apart.owner)
    assert (row.status, row.fence, row.attempt) == ("running", again.fence, 2)


def test_a_worker_that_has_not_been_heard_of_yet_leaves_jobs_too(make_web: Any) -> None:
    web = make_web()
    there(web, OTHER)
    assert done(web, asked(web, engine_version=OTHER)) == LEFT
    web.services.store.nodes.leave("another")
    there(web, ENGINE_VERSION)
    assert done(web, asked(web, strategy_version="000000000000")) == LEFT


def test_jobs_behind_one_that_is_left_to_another_version_do_not_wait_for_it(apart: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(tasks.time, "sleep", lambda _: None)
    there(apart, OTHER)
    hand = Hand(apart.services, "itself")
    foreign, own = asked(apart, engine_version=OTHER), apart.run()
    assert hand.answer(foreign, "task") == "queued"
    assert hand.answer(foreign, "task") == "succeeded"
    assert apart.services.store.read.job(own, apart.owner).status == "succeeded"
    assert hand.answer(foreign, "task") is None  # it is somebody else's, for a while
    assert apart.services.store.read.job(foreign, apart.owner).status == "queued"
