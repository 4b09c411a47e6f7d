"""Walking forward through the API and a worker: each fold is a sweep and a run, however the work was divided."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pytest

import strategies
from app.contracts import load_bars
from engine import Config, backtest
from engine.sweep import sweep
from tests.working import Hand
from workers import dividing
from workers.walking import work_of

WALK = "/api/v1/backtest/walkforward"
GRID = {"fast": [5, 10, 20], "slow": [40, 80]}
BODY = {
    "strategy_id": "sma_cross",
    "dataset": "fx_daily",
    "symbols": ["EURUSD"],
    "start_date": "2010-01-01",
    "end_date": "2014-12-31",
    "grid": GRID,
}
MONTHS = {"train_months": 24, "test_months": 12}
CPCV = {"cpcv": {"groups": 5, "test_groups": 2}}


def submit(web: Any, **more: Any) -> str:
    reply = web.post(f"{WALK}?fresh=true", {**BODY, **more})
    assert reply.status_code == 202, reply.text
    return str(reply.get_json()["job_id"])


def done(web: Any, job_id: str) -> dict[str, Any]:
    """The result of a job that a worker has done."""
    executor, queue = Hand(web.services, "w1"), web.services.queue
    while any(queue.length(name) for name in ("interactive", "batch")):
        for name in ("interactive", "batch"):
            while bell := queue.take(name):
                executor.do(bell)
    reply = web.get(f"/api/v1/jobs/{job_id}/result")
    assert reply.status_code == 200, web.get(f"/api/v1/jobs/{job_id}").text
    return dict(reply.get_json())


def test_a_walk_of_one_fold_is_a_sweep_and_a_run(web: Any) -> None:
    found = done(web, submit(web, **{**MONTHS, "train_months": 48}))
    block = found["walkforward"]
    (fold,) = block["folds"]

    bars = load_bars(found["request"], web.services.catalog)
    split = fold["train"]["bars"]
    part = bars.select(end=bars.time[split - 1])
    item, config = strategies.get("sma_cross"), Config(**found["request"]["config"])
    trials = [{"fast": fast, "slow": slow} for fast in GRID["fast"] for slow in GRID["slow"]]
    swept = sweep(part, item, trials, config)
    best = int(np.nanargmax(swept["sharpe"]))
    bound = item.bind(**trials[best])
    assert (fold["trial"], fold["params"]) == (best, bound.params)
    assert fold["in_sample"] == backtest(part, bound, config).metrics
    assert fold["test"]["start"].startswith("2014-01")
    assert block["out_of_sample"]["metrics"] == fold["out_of_sample"] == found["metrics"]
    assert block["overfit_ratio"] == pytest.approx(fold["out_of_sample"]["sharpe"] / fold["in_sample"]["sharpe"])
    assert len(block["out_of_sample"]["equity"]["value"]) == fold["test"]["bars"] == found["bars"]


def test_the_stitched_curve_compounds_the_tests(web: Any) -> None:
    found = done(web, submit(web, **MONTHS, purge=5))
    folds = found["walkforward"]["folds"]

    assert [fold["test"]["start"][:7] for fold in folds] == ["2012-01", "2013-01", "2014-01"]
    growth = np.prod([1.0 + fold["out_of_sample"]["total_return"] for fold in folds])
    assert found["metrics"]["total_return"] == pytest.approx(growth - 1.0, rel=1e-12)
    assert found["bars"] == sum(fold["test"]["bars"] for fold in folds)
    assert found["metrics"]["total_trades"] == sum(fold["out_of_sample"]["total_trades"] for fold in folds)
    assert len(found["walkforward"]["parameters"]["fast"]["values"]) == 3
    assert found["walkforward"]["trials_made"] == found["walkforward"]["statistics"]["trials_made"] == 6


@pytest.mark.parametrize("plan", [MONTHS, CPCV])
def test_a_result_is_the_same_for_any_chunks(web: Any, monkeypatch: pytest.MonkeyPatch, plan: Any) -> None:
    alone = done(web, submit(web, **plan))
    for name, value in {"MEASURED_SECONDS": 0.0, "ALONE_SECONDS": -1.0, "CHUNK_SECONDS": 0.0}.items():
        monkeypatch.setattr(dividing, name, value)
    chunked = done(web, submit(web, **plan))

    assert chunked["provenance"]["result_hash"] == alone["provenance"]["result_hash"]
    assert chunked["walkforward"]["folds"] == alone["walkforward"]["folds"]


def test_all_paths_of_a_cross_validation(web: Any) -> None:
    job_id = submit(web, **CPCV)
    found = done(web, job_id)
    block = found["walkforward"]

    assert found["request"]["walkforward"]["embargo"] == strategies.get("sma_cross").lookback({"slow": 80})
    assert len(block["folds"]) == comb(5, 2)
    assert len(block["paths"]["sharpe"]) == comb(4, 1)
    assert block["paths"]["sharpe"][block["paths"]["shown"]] == pytest.approx(found["metrics"]["sharpe"], rel=1e-12)
    negative = np.mean(np.array(block["paths"]["sharpe"]) < 0.0)
    assert block["paths"]["sharpe_distribution"]["below_zero"] == negative
    exported = web.get(f"/api/v1/jobs/{job_id}/export?format=csv&part=paths").text.splitlines()
    whole = web.get(f"/api/v1/jobs/{job_id}/paths").get_json()
    assert [path["path"] for path in whole["paths"]] == list(range(4))
    assert whole["paths"][0]["value"] == [float(line.split(",")[1]) for line in exported[1:]]
    assert (whole["bars"], whole["decimated"]) == (len(exported) - 1, False)
    few = web.get(f"/api/v1/jobs/{job_id}/paths?points=20").get_json()
    for path, all_of_it in zip(few["paths"], whole["paths"], strict=True):
        assert len(path["time"]) == len(path["value"]) <= 20
        assert (min(path["value"]), max(path["value"])) == (min(all_of_it["value"]), max(all_of_it["value"]))
    assert few["decimated"]
    assert exported[0] == "time,path_0,path_1,path_2,path_3"
    assert len(exported) == 1 + found["bars"]


def test_later_bars_change_no_earlier_fold(web: Any) -> None:
    whole = done(web, submit(web, **MONTHS))["walkforward"]["folds"]
    part = done(web, submit(web, **MONTHS, end_date="2013-12-31"))["walkforward"]["folds"]

    assert part == whole[:2]


@pytest.mark.parametrize(
    ("more", "status", "pointer"),
    [
        ({"train_months": 24}, 422, "/test_months"),
        ({"train_months": 60, "test_months": 12}, 422, "/train_months"),
        ({"train_months": 2, "test_months": 1}, 422, "/train_months"),
        ({**MONTHS, "purge": -1}, 422, "/purge"),
        ({**MONTHS, "top": 5}, 422, "/top"),
        ({**MONTHS, **CPCV}, 422, "/train_months"),
        ({"cpcv": {"groups": 5, "test_groups": 5}}, 422, "/cpcv/test_groups"),
        ({"cpcv": {"groups": 20, "test_groups": 10}}, 422, "/cpcv"),
        ({**CPCV, "embargo": 5000}, 422, "/embargo"),
    ],
)
def test_what_cannot_be_divided_is_pointed_at(web: Any, more: Any, status: int, pointer: str) -> None:
    reply = web.post(WALK, {**BODY, **more})

    assert reply.status_code == status, reply.text
    assert pointer in reply.text


def test_a_dry_run_says_how_much_it_is(web: Any) -> None:
    estimate = web.post(f"{WALK}?dry_run=true", {**BODY, **CPCV}).get_json()["estimate"]

    assert (estimate["trials"], estimate["folds"], estimate["paths"]) == (6, 10, 4)


def test_units_are_the_same_one_by_one(web: Any) -> None:
    request = web.post(f"{WALK}?dry_run=true", {**BODY, **MONTHS}).get_json()["request"]
    work = work_of(request, web.services)
    together = work.run(0, work.units)

    assert [work.run(at, at + 1).to_pylist()[0] for at in range(work.units)] == together.to_pylist()
