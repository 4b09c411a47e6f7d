"""A Bayesian sweep: what it tries depends on its seed and on what it found, and on nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import RunFailed
from tests.sweeps import BODY, SWEEP, bells, done, submit, trials, work
from tests.working import Hand
from workers import dividing, searching, sweeping

GRID = {"fast": {"low": 2, "high": 40}, "slow": {"low": 30, "high": 200}}
ASKED = {"grid": GRID, "bayesian": {"trials": 20, "round": 8}}


@pytest.fixture
def in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has every round cut into chunks of a single trial, after the first one."""
    monkeypatch.setattr(dividing, "MEASURED_SECONDS", 0.0)
    monkeypatch.setattr(dividing, "ALONE_SECONDS", -1.0)
    monkeypatch.setattr(dividing, "SHORT_CHUNK_SECONDS", 0.0)


def test_it_makes_the_trials_that_were_asked_for_and_tells_what_a_sweep_tells(web: Any) -> None:
    job_id = submit(web, ASKED)
    told = done(web, job_id)
    sweep, rows = told["sweep"], trials(web, job_id)["trials"]

    assert sweep["trials_made"] == len(rows) == 20
    assert rows[-1]["trial"] + 1 == 20 + sweep["skipped"]
    assert len({(row["params"]["fast"], row["params"]["slow"]) for row in rows}) == 20
    assert sweep["ended"] == "trials"
    assert sweep["statistics"]["trials_made"] == 20
    assert sweep["plateau"] is None
    assert told["request"]["sweep"]["round"] == 8
    assert sweep["best"]["figures"]["sharpe"] == max(row["figures"]["sharpe"] for row in rows)
    assert web.services.store.tried.before("nobody", told["request"], "").trials == 0


def test_the_same_seed_gives_the_same_trials_for_any_number_of_workers(
    web: Any, request: Any, monkeypatch: Any
) -> None:
    alone = done(web, submit(web, ASKED, seed=3))
    other = done(web, submit(web, ASKED, seed=4))
    request.getfixturevalue("in_chunks")
    job_id = submit(web, ASKED, seed=3)
    answered = work(web, workers=3)
    divided = done(web, job_id)

    # The job is begun, goes on after each of three rounds; and each candidate but the first is a chunk.
    assert answered == 4 + 20 + divided["sweep"]["skipped"] - 1
    assert trials(web, job_id) == trials(web, alone["job_id"])
    assert divided["provenance"]["result_hash"] == alone["provenance"]["result_hash"]
    assert trials(web, other["job_id"]) != trials(web, job_id)


def test_progress_goes_on_from_round_to_round(web: Any, in_chunks: None) -> None:
    job_id = submit(web, ASKED)
    node, seen = Hand(web.services, "w1"), []
    while rung := bells(web):
        for bell in rung:
            node.do(bell)
            job = web.get(f"/api/v1/jobs/{job_id}").get_json()
            if job["status"] == "running":
                seen.append((job["progress"]["done"], job["progress"]["total"]))
    assert [at for at, _ in seen] == sorted(at for at, _ in seen)
    assert seen[0][0] == 1
    assert seen[-1][0] == seen[-1][1]
    assert all(done <= total and total >= 20 for done, total in seen)


def test_a_cancel_keeps_what_is_done_and_a_retry_goes_on_from_there(
    web: Any, in_chunks: None, monkeypatch: Any
) -> None:
    whole = done(web, submit(web, ASKED))
    job_id = submit(web, ASKED)
    work(web, most=14)
    web.post(f"/api/v1/jobs/{job_id}/cancel")
    kept = trials(web, job_id)
    assert kept["trials"] == trials(web, whole["job_id"])["trials"][: kept["total"]]
    assert 8 < kept["total"] < 20
    bells(web)
    made: list[int] = []
    slice_of = dividing.Pace.slice

    def counted(self: Any, first: int, stop: int) -> Any:
        made.append(first)
        return slice_of(self, first, stop)

    monkeypatch.setattr(dividing.Pace, "slice", counted)
    again = done(web, web.post(f"/api/v1/jobs/{job_id}/retry").get_json()["job_id"])
    assert again["provenance"]["result_hash"] == whole["provenance"]["result_hash"]
    assert min(made) > 8
    assert len(made) == len(set(made))


def test_a_retry_drops_the_part_of_a_round_that_another_sampler_had_chosen(
    web: Any, in_chunks: None, monkeypatch: Any
) -> None:
    whole = done(web, submit(web, ASKED))
    real = searching.propose
    with monkeypatch.context() as patch:
        patch.setattr(searching, "propose", lambda *args, **more: real(*args, **{**more, "seed": 99}))
        job_id, node = submit(web, ASKED), Hand(web.services, "w1")
        node.do(job_id)
        node.do(web.services.queue.take("batch"))
    web.post(f"/api/v1/jobs/{job_id}/cancel")
    bells(web)
    again = done(web, web.post(f"/api/v1/jobs/{job_id}/retry").get_json()["job_id"])
    assert again["provenance"]["result_hash"] == whole["provenance"]["result_hash"]


def test_a_worker_that_is_lost_costs_its_chunk_alone(web: Any, in_chunks: None) -> None:
    whole = done(web, submit(web, ASKED))
    job_id = submit(web, ASKED)
    Hand(web.services, "w1").do(job_id)
    chunk = web.services.queue.take("batch")
    web.services.jobs.claim(chunk, lease_owner="dead")
    assert web.services.jobs.give_back(chunk, lease_owner="dead") == "queued"
    assert done(web, job_id)["provenance"]["result_hash"] == whole["provenance"]["result_hash"]


def test_it_is_reproduced_by_workers_together(web: Any, in_chunks: None) -> None:
    job_id = done(web, submit(web, ASKED))["job_id"]
    again = web.post(f"/api/v1/jobs/{job_id}/verify").get_json()["job_id"]
    assert done(web, again)["reproduction"]["reproduced"] is True


def test_an_exhausted_space_ends_it_and_is_told(web: Any) -> None:
    job_id = submit(web, grid={"fast": [5, 10, 60], "slow": [20, 50]}, bayesian={"trials": 50})
    sweep = done(web, job_id)["sweep"]
    assert (sweep["trials_made"], sweep["skipped"], sweep["ended"]) == (4, 2, "exhausted")
    progress = web.get(f"/api/v1/jobs/{job_id}").get_json()
    assert progress["status"] == "succeeded"


def test_trials_that_fail_are_told_and_the_search_goes_on(web: Any, monkeypatch: Any) -> None:
    real = sweeping.sweep

    def sometimes(bars: Any, strategy: Any, trials: Any, *args: Any, **more: Any) -> Any:
        if any(item["fast"] % 2 for item in trials):
            raise RunFailed("mine raised ValueError: odd", code="strategy_error")
        return real(bars, strategy, trials, *args, **more)

    monkeypatch.setattr(sweeping, "sweep", sometimes)
    job_id = submit(web, ASKED)
    sweep, rows = done(web, job_id)["sweep"], trials(web, job_id)["trials"]
    assert sweep["trials_made"] == len(rows) == 20
    assert 0 < sweep["failed"] == sum(row["params"]["fast"] % 2 for row in rows) < 20


def test_every_symbol_with_an_account_of_its_own_counts_as_its_best(web: Any) -> None:
    symbols = ["EURUSD", "GBPUSD"]
    job_id = submit(web, ASKED, symbols=symbols, each_symbol=True, objective="annual_volatility")
    sweep, rows = done(web, job_id)["sweep"], trials(web, job_id)["trials"]
    assert sweep["trials_made"] == len(rows) == 40
    assert sweep["best"]["figures"]["annual_volatility"] == min(row["figures"]["annual_volatility"] for row in rows)


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"bayesian": {"trials": 0}}, "/bayesian/trials"),
        ({"bayesian": {"trials": 2_001}}, "/bayesian/trials"),
        ({"bayesian": {}}, "/bayesian/trials"),
        ({"bayesian": {"trials": 5, "round": 0}}, "/bayesian/round"),
        ({"bayesian": {"trials": 5, "rounds": 4}}, "/bayesian/rounds"),
        ({"bayesian": {"trials": 5}, "random": {"trials": 5}}, "/bayesian"),
        ({"bayesian": {"trials": 5}, "grid": {"fast": [50], "slow": [20]}}, "/grid"),
        ({"bayesian": {"trials": 5}, "grid": {"fast": {"low": 9, "high": 3}}}, "/grid/fast"),
    ],
)
def test_what_is_no_bayesian_search_is_refused_where_it_is_wrong(web: Any, more: Any, pointer: str) -> None:
    reply = web.post(SWEEP, {**BODY, **more})
    assert (reply.status_code, reply.get_json()["pointer"]) == (422, pointer)


def test_a_walk_forward_takes_no_bayesian_search(web: Any) -> None:
    body = {**BODY, "bayesian": {"trials": 5}, "train_months": 24, "test_months": 6}
    assert web.post("/api/v1/backtest/walkforward", body).get_json()["pointer"] == "/bayesian"


def test_an_exact_repeat_is_answered_from_the_store_and_another_seed_is_not(web: Any) -> None:
    body = {**BODY, "bayesian": {"trials": 3}}
    done(web, web.post(SWEEP, body).get_json()["job_id"])
    assert web.post(SWEEP, {**body, "bayesian": {"trials": 3, "round": 16}}).get_json()["cached"] is True
    assert web.post(SWEEP, {**body, "seed": 8}).status_code == 202
