"""Strategies that are posted as data, from the document to a result."""

from __future__ import annotations

import io
import time
from typing import Any

import pyarrow.parquet
import pytest

from bench.hostile.expressions import VALIDATE, document, texts
from engine import Config, backtest
from engine.errors import RunFailed
from engine.expression import strategy_of
from workers import pipeline

POST, RUN = "/api/v1/strategies/expressions", "/api/v1/backtest/run"
FAST = {"type": "int", "min": 2, "max": 200, "default": 10}


@pytest.fixture
def spec(web: Any) -> dict[str, Any]:
    """A document under a name that no other test has."""
    return {
        "name": f"Golden cross {web.owner}",
        "params": {"fast": FAST},
        "entry": "cross_above(sma(close, fast), sma(close, 50))",
        "exit": "cross_below(sma(close, fast), sma(close, 50))",
    }


def run_job(web: Any, strategy_id: str, **body: Any) -> Any:
    """Queue a backtest, and do as a worker does."""
    job_id = web.run(strategy_id=strategy_id, **{"dataset": "fx_daily", "symbols": ["EURUSD"], **body})
    claim = web.services.jobs.claim(job_id, lease_owner="test")
    return pipeline.run(claim, web.services, lambda *_: None)


def test_a_posted_strategy_is_on_the_shelf_and_posting_it_again_changes_nothing(web: Any, spec: dict[str, Any]) -> None:
    first = web.post(POST, spec)
    posted = first.get_json()
    assert first.status_code == 201, first.text
    assert (posted["lookback"], posted["lookahead"]["verdict"]) == (51, "unchecked")
    assert posted["schema"]["properties"]["fast"] == {"type": "integer", "minimum": 2, "maximum": 200, "default": 10}
    again = web.post(POST, dict(reversed(spec.items())))
    assert (again.status_code, again.get_json()) == (200, posted)
    detail = web.get(posted["links"]["self"]).get_json()
    assert (detail["family"], detail["version"], detail["spec"]) == ("expression", posted["version"], posted["spec"])
    assert detail["source"] == f"Posted by {web.owner}"
    shelf = [item["strategy_id"] for item in web.get("/api/v1/strategies").get_json()["strategies"]]
    assert posted["strategy_id"] in shelf
    assert shelf == sorted(shelf)


def test_the_shelf_tells_the_verdict_on_each_version(web: Any, spec: dict[str, Any]) -> None:
    def verdict() -> str:
        items = web.get("/api/v1/strategies").get_json()["strategies"]
        return next(str(item["verdict"]) for item in items if item["strategy_id"] == posted["strategy_id"])

    posted = web.post(POST, spec).get_json()
    assert verdict() == "unchecked"
    run_job(web, posted["strategy_id"])
    assert verdict() == "clean"
    web.post(POST, spec | {"exit": "close < sma(close, 50)"})
    assert verdict() == "unchecked"


def test_validation_says_the_same_and_keeps_nothing(web: Any, spec: dict[str, Any]) -> None:
    told = web.post(f"{POST}/validate", spec).get_json()
    assert told.pop("valid") is True
    assert web.get(told["links"]["self"]).status_code == 404
    assert web.post(POST, spec).get_json() == told


@pytest.mark.parametrize("path", [POST, f"{POST}/validate"])
def test_a_mistake_is_told_with_its_position_and_a_caret(web: Any, spec: dict[str, Any], path: str) -> None:
    reply = web.post(path, spec | {"exit": "close < smaa(close, 20)"})
    problem = reply.get_json()
    assert (reply.status_code, problem["code"], problem["pointer"]) == (422, "invalid_expression", "/exit")
    assert (problem["position"], problem["nearest"]) == (8, "sma")
    assert problem["caret"] == "close < smaa(close, 20)\n        ^"


def test_a_look_ahead_has_a_code_of_its_own(web: Any, spec: dict[str, Any]) -> None:
    problem = web.post(f"{POST}/validate", spec | {"exit": "lag(close, -1) > fast"}).get_json()
    assert (problem["code"], problem["position"]) == ("look_ahead", 11)


def test_a_name_that_is_taken_is_refused(web: Any, spec: dict[str, Any]) -> None:
    shipped = web.post(POST, spec | {"name": "SMA cross"})
    assert (shipped.status_code, shipped.get_json()["code"]) == (409, "strategy_taken")
    web.post(POST, spec)
    other = web.other().post(POST, spec | {"exit": "false"})
    assert (other.status_code, other.get_json()["code"], other.get_json()["pointer"]) == (
        409,
        "strategy_taken",
        "/name",
    )


def test_it_runs_like_a_shipped_one_and_finds_the_same(web: Any, spec: dict[str, Any]) -> None:
    strategy_id = web.post(POST, spec).get_json()["strategy_id"]
    ours, twin = (
        run_job(web, strategy_id, params={"fast": 7}),
        run_job(web, "sma_cross", params={"fast": 7, "slow": 50}),
    )
    assert ours.result["metrics"] == twin.result["metrics"]
    assert ours.artifacts["trades"] == twin.artifacts["trades"]
    assert ours.result["request"]["params"] == {"fast": 7}
    assert web.post(POST, spec).get_json()["lookahead"]["verdict"] == "clean"
    assert pyarrow.parquet.ParquetFile(io.BytesIO(ours.artifacts["equity"])).metadata.num_rows == ours.result["bars"]


def test_a_dry_run_checks_parameters_and_bars(web: Any, spec: dict[str, Any]) -> None:
    strategy_id = web.post(POST, spec).get_json()["strategy_id"]
    assert web.post(f"{RUN}?dry_run=true", {"strategy_id": strategy_id}).get_json()["valid"] is True
    wrong = web.post(f"{RUN}?dry_run=true", {"strategy_id": strategy_id, "params": {"fast": 1}}).get_json()
    assert wrong["pointer"] == "/params/fast"
    few = {"strategy_id": strategy_id, "start_date": "2020-01-01", "end_date": "2020-03-01"}
    assert web.post(RUN, few).get_json()["code"] == "not_enough_bars"


def test_a_queued_job_runs_the_version_that_it_was_made_for(web: Any, spec: dict[str, Any]) -> None:
    posted = web.post(POST, spec).get_json()
    job_id = web.run(strategy_id=posted["strategy_id"], dataset="fx_daily", symbols=["EURUSD"])
    newer = web.post(POST, spec | {"exit": "false"}).get_json()
    assert newer["strategy_id"] == posted["strategy_id"]
    assert web.call("DELETE", f"{POST}/{posted['strategy_id']}").status_code == 204
    assert web.post(RUN, {"strategy_id": posted["strategy_id"]}).get_json()["code"] == "unknown_strategy"
    claim = web.services.jobs.claim(job_id, lease_owner="test")
    done = pipeline.run(claim, web.services, lambda *_: None)
    bars = web.services.catalog.bars("fx_daily", ["EURUSD"])
    assert done.result["provenance"]["strategy_version"] == posted["version"] != newer["version"]
    assert done.result["metrics"] == backtest(bars, strategy_of(spec).bind(), Config().fitted(bars)).metrics


def test_a_version_that_never_was_is_not_run(web: Any, spec: dict[str, Any]) -> None:
    posted = web.post(POST, spec).get_json()
    job_id = web.run(strategy_id=posted["strategy_id"], dataset="fx_daily")
    claim = web.services.jobs.claim(job_id, lease_owner="test")
    claim.request["strategy_version"] = "0" * 12
    with pytest.raises(RunFailed, match="version"):
        pipeline.run(claim, web.services, lambda *_: None)


def test_a_symbol_of_the_dataset_is_read_and_not_traded(web: Any, spec: dict[str, Any]) -> None:
    weight = 'where(close["GBPUSD"] > sma(close["GBPUSD"], 20), 1, 0) / symbol_count'
    strategy_id = web.post(POST, {"name": spec["name"], "weight": weight}).get_json()["strategy_id"]
    done = run_job(web, strategy_id)
    assert done.result["request"]["beside"] == ["GBPUSD"]
    assert {item["symbol"] for item in done.result["gaps"]} <= {"EURUSD"}
    assert done.result["metrics"]["total_trades"] > 100
    refused = web.post(RUN, {"strategy_id": strategy_id, "dataset": "sp500_daily"}).get_json()
    assert (refused["code"], refused["pointer"]) == ("missing_symbol", "/dataset")


def test_only_its_owner_withdraws_a_strategy(web: Any, spec: dict[str, Any]) -> None:
    here = f"{POST}/{web.post(POST, spec).get_json()['strategy_id']}"
    for caller, path in ((web.other(), here), (web, f"{POST}/sma_cross"), (web, f"{POST}/%00")):
        reply = caller.call("DELETE", path)
        assert (reply.status_code, reply.get_json()["code"]) == (404, "unknown_strategy"), path
    assert web.other("read").call("DELETE", here).status_code == 403
    assert web.call("DELETE", here).status_code == 204
    assert web.call("DELETE", here).status_code == 404


def test_no_hostile_text_gets_a_server_error_or_holds_a_server_up(web: Any) -> None:
    taken = 0
    for number, text in enumerate(texts(300, seed=7)):
        started = time.perf_counter()
        reply = web.post(VALIDATE, document(text, number))
        assert reply.status_code in (200, 422), (text[:80], reply.text)
        assert len(reply.data) < 20_000, text[:80]
        assert time.perf_counter() - started < 2.0, text[:80]
        taken += reply.status_code == 200
    assert 10 <= taken < 200


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"entry": 3}, "/entry"),
        ({"entry": "x" * 2001}, "/entry"),
        ({"entry": "clo\x00se"}, "/entry"),
        ({"enty": "true"}, "/enty"),
        ({"params": {"n": {"type": "int", "min": 1, "max": 10**300, "default": 1}}}, "/params/n/max"),
        ({"params": {"__class__": FAST}}, "/params/__class__"),
        ({"max_weight": True}, "/max_weight"),
    ],
)
def test_a_document_of_the_wrong_form_is_refused_with_its_place(
    web: Any, spec: dict[str, Any], change: dict[str, Any], pointer: str
) -> None:
    reply = web.post(POST, spec | change)
    assert (reply.status_code, reply.get_json()["pointer"]) == (422, pointer), reply.text


def test_what_an_expression_may_call_is_listed(web: Any) -> None:
    told = {item["name"]: item for item in web.get(f"{POST}/functions").get_json()["functions"]}
    assert told["sma"] == {"name": "sma", "call": "sma(values, window)", "gives": "series", "fields": []}
    assert told["bollinger"]["fields"] == ["upper", "middle", "lower"]
    assert told["abs"]["gives"] is None
