"""A walk forward that several workers share, whoever dies and whenever it is cut short."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.web.test_walkforward_routes import CPCV, MONTHS, submit
from tests.sweeps import bells, done, work
from tests.working import Hand
from workers import dividing

GRID = {"fast": [5, 10, 15, 20, 25, 30], "slow": [40, 80]}
PLANS = pytest.mark.parametrize("plan", [MONTHS, CPCV], ids=["months", "groups"])


@pytest.fixture
def in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a walk of twelve candidates cut into chunks of three after its first one."""
    chosen = {"MEASURED_SECONDS": 0.0, "ALONE_SECONDS": -1.0, "CHUNK_SECONDS": 0.0, "MOST_CHUNKS": 4}
    for name, value in chosen.items():
        monkeypatch.setattr(dividing, name, value)


@pytest.fixture
def units(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every unit that was done, in turn."""
    made: list[int] = []
    pace = dividing.Pace.slice

    def counted(self: Any, first: int, stop: int) -> Any:
        chunk, table = pace(self, first, stop)
        made.extend(range(chunk.first, chunk.stop))
        return chunk, table

    monkeypatch.setattr(dividing.Pace, "slice", counted)
    return made


@PLANS
def test_a_retry_goes_on_where_the_walk_was_cut_short(web: Any, in_chunks: None, units: list[int], plan: Any) -> None:
    whole = done(web, submit(web, **plan, grid=GRID))
    assert sorted(units) == list(range(12))
    job_id = submit(web, **plan, grid=GRID)
    node = Hand(web.services, "w1")
    node.do(job_id)
    node.do(web.services.queue.take("batch"))
    assert web.get(f"/api/v1/jobs/{job_id}").get_json()["progress"]["done"] == 4
    assert web.post(f"/api/v1/jobs/{job_id}/cancel").get_json()["status"] == "cancelled"
    bells(web)
    before = units[12:]
    assert len(before) == 4

    again = web.post(f"/api/v1/jobs/{job_id}/retry").get_json()["job_id"]
    result = done(web, again)
    after = units[16:]
    assert sorted(before + after) == list(range(12))
    assert result["provenance"]["result_hash"] == whole["provenance"]["result_hash"]
    assert result["walkforward"]["folds"] == whole["walkforward"]["folds"]


@PLANS
def test_a_worker_that_is_lost_costs_its_chunk_and_counts_nothing_twice(
    web: Any, in_chunks: None, units: list[int], plan: Any
) -> None:
    whole = done(web, submit(web, **plan, grid=GRID))
    job_id = submit(web, **plan, grid=GRID)
    Hand(web.services, "w1").do(job_id)
    chunk = web.services.queue.take("batch")
    web.services.jobs.claim(chunk, lease_owner="dead")
    assert web.services.jobs.give_back(chunk, lease_owner="dead") == "queued"
    work(web, workers=3)

    assert sorted(units[12:]) == list(range(12))
    assert done(web, job_id)["provenance"]["result_hash"] == whole["provenance"]["result_hash"]


def test_the_best_of_each_training_is_told_while_the_walk_runs(web: Any, in_chunks: None) -> None:
    with web.services.bus.subscribe() as ear:
        job_id = submit(web, **MONTHS, grid=GRID)
        work(web)
        news = []
        while heard := ear.next(0.05):
            news.append(json.loads(heard.frame))
    told = [each["data"] for each in news if each["type"] == "trial_rows" and each["data"]["job_id"] == job_id]
    assert sum(each["trials"] for each in told) == 12
    assert all([row["fold"] for row in each["rows"]] == [0, 1, 2] for each in told)
    assert {row["trial"] for each in told for row in each["rows"]} <= set(range(12))
