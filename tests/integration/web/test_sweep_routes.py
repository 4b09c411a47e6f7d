"""A sweep through the API and a worker: each trial is what its backtest would be, and what all of them say is told."""

from __future__ import annotations

import math
from typing import Any

import pytest

import strategies
from engine import Config, backtest
from engine.errors import RunFailed
from tests.sweeps import BODY, GRID, SWEEP, done, submit, trials, work
from workers import sweeping


def test_every_trial_is_the_backtest_with_its_parameters(web: Any) -> None:
    job_id = submit(web)
    result = done(web, job_id)
    found = trials(web, job_id)

    assert found["total"] == 21
    assert found["complete"]
    request = result["request"]
    bars = web.services.catalog.bars("fx_daily", ["EURUSD"], request["start_date"], request["end_date"])
    strategy, config = strategies.get("sma_cross"), Config(**request["config"])
    for row in found["trials"]:
        assert row["params"]["fast"] < row["params"]["slow"]
        alone = backtest(bars, strategy.bind(**row["params"]), config).metrics
        for name, value in row["figures"].items():
            assert value == pytest.approx(alone[name], rel=1e-9), (row["params"], name)


def test_the_result_is_the_best_trial_with_what_all_of_them_say(web: Any) -> None:
    job_id = submit(web)
    result = done(web, job_id)
    sweep, rows = result["sweep"], trials(web, job_id, sort="-sharpe")["trials"]

    assert (sweep["trials_made"], sweep["skipped"], sweep["failed"], sweep["ended"]) == (21, 3, 0, None)
    assert sweep["best"]["params"] == rows[0]["params"]
    assert [row["trial"] for row in sweep["top"]] == [row["trial"] for row in rows[:10]]
    assert result["metrics"] == sweep["best"]["metrics"]
    assert len(result["equity"]["time"]) == result["bars"]
    assert web.get(f"/api/v1/jobs/{job_id}/equity").status_code == 200
    assert web.get(f"/api/v1/jobs/{job_id}/trades").status_code == 200
    assert web.get(f"/api/v1/jobs/{job_id}/export?part=trials&format=csv").text.startswith("trial,param:fast")
    statistics = sweep["statistics"]
    assert statistics["trials_made"] == 21
    assert 0.0 <= statistics["deflated_sharpe"] <= statistics["psr"] <= 1.0
    assert statistics["sentence"].startswith("Best of 21 trials.")
    assert set(sweep["importance"]) == {"fast", "slow"}
    assert sweep["plateau"]["neighbours"] >= 1


def test_constraints_and_a_figure_of_which_less_is_better(web: Any) -> None:
    bounds = {"total_trades": {"min": 25, "max": 60}, "max_drawdown": {"min": -0.5}}
    job_id = submit(web, objective=["annual_volatility", "total_return"], constraints=bounds)
    sweep = done(web, job_id)["sweep"]
    rows = trials(web, job_id, sort="annual_volatility")["trials"]

    allowed = [row for row in rows if 25 <= row["figures"]["total_trades"] <= 60]
    assert 0 < len(allowed) < len(rows)
    assert sweep["within_constraints"] == len(allowed)
    assert sweep["best"]["trial"] == allowed[0]["trial"]
    most = max(allowed, key=lambda row: row["figures"]["total_return"])
    assert sweep["best_by"]["total_return"]["trial"] == most["trial"]


def test_constraints_that_no_trial_keeps_leave_trials_and_no_best(web: Any) -> None:
    job_id = submit(web, constraints={"total_trades": {"min": 100_000}})
    result = done(web, job_id)

    assert result["sweep"]["best"] is None
    assert result["sweep"]["top"] == []
    assert result["sweep"]["statistics"] is None
    assert result["sweep"]["within_constraints"] == 0
    assert "metrics" not in result
    assert trials(web, job_id)["total"] == 21
    missing = web.get(f"/api/v1/backtest/comparison?job_ids={job_id}").get_json()["missing"]
    assert missing[0]["reason"] == "no_metrics"


def test_every_symbol_with_an_account_of_its_own(web: Any) -> None:
    symbols = ["EURUSD", "GBPUSD", "USDJPY"]
    job_id = submit(web, symbols=symbols, each_symbol=True)
    found = done(web, job_id)
    rows = trials(web, job_id)["trials"]

    assert found["sweep"]["trials_made"] == len(rows) == 63
    assert found["sweep"]["skipped"] == 3
    for symbol in symbols:
        alone = trials(web, done(web, submit(web, symbols=[symbol]))["job_id"])["trials"]
        mine = [row for row in rows if row["symbol"] == symbol]
        assert [row["params"] for row in mine] == [row["params"] for row in alone]
        for row, other in zip(mine, alone, strict=True):
            assert row["figures"] == pytest.approx(other["figures"], rel=1e-9)
    best = found["sweep"]["best"]
    assert best["figures"]["sharpe"] == max(row["figures"]["sharpe"] for row in rows)
    assert set(found["sweep"]["importance"]) == {"fast", "slow", "symbol"}


def test_a_random_search_is_that_of_its_seed(web: Any) -> None:
    draws = {"grid": {"fast": {"low": 2, "high": 40}, "slow": {"low": 41, "high": 200}}, "random": {"trials": 15}}
    first, again, other = (done(web, submit(web, draws, seed=seed))["job_id"] for seed in (4, 4, 5))

    told = [trials(web, job_id)["trials"] for job_id in (first, again, other)]
    assert len(told[0]) == 15
    assert told[0] == told[1]
    assert [row["params"] for row in told[0]] != [row["params"] for row in told[2]]


@pytest.mark.parametrize(
    ("grid", "trials", "made", "ended"),
    [
        ({"fast": [3, 5], "slow": [20, 40]}, 3, 3, "trials"),
        ({"fast": [3, 5], "slow": [20, 40]}, 10, 4, "exhausted"),
        ({"fast": {"low": 2, "high": 200}, "slow": [3, 4]}, 10, 1, "rule"),
    ],
)
def test_a_random_search_says_why_it_made_fewer_trials(web: Any, grid: Any, trials: int, made: int, ended: str) -> None:
    sweep = done(web, submit(web, grid=grid, random={"trials": trials}))["sweep"]
    assert (sweep["trials_made"], sweep["ended"]) == (made, ended)


def test_a_random_search_without_a_grid_is_one_of_everything(web: Any) -> None:
    body = {name: value for name, value in BODY.items() if name != "grid"}
    reply = web.post(f"{SWEEP}?fresh=true", {**body, "params": {"side": "both"}, "random": {"trials": 9}})
    found = trials(web, done(web, reply.get_json()["job_id"])["job_id"])["trials"]

    assert len(found) == 9
    assert {row["params"]["side"] for row in found} == {"both"}
    assert len({row["params"]["slow"] for row in found}) > 5


def test_a_surface_shows_the_best_or_the_mean_over_two_parameters(web: Any) -> None:
    job_id = submit(web, grid={**GRID, "side": ["long", "both"]})
    done(web, job_id)
    rows = trials(web, job_id)["trials"]
    for take in ("best", "mean"):
        query = {"x": "fast", "y": "slow", "figure": "max_drawdown", "take": take}
        told = web.get(f"/api/v1/jobs/{job_id}/surface", query_string=query).get_json()
        plain = {"figure": "max_drawdown", "take": take}  # the first two parameters of the grid
        assert web.get(f"/api/v1/jobs/{job_id}/surface", query_string=plain).get_json() == told
        assert told["x"] == [5, 10, 15, 20, 25, 30]
        assert told["y"] == [20, 40, 80, 120]
        for i, slow in enumerate(told["y"]):
            for j, fast in enumerate(told["x"]):
                cell = [
                    row["figures"]["max_drawdown"]
                    for row in rows
                    if row["params"]["fast"] == fast and row["params"]["slow"] == slow
                ]
                if not cell:
                    assert told["z"][i][j] is None
                    continue
                expected = max(cell) if take == "best" else math.fsum(cell) / len(cell)
                assert told["z"][i][j] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"x": "fast", "y": "fast"}, "/y"),
        ({"x": "fst", "y": "slow"}, "/x"),
        ({"x": "fast", "y": "slow", "figure": "sharp"}, "/figure"),
        ({"x": "fast", "y": "slow", "symbol": "EURUSD"}, "/symbol"),
    ],
)
def test_a_surface_of_what_is_not_there_is_refused(web: Any, query: dict[str, str], pointer: str) -> None:
    job_id = submit(web)
    done(web, job_id)
    reply = web.get(f"/api/v1/jobs/{job_id}/surface", query_string=query)
    assert reply.status_code == 422, reply.text
    assert reply.get_json()["pointer"] == pointer


def test_pages_of_trials_join_to_all_of_them(web: Any) -> None:
    job_id = submit(web)
    done(web, job_id)
    whole, found, cursor = trials(web, job_id, sort="total_return")["trials"], [], None
    while True:
        page = trials(web, job_id, sort="total_return", limit=7, **({"cursor": cursor} if cursor else {}))
        found += page["trials"]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == whole
    returns = [row["figures"]["total_return"] for row in whole]
    assert returns == sorted(returns)
    assert web.get(f"/api/v1/jobs/{job_id}/trials?sort=sharp").status_code == 422


def test_a_backtest_has_no_trials(web: Any) -> None:
    job_id = web.finished()
    for part in ("trials", "surface?x=fast&y=slow"):
        reply = web.get(f"/api/v1/jobs/{job_id}/{part}")
        assert (reply.status_code, reply.get_json()["code"]) == (404, "no_such_part")


def test_an_exact_repeat_is_answered_from_the_store(web: Any) -> None:
    done(web, web.post(SWEEP, BODY).get_json()["job_id"])
    spelled = {"fast": [5, 10, 15, 20, 25, 30], "slow": GRID["slow"]}
    reply = web.post(SWEEP, {**BODY, "objective": ["sharpe"], "grid": spelled})
    assert reply.get_json()["cached"] is True


def test_trials_of_earlier_searches_count_against_the_next(web: Any) -> None:
    first = done(web, submit(web))
    second = done(web, submit(web, grid={"fast": [3, 4], "slow": [33, 44]}))
    third = done(web, submit(web))

    assert first["sweep"]["trials_before"] == 0
    assert second["sweep"]["trials_before"] == 21
    assert third["sweep"]["trials_before"] == 4  # the same search again is no other one
    assert second["sweep"]["statistics"]["expected_maximum_sharpe"] > 0


def test_two_twins_do_not_make_an_earlier_search_forgotten(web: Any) -> None:
    wide = done(web, submit(web))["sweep"]
    twins = done(web, submit(web, grid={"fast": [13], "slow": [90, 91]}))["sweep"]

    assert twins["trials_before"] == wide["trials_made"]
    assert twins["statistics"]["expected_maximum_sharpe"] > 0.5 * wide["statistics"]["expected_maximum_sharpe"]


def test_a_dry_run_says_how_much_is_asked_for(web: Any) -> None:
    reply = web.post(f"{SWEEP}?dry_run=true", BODY).get_json()
    estimate = reply["estimate"]
    assert estimate["trials"] == 24
    assert estimate["cells"] == 24 * estimate["bars"]
    assert reply["request"]["sweep"]["grid"]["fast"] == [5, 10, 15, 20, 25, 30]
    assert web.get("/api/v1/jobs?kind=sweep").get_json()["jobs"] == []


@pytest.mark.parametrize(
    ("more", "code", "pointer"),
    [
        ({"grid": None}, "empty_sweep", "/grid"),
        ({"grid": {}}, "empty_sweep", "/grid"),
        ({"grid": {"fst": [1]}}, "invalid_parameter", "/grid/fst"),
        ({"grid": {"fast": "5"}}, "invalid_grid", "/grid/fast"),
        ({"grid": {"fast": [5.5]}}, "invalid_parameter", "/grid/fast"),
        ({"grid": {"fast": [50], "slow": [20]}}, "empty_sweep", "/grid"),
        ({"params": {"fast": 3}}, "invalid_request", "/grid/fast"),
        ({"objective": "sharp"}, "unknown_metric", "/objective"),
        ({"objective": ["sharpe", "sharp"]}, "unknown_metric", "/objective/1"),
        ({"objective": "exposure"}, "invalid_request", "/objective"),
        ({"objective": "alpha", "benchmark": "USDJPY"}, "invalid_request", "/objective"),
        ({"constraints": {"beta": {"max": 1}}}, "invalid_request", "/constraints/beta"),
        ({"objective": []}, "invalid_request", "/objective"),
        ({"constraints": {"shape": {"min": 1}}}, "unknown_metric", "/constraints/shape"),
        ({"constraints": {"sharpe": {}}}, "invalid_request", "/constraints/sharpe"),
        ({"constraints": {"sharpe": {"least": 1}}}, "invalid_request", "/constraints/sharpe/least"),
        ({"constraints": {"sharpe": {"min": 2, "max": 1}}}, "invalid_request", "/constraints/sharpe"),
        ({"constraints": {"sharpe": {"min": "a"}}}, "invalid_request", "/constraints/sharpe/min"),
        ({"random": {"trials": 0}}, "invalid_request", "/random/trials"),
        ({"random": {"trials": 5, "n": 5}}, "invalid_request", "/random/n"),
        ({"top": 101}, "invalid_request", "/top"),
        ({"each_symbol": "yes"}, "invalid_request", "/each_symbol"),
        ({"strategy_id": "sma_kross"}, "unknown_strategy", "/strategy_id"),
        ({"config": {"fil": 1}}, "invalid_config", "/config/fil"),
    ],
)
def test_what_is_no_sweep_is_refused_where_it_is_wrong(web: Any, more: Any, code: str, pointer: str) -> None:
    body = {name: value for name, value in {**BODY, **more}.items() if value is not None}
    reply = web.post(SWEEP, body)
    assert reply.status_code == 422, reply.text
    assert (reply.get_json()["code"], reply.get_json()["pointer"]) == (code, pointer)


def test_a_trillion_combinations_are_refused_at_once(web: Any) -> None:
    axes = {"fast": {"start": 2, "stop": 200, "step": 1e-4}, "slow": {"start": 3, "stop": 400, "step": 1e-4}}
    reply = web.post(SWEEP, {**BODY, "grid": axes})
    assert reply.get_json()["code"] == "sweep_too_large"
    assert reply.get_json()["allowed"] == {"maximum": 500_000}
    assert "would fit" in reply.get_json()["detail"]


def test_a_macro_strategy_does_not_trade_its_symbols_one_by_one(web: Any) -> None:
    body = {"strategy_id": "RATES_BR_02", "random": {"trials": 3}, "each_symbol": True}
    reply = web.post(SWEEP, body)
    assert reply.get_json()["pointer"] == "/each_symbol"


def test_a_trial_that_fails_is_told_and_the_others_stand(web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sweeping.sweep

    def sometimes(bars: Any, strategy: Any, trials: Any, *args: Any, **more: Any) -> Any:
        if any(item["fast"] == 15 for item in trials):
            raise RunFailed("mine raised ValueError: fifteen", code="strategy_error")
        return real(bars, strategy, trials, *args, **more)

    monkeypatch.setattr(sweeping, "sweep", sometimes)
    job_id = submit(web)
    result = done(web, job_id)
    rows = trials(web, job_id)["trials"]

    failed = [row for row in rows if row["error"]]
    assert [row["params"]["fast"] for row in failed] == [15] * 4
    assert {row["error"] for row in failed} == {"mine raised ValueError: fifteen"}
    assert all(value is None for row in failed for value in row["figures"].values())
    assert result["sweep"]["failed"] == 4
    assert result["sweep"]["best"]["params"]["fast"] != 15


def test_a_sweep_of_which_every_trial_fails_fails_with_the_first_reason(web: Any, monkeypatch: Any) -> None:
    job_id = submit(web, grid={"fast": [5], "slow": [20]}, start_date="1999-01-04", end_date="2000-12-31")
    monkeypatch.setattr(sweeping, "sweep", lambda *_, **__: _raise("mine raised ValueError: always"))
    work(web)
    job = web.get(f"/api/v1/jobs/{job_id}").get_json()
    assert job["error"]["code"] == "every_trial_failed"
    assert "always" in job["error"]["message"]


def _raise(message: str) -> Any:
    raise RunFailed(message, code="strategy_error")
