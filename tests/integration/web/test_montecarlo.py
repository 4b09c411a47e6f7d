"""Monte Carlo through the API and a worker: what is asked, refused, run, told and taken away."""

from __future__ import annotations

import io
import math

import numpy as np
import pyarrow.parquet
import pytest

from app.errors import JobCancelled
from engine.errors import QueuantError
from workers import pipeline

PATH = "/api/v1/backtest/montecarlo"
SMA = {
    "strategy_id": "sma_cross",
    "params": {"fast": 10, "slow": 50},
    "dataset": "fx_daily",
    "symbols": ["EURUSD"],
    "start_date": "2015-01-01",
    "end_date": "2019-12-31",
}
METHODS = ("stationary", "circular", "trades", "parameters", "costs")


def work(web, reply):
    """Do as a worker does with the job of a reply; its result, or the job where there is none."""
    assert reply.status_code == 202, reply.text
    claim = web.services.jobs.claim(reply.get_json()["job_id"], lease_owner="test")
    try:
        output = pipeline.run(claim, web.services, lambda *_: None)
    except QueuantError as error:
        web.services.jobs.fail(claim, error.detail())
        return web.get(f"/api/v1/jobs/{claim.job_id}").get_json()
    web.services.jobs.finish(claim, output)
    return web.get(f"/api/v1/jobs/{claim.job_id}/result").get_json()


def ask(web, **body):
    return web.post(PATH, {**SMA, "paths": 40, **body})


@pytest.fixture(scope="module")
def told(shared):
    """The results of one caller, by method."""
    web = shared.other()
    return web, {method: work(web, ask(web, method=method, seed=3)) for method in METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_a_result_is_that_of_the_run_with_what_its_paths_say(told, method):
    web, results = told
    result = results[method]
    found = result["montecarlo"]
    run = work(web, web.post("/api/v1/backtest/run?fresh=true", {**SMA, "seed": 3}))

    assert (result["kind"], found["method"], found["paths"], found["seed"]) == ("montecarlo", method, 40, 3)
    for part in ("conventions", "metrics", "equity", "lookahead", "top_drawdowns", "warnings"):
        assert result[part] == run[part]
    assert result["request"]["method"] == method
    assert result["provenance"]["quality"] == "real"
    assert result["provenance"]["result_hash"] != run["provenance"]["result_hash"]
    assert found["meaning"].startswith(f"40 paths of {found['steps']:,} {found['unit']} began with 100,000.00. ")
    assert found["caveat"].endswith(".")
    for figure in found["figures"].values():
        quantiles = [figure[name] for name in ("p05", "p25", "p50", "p75", "p95")]
        assert quantiles == sorted(quantiles)
        assert 0.0 <= figure["percentile_of_observed"] <= 1.0
    bands = found["bands"]
    for curve in ("equity", "drawdown"):
        assert {len(row) for row in bands[curve].values()} == {len(bands["step"])}
    assert (bands["time"] is None) == (method == "trades")
    if method != "trades":
        assert found["figures"]["sharpe"]["observed"] == run["metrics"]["sharpe"]
        assert bands["time"][-1] == "2019-12-31T00:00:00Z"
    assert ("ladder" in found) == (method == "costs")
    for name in ("probability_of_ruin", "probability_of_loss"):
        assert 0.0 <= found[name]["low"] <= found[name]["probability"] <= found[name]["high"] <= 1.0


def test_every_path_can_be_taken_away_and_makes_the_figures(told):
    web, results = told
    for method, result in results.items():
        data = web.get(f"/api/v1/jobs/{result['job_id']}/export?part=paths").data
        table = pyarrow.parquet.ParquetFile(io.BytesIO(data)).read().to_pydict()
        sharpe = result["montecarlo"]["figures"]["sharpe"]
        assert table["path"] == list(range(40))
        assert np.mean(table["sharpe"]) == pytest.approx(sharpe["mean"], rel=1e-12)
        assert np.quantile(table["sharpe"], 0.95) == pytest.approx(sharpe["p95"], rel=1e-12)
        assert np.mean(table["ruined"]) == result["montecarlo"]["probability_of_ruin"]["probability"]
        drawn = {name for name in table if name.startswith("drawn_")}
        assert drawn == {
            "parameters": {"drawn_fast", "drawn_slow"},
            "costs": {"drawn_commission", "drawn_slippage", "drawn_borrow"},
        }.get(method, set())
    refused = web.get(f"/api/v1/jobs/{result['job_id']}/paths")
    assert (refused.status_code, refused.get_json()["code"]) == (404, "no_such_part")
    csv = web.get(f"/api/v1/jobs/{result['job_id']}/export?part=paths&format=csv")
    assert csv.text.splitlines()[0].startswith(
        "path,final_equity,total_return,sharpe,max_drawdown,lowest_equity,ruined"
    )
    assert web.get(f"/api/v1/jobs/{result['job_id']}/trades").status_code == 200


def test_the_same_request_gives_the_same_numbers_and_is_answered_from_the_store(told):
    web, results = told
    first = results["stationary"]
    cached = ask(web, method="stationary", seed=3).get_json()
    assert (cached["cached"], cached["job_id"]) == (True, first["job_id"])
    again = work(web, web.post(f"{PATH}?fresh=true", {**SMA, "paths": 40, "seed": 3}))
    assert again["provenance"]["result_hash"] == first["provenance"]["result_hash"]
    assert again["montecarlo"] == first["montecarlo"]
    other = work(web, ask(web, seed=4))
    assert other["provenance"]["result_hash"] != first["provenance"]["result_hash"]


def test_a_dry_run_fills_in_what_belongs_to_the_method_and_estimates(web):
    reply = web.post(f"{PATH}?dry_run=true", {**SMA, "method": "parameters"}).get_json()
    told = reply["request"]
    assert (told["method"], told["paths"], told["jitter"], told["ruin"]) == ("parameters", 200, 0.1, 0.5)
    assert "block" not in told
    assert (reply["estimate"]["runs"], reply["estimate"]["paths"]) == (201, 200)
    blocks = web.post(f"{PATH}?dry_run=true", {**SMA, "horizon": 63}).get_json()
    assert blocks["estimate"]["steps"] == 63_000
    assert (blocks["request"]["block"], blocks["estimate"]["runs"]) == (None, 1)
    assert web.get("/api/v1/jobs").get_json()["jobs"] == []


def test_fields_that_are_left_out_and_written_out_are_the_same_request(web):
    short = web.post(f"{PATH}?dry_run=true", SMA).get_json()
    written = {"method": "stationary", "paths": 1000.0, "block": None, "ruin": 0.5, "seed": 0, "replacement": False}
    assert web.post(f"{PATH}?dry_run=true", SMA | written).get_json()["request_hash"] == short["request_hash"]
    run = web.post("/api/v1/backtest/run?dry_run=true", SMA).get_json()
    assert run["request_hash"] != short["request_hash"]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"method": "stationery"}, "/method", "invalid_request"),
        ({"paths": 100_001}, "/paths", "invalid_request"),
        ({"paths": "10"}, "/paths", "invalid_request"),
        ({"method": "parameters", "paths": 5000}, "/paths", "invalid_request"),
        ({"block": 0}, "/block", "invalid_request"),
        ({"block": 1e6}, "/block", "invalid_request"),
        ({"method": "circular", "block": 2.5}, "/block", "invalid_request"),
        ({"method": "trades", "horizon": 10}, "/horizon", "not_of_this_method"),
        ({"method": "stationary", "replacement": True}, "/replacement", "not_of_this_method"),
        ({"replacement": 1}, "/replacement", "invalid_request"),
        ({"method": "costs", "stress": 1000}, "/stress", "invalid_request"),
        ({"method": "costs", "stress": 100, "config": {"slippage_bps": 50}}, "/stress", "invalid_request"),
        ({"method": "costs", "config": {"commission_bps": 0, "slippage_bps": 0}}, "/config", "nothing_to_vary"),
        ({"method": "parameters", "strategy_id": "buy_and_hold", "params": {}}, "/strategy_id", "nothing_to_vary"),
        ({"horizon": 10_000_000, "paths": 100_000}, "/paths", "montecarlo_too_large"),
        ({"jiter": 0.1}, "/jiter", "invalid_request"),
        ({"params": {"fast": 60}}, "/params", "invalid_parameter"),
        ({"dataset": "nowhere"}, "/dataset", "unknown_dataset"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(web, body, pointer, code):
    reply = web.post(PATH, {**SMA, **body})
    problem = reply.get_json()
    found = problem.get("pointer", (problem.get("errors") or [{}])[0].get("pointer"))
    assert (reply.status_code, problem["code"], found) == (422, code, pointer)
    assert web.get("/api/v1/jobs").get_json()["jobs"] == []


def test_a_run_without_trades_cannot_be_shuffled(web):
    job = work(web, ask(web, method="trades", strategy_id="buy_and_hold", params={}))
    assert (job["status"], job["error"]["code"]) == ("failed", "not_enough_trades")


def test_it_counts_paths_and_ends_between_them_when_it_is_cancelled(web):
    claim = web.services.jobs.claim(ask(web, paths=2000).get_json()["job_id"], lease_owner="test")
    news = []

    def report(done, total, phase):
        news.append((done, total, phase))
        if phase == "paths" and done:
            raise JobCancelled("The job was cancelled.")

    with pytest.raises(JobCancelled):
        pipeline.run(claim, web.services, report)
    assert {phase for _, total, phase in news if total == 2000} >= {"weights", "simulate", "measure", "paths"}
    assert [done for done, *_ in news] == sorted(done for done, *_ in news)
    assert 0 < news[-1][0] < 2000


def test_a_reader_may_not_start_one_and_a_key_repeats_it(web):
    assert web.other("read").post(PATH, SMA).status_code == 403
    headers = {"Idempotency-Key": "one"}
    ids = {web.post(f"{PATH}?fresh=true", SMA, headers=headers).get_json()["job_id"] for _ in range(2)}
    assert len(ids) == 1
    assert web.post(PATH, {**SMA, "seed": 1}, headers=headers).get_json()["code"] == "idempotency_conflict"


def test_results_of_a_strategy_stay_those_of_its_backtests(told):
    web, results = told
    work(web, web.post("/api/v1/backtest/run?fresh=true", SMA))
    latest = web.get("/api/v1/backtest/results?strategy_id=sma_cross").get_json()
    assert latest["kind"] == "backtest"
    row = web.get(f"/api/v1/backtest/comparison?job_ids={results['costs']['job_id']}").get_json()["rows"][0]
    assert math.isfinite(row["metrics"]["sharpe"])
