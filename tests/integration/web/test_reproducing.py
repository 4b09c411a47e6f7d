"""A finished job is done again, and whatever is stored otherwise than it was computed is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from sqlalchemy import select, update

from app.tables import artifacts, jobs, results
from app.web import presenters
from tests.sweeps import BODY as SWEEP
from tests.sweeps import bells, done, submit, work
from workers import dividing
from workers.packing import parquet
from workers.pipeline import RUNNERS

RUN = "/api/v1/backtest/run"
BODY = {"strategy_id": "sma_cross", "dataset": "fx_daily", "symbols": ["EURUSD"], "params": {"fast": 10, "slow": 50}}


def ran(web: Any, **more: Any) -> dict[str, Any]:
    """The result of a backtest that a worker has run."""
    return done(web, web.post(f"{RUN}?fresh=true", {**BODY, **more}).get_json()["job_id"])


def verify(web: Any, job_id: str, **headers: str) -> str:
    reply = web.post(f"/api/v1/jobs/{job_id}/verify", headers=headers)
    assert reply.status_code == 202, reply.text
    return str(reply.get_json()["job_id"])


def again(web: Any, job_id: str) -> dict[str, Any]:
    """What the reproduction of a job says."""
    return dict(done(web, verify(web, job_id))["reproduction"])


def change(web: Any, table: Any, job_id: str, **values: Any) -> None:
    key = table.c.id if table is jobs else table.c.job_id
    with web.services.store.database.write() as tx:
        assert tx.execute(update(table).where(key == job_id).values(**values)).rowcount


def stored_curve(web: Any, job_id: str) -> pa.Table:
    return pyarrow.parquet.read_table(pa.BufferReader(web.services.store.read.artifact(job_id, "equity")))


def change_curve(web: Any, job_id: str, **values: Any) -> None:
    here = (artifacts.c.job_id == job_id) & (artifacts.c.name == "equity")
    with web.services.store.database.write() as tx:
        assert tx.execute(update(artifacts).where(here).values(**values)).rowcount == 1


def test_a_backtest_gives_the_same_again_to_the_last_bit(web: Any) -> None:
    first = ran(web, tags=["mine"])
    job_id = verify(web, first["job_id"])
    told = done(web, job_id)
    job = web.get(f"/api/v1/jobs/{job_id}").get_json()
    assert (job["kind"], job["status"], job["strategy_id"]) == ("reproduce", "succeeded", "sma_cross")
    assert "equity" not in job["links"]
    found = told["reproduction"]
    digest = first["provenance"]["result_hash"]
    assert (found["job_id"], found["kind"]) == (first["job_id"], "backtest")
    assert (found["expected_hash"], found["found_hash"], found["reproduced"]) == (digest, digest, True)
    assert (found["differences"], found["parts"]) == ([], [])
    assert "to the last bit" in found["sentence"]
    assert told["provenance"]["dataset_version"] == first["provenance"]["dataset_version"]
    assert told["provenance"]["result_hash"] != digest
    assert web.get("/api/v1/backtest/results?strategy_id=sma_cross").get_json()["job_id"] == first["job_id"]


def test_each_asking_is_a_new_job_unless_the_key_is_the_same(web: Any) -> None:
    job_id = ran(web)["job_id"]
    one, two = verify(web, job_id), verify(web, job_id)
    assert one != two
    keyed = {verify(web, job_id, **{"Idempotency-Key": "k"}) for _ in range(3)}
    assert len(keyed) == 1
    other = ran(web)["job_id"]
    reply = web.post(f"/api/v1/jobs/{other}/verify", headers={"Idempotency-Key": "k"})
    assert (reply.status_code, reply.get_json()["code"]) == (409, "idempotency_conflict")
    bells(web)


def test_a_changed_hash_is_found_out(web: Any) -> None:
    job_id = ran(web)["job_id"]
    change(web, results, job_id, result_hash="0" * 64)
    found = again(web, job_id)
    assert (found["reproduced"], found["expected_hash"], found["differences"]) == (False, "0" * 64, [])
    assert "the result hash" in found["sentence"]


def test_a_hash_that_only_the_document_has_otherwise_is_found_out(web: Any) -> None:
    first = ran(web)
    with web.services.store.database.read() as tx:
        stored = tx.execute(select(results.c.result).where(results.c.job_id == first["job_id"])).scalar_one()
    stored["provenance"]["result_hash"] = "1" * 64
    change(web, results, first["job_id"], result=stored)
    found = again(web, first["job_id"])
    assert (found["reproduced"], found["expected_hash"]) == (False, "1" * 64)


def test_a_changed_metric_is_found_out_with_both_values(web: Any) -> None:
    first = ran(web)
    with web.services.store.database.read() as tx:
        stored = tx.execute(select(results.c.result).where(results.c.job_id == first["job_id"])).scalar_one()
    better = float(np.nextafter(first["metrics"]["sharpe"], np.inf))
    stored["metrics"] |= {"sharpe": better, "luck": 7.0}
    change(web, results, first["job_id"], result=stored)
    found = again(web, first["job_id"])
    assert found["expected_hash"] == found["found_hash"]
    assert found["reproduced"] is False
    assert found["differences"] == [
        {"metric": "sharpe", "expected": better, "found": first["metrics"]["sharpe"]},
        {"metric": "luck", "expected": 7.0, "found": None},
    ]
    assert "sharpe, luck" in found["sentence"]


@pytest.mark.parametrize("damage", ["changed", "missing", "unreadable"])
def test_a_changed_curve_is_found_out(web: Any, damage: str) -> None:
    job_id = ran(web)["job_id"]
    table = stored_curve(web, job_id)
    values = table["value"].to_pylist()
    values[-1] += 0.01
    column = pa.array(values)
    made = b"PAR1" if damage == "unreadable" else parquet(table.set_column(1, "value", column))
    change_curve(web, job_id, **({"name": "lost"} if damage == "missing" else {"data": made}))
    found = again(web, job_id)
    assert (found["reproduced"], found["parts"], found["differences"]) == (False, ["equity"], [])
    assert "the stored equity" in found["sentence"]


def test_a_file_that_another_version_wrote_is_the_same_table(web: Any) -> None:
    job_id = ran(web)["job_id"]
    table = stored_curve(web, job_id)
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink, compression="none", row_group_size=100, version="1.0", store_schema=False)
    change_curve(web, job_id, data=bytes(sink.getvalue()))
    assert again(web, job_id)["reproduced"] is True


def test_a_sweep_is_done_again_in_chunks_and_its_trials_count_no_second_time(web: Any, monkeypatch: Any) -> None:
    first = done(web, submit(web))
    before = web.services.store.tried.before(web.owner, first["request"], "another")
    monkeypatch.setattr(dividing, "MEASURED_SECONDS", 0.0)
    monkeypatch.setattr(dividing, "ALONE_SECONDS", -1.0)
    monkeypatch.setattr(dividing, "CHUNK_SECONDS", 0.0)
    monkeypatch.setattr(dividing, "MOST_CHUNKS", 5)
    job_id = verify(web, first["job_id"])
    assert work(web, workers=2) > 5
    found = done(web, job_id)["reproduction"]
    assert (found["kind"], found["reproduced"]) == ("sweep", True), found["sentence"]
    assert found["found_hash"] == first["provenance"]["result_hash"]
    assert web.services.store.tried.before(web.owner, first["request"], "another") == before
    change(web, results, first["job_id"], result_hash="0" * 64)
    assert again(web, first["job_id"])["reproduced"] is False


def test_a_sweep_that_found_nothing_finds_nothing_again(web: Any) -> None:
    first = done(web, submit(web, constraints={"total_trades": {"min": 1_000_000}}))
    assert first["sweep"]["best"] is None
    assert again(web, first["job_id"])["reproduced"] is True


ACCOUNT = {name: BODY[name] for name in ("strategy_id", "dataset", "symbols")}
KINDS = {
    "montecarlo": {**ACCOUNT, "paths": 20, "seed": 3},
    "portfolio": {"strategies": [ACCOUNT, {**ACCOUNT, "strategy_id": "buy_and_hold"}]},
    "walkforward": {**SWEEP, "train_months": 36, "test_months": 12},
}


@pytest.mark.parametrize("kind", KINDS)
def test_other_kinds_give_the_same_again(web: Any, kind: str) -> None:
    first = done(web, web.post(f"/api/v1/backtest/{kind}", KINDS[kind]).get_json()["job_id"])
    found = again(web, first["job_id"])
    assert (found["kind"], found["reproduced"]) == (kind, True), found["sentence"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("engine_version", "0.0.1", "version_changed"),
        ("strategy_version", "000000000000", "version_changed"),
        ("dataset_version", "000000000000", "unknown_dataset_version"),
        ("strategy_id", "sma_corss", "unknown_strategy"),
    ],
)
def test_code_or_data_that_is_gone_fails_with_what_is_missing(web: Any, field: str, value: str, code: str) -> None:
    first = ran(web)
    change(web, jobs, first["job_id"], request=first["request"] | {field: value})
    job_id = verify(web, first["job_id"])
    work(web)
    job = web.get(f"/api/v1/jobs/{job_id}").get_json()
    assert (job["status"], job["error"]["code"]) == ("failed", code)
    assert job["error"]["given"] == value
    assert job["error"]["allowed"]


def test_a_job_that_was_deleted_meanwhile_fails_with_that(web: Any) -> None:
    first = ran(web)
    job_id = verify(web, first["job_id"])
    web.call("DELETE", f"/api/v1/jobs/{first['job_id']}")
    work(web)
    job = web.get(f"/api/v1/jobs/{job_id}").get_json()
    assert (job["status"], job["error"]["code"], job["error"]["given"]) == ("failed", "unknown_job", first["job_id"])


def test_only_a_succeeded_job_can_be_reproduced(web: Any) -> None:
    for make, code in ((web.run, "not_ready"), (web.start, "not_ready")):
        reply = web.post(f"/api/v1/jobs/{make()}/verify")
        assert (reply.status_code, reply.get_json()["code"]) == (409, code)
    failed, cancelled = web.run(), web.run()
    web.fail(failed)
    web.post(f"/api/v1/jobs/{cancelled}/cancel")
    for job_id, code in ((failed, "job_failed"), (cancelled, "job_cancelled")):
        reply = web.post(f"/api/v1/jobs/{job_id}/verify")
        assert (reply.status_code, reply.get_json()["code"]) == (409, code)


def test_kinds_that_depend_on_more_than_their_request_are_refused(web: Any) -> None:
    reply = web.post("/api/v1/strategies/sma_cross/verify", {"dataset": "fx_daily", "symbols": ["EURUSD"]})
    checked = reply.get_json()["job_id"]
    reproduced = verify(web, ran(web)["job_id"])
    work(web)
    for job_id, kind in ((checked, "verify"), (reproduced, "reproduce")):
        reply = web.post(f"/api/v1/jobs/{job_id}/verify")
        found = reply.get_json()
        assert (reply.status_code, found["code"], found["given"]) == (409, "not_reproducible", kind)
        assert found["allowed"] == sorted(presenters.PARTS)
        assert "verify" not in web.get(f"/api/v1/jobs/{job_id}").get_json()["links"]


def test_every_kind_that_can_be_reproduced_has_a_runner() -> None:
    assert set(presenters.PARTS) <= set(RUNNERS)


def test_another_owners_job_is_none(web: Any) -> None:
    job_id = ran(web)["job_id"]
    assert web.other().post(f"/api/v1/jobs/{job_id}/verify").status_code == 404
    assert web.post("/api/v1/jobs/nothing/verify").status_code == 404
    assert web.other("read").post(f"/api/v1/jobs/{job_id}/verify").status_code == 403
