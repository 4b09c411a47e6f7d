"""A sweep that several workers share gives what one gives, whoever dies and whenever it is cut short."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import delete, update

from app.tables import jobs
from tests.sweeps import bells, done, submit, trials, work
from tests.working import Hand
from workers import dividing


@pytest.fixture
def in_chunks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has every sweep cut into chunks of so many candidates after its first one."""

    def cut(size: int) -> None:
        monkeypatch.setattr(dividing, "MEASURED_SECONDS", 0.0)
        monkeypatch.setattr(dividing, "ALONE_SECONDS", -1.0)
        monkeypatch.setattr(dividing, "CHUNK_SECONDS", 0.0)
        monkeypatch.setattr(dividing, "MOST_CHUNKS", -(-23 // size))

    return cut


@pytest.mark.parametrize("size", [1, 5, 23])
def test_the_result_is_the_same_in_chunks_of_any_size_by_any_number_of_workers(
    web: Any, in_chunks: Any, size: int
) -> None:
    alone = done(web, submit(web))
    in_chunks(size)
    job_id = submit(web)
    assert work(web, workers=3) == 2 + -(-23 // size)  # the job twice, and each chunk once

    divided = done(web, job_id)
    assert divided["sweep"] | {"statistics": None} == alone["sweep"] | {"statistics": None}
    assert divided["provenance"]["result_hash"] == alone["provenance"]["result_hash"]
    assert trials(web, job_id) == trials(web, alone["job_id"])


def test_trials_can_be_read_while_the_sweep_runs_and_stay_when_it_is_cancelled(web: Any, in_chunks: Any) -> None:
    in_chunks(5)
    job_id = submit(web)
    node = Hand(web.services, "w1")
    node.do(job_id)
    chunk = web.services.queue.take("batch")
    node.do(chunk)

    job = web.get(f"/api/v1/jobs/{job_id}").get_json()
    assert job["status"] == "running"
    assert job["progress"]["unit"] == "trials"
    assert (job["progress"]["done"], job["progress"]["total"]) == (6, 24)
    running = trials(web, job_id)
    assert running["total"] == 6 - sum(row["params"]["fast"] >= row["params"]["slow"] for row in running["trials"])
    assert not running["complete"]

    assert web.post(f"/api/v1/jobs/{job_id}/cancel").get_json()["status"] == "cancelled"
    assert trials(web, job_id) == running
    assert work(web) >= 0
    assert web.get(f"/api/v1/jobs/{job_id}").get_json()["status"] == "cancelled"


def test_what_a_cancelled_sweep_has_shown_counts_for_the_next_one(web: Any, in_chunks: Any) -> None:
    in_chunks(5)
    job_id = submit(web)
    node = Hand(web.services, "w1")
    node.do(job_id)
    node.do(web.services.queue.take("batch"))
    web.post(f"/api/v1/jobs/{job_id}/cancel")
    bells(web)
    shown = trials(web, job_id)["total"]

    assert shown > 1
    assert done(web, submit(web, grid={"fast": [7], "slow": [33, 44]}))["sweep"]["trials_before"] == shown


def test_a_retry_goes_on_where_the_sweep_was_cut_short(web: Any, in_chunks: Any, monkeypatch: Any) -> None:
    whole = done(web, submit(web))
    in_chunks(5)
    job_id = submit(web)
    node = Hand(web.services, "w1")
    node.do(job_id)
    node.do(web.services.queue.take("batch"))
    web.post(f"/api/v1/jobs/{job_id}/cancel")
    bells(web)
    made: list[int] = []
    pace = dividing.Pace.slice

    def counted(self: Any, first: int, stop: int) -> Any:
        chunk, table = pace(self, first, stop)
        made.append(chunk.stop - chunk.first)
        return chunk, table

    monkeypatch.setattr(dividing.Pace, "slice", counted)
    again = web.post(f"/api/v1/jobs/{job_id}/retry").get_json()["job_id"]
    result = done(web, again)

    assert sum(made) == 24 - 6
    assert result["provenance"]["result_hash"] == whole["provenance"]["result_hash"]


def test_a_worker_that_is_lost_costs_its_chunk_and_counts_nothing_twice(web: Any, in_chunks: Any) -> None:
    whole = done(web, submit(web))
    in_chunks(5)
    job_id = submit(web)
    Hand(web.services, "w1").do(job_id)
    chunk = web.services.queue.take("batch")
    web.services.jobs.claim(chunk, lease_owner="dead")
    assert web.services.jobs.give_back(chunk, lease_owner="dead") == "queued"

    assert done(web, job_id)["provenance"]["result_hash"] == whole["provenance"]["result_hash"]


def test_a_job_whose_chunks_are_not_all_there_fails_instead_of_having_the_result_of_some(
    web: Any, in_chunks: Any
) -> None:
    in_chunks(5)
    job_id = submit(web)
    Hand(web.services, "w1").do(job_id)
    chunk = web.services.queue.take("batch")
    for other in bells(web):
        Hand(web.services, "w1").do(other)
    with web.services.store.database.write() as tx:
        tx.execute(delete(jobs).where(jobs.c.id == chunk))
        tx.execute(update(jobs).where(jobs.c.id == job_id).values(pending=0))
    Hand(web.services, "w2").do(job_id)

    assert web.get(f"/api/v1/jobs/{job_id}").get_json()["error"]["code"] == "internal_error"


def test_rows_are_told_on_the_jobs_channel_while_they_are_found(web: Any, in_chunks: Any) -> None:
    in_chunks(5)
    with web.services.bus.subscribe() as ear:
        job_id = submit(web)
        work(web)
        heard = []
        while news := ear.next(0.05):
            heard.append(news.frame)
    rows = [json.loads(frame) for frame in heard if "trial_rows" in frame]
    assert sum(news["data"]["trials"] for news in rows) == 21
    assert {news["data"]["job_id"] for news in rows} == {job_id}
    assert rows[0]["data"]["rows"][0]["params"] == {"fast": 5, "slow": 20, "side": "long"}
    assert any('"done":24' in frame for frame in heard if "job_progress" in frame)
