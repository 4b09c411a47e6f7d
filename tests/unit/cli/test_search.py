"""`queuant sweep` and `queuant walkforward` against a server that is played by a function."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from click.testing import Result

from app.cli.follow import told

JOB_ID = "a" * 32
METRICS = {"sharpe": 0.75, "total_return": 0.5, "max_drawdown": -0.25, "total_trades": 1200}
SENTENCE = {"sentence": "Luck finds as much in one search out of three."}


def job(status: str, **more: Any) -> dict[str, Any]:
    return {"job_id": JOB_ID, "status": status, "progress": None, "error": None, **more}


def sweep_of(**more: Any) -> dict[str, Any]:
    rows = [
        {"trial": at, "params": {"fast": fast, "slow": 50}, "metrics": METRICS | {"sharpe": sharpe}}
        for at, fast, sharpe in ((7, 10, 0.75), (3, 5, None))
    ]
    counts = {"trials_made": 1234, "skipped": 6, "failed": 0, "objective": "sharpe"}
    plateau = {"params": {"fast": 20, "slow": 60}, "mean": 0.5}
    return {"sweep": counts | {"top": rows, "plateau": plateau, "statistics": SENTENCE} | more}


def walk_of(folds: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    found = {"trials_made": 9, "objective": "sharpe", "folds": folds, "overfit_ratio": 0.8}
    held = {"folds": 2, "kept_half": 1, "above_zero": 1}
    return {"walkforward": found | {"held_up": held, "out_of_sample": {"statistics": SENTENCE}} | more}


class Server:
    """Takes a search and has its result at once."""

    def __init__(self, document: dict[str, Any] | None = None, states: tuple[dict[str, Any], ...] = ()) -> None:
        self.posted: list[Any] = []
        self._document = document or {}
        self._states = list(states)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.posted.append((request.url.path.rpartition("/")[2], json.loads(request.content)))
            return httpx.Response(202, json=job("queued"))
        if request.url.path.endswith("/result"):
            return httpx.Response(200, json={"job_id": JOB_ID, "kind": "sweep", "request": {}, **self._document})
        return httpx.Response(200, json=self._states.pop(0) if self._states else job("succeeded"))


def test_options_of_a_sweep_are_its_request(run: Callable[..., Result]) -> None:
    server = Server()
    grid = ("fast=5:50:5", "slow=20, 50", "z=0.5:2.5", "w=1:100:log", "side=long,short", 'legs=["a","b"]')
    said = run(
        *("sweep", "sma_cross", "--dataset", "fx_daily", "-p", "side=long", "--each-symbol", "--top", "3"),
        *("--random", "100", "--seed", "4", "--objective", "calmar", "--objective", "sharpe", "--no-wait"),
        *("--constraint", "total_trades>=10", "--constraint", "max_drawdown <= -0.1", "--constraint", "sharpe>=0"),
        *("--constraint", "sharpe<=3", *(part for axis in grid for part in ("--grid", axis))),
        server=server,
    )
    assert said.exit_code == 0, said.output
    assert said.output.split() == [JOB_ID, "queued"]
    assert server.posted == [
        (
            "sweep",
            {
                "strategy_id": "sma_cross",
                "dataset": "fx_daily",
                "params": {"side": "long"},
                "grid": {
                    "fast": {"start": 5, "stop": 50, "step": 5},
                    "slow": [20, 50],
                    "z": {"low": 0.5, "high": 2.5},
                    "w": {"low": 1, "high": 100, "log": True},
                    "side": ["long", "short"],
                    "legs": ["a", "b"],
                },
                "random": {"trials": 100},
                "seed": 4,
                "objective": ["calmar", "sharpe"],
                "constraints": {
                    "total_trades": {"min": 10},
                    "max_drawdown": {"max": -0.1},
                    "sharpe": {"min": 0, "max": 3},
                },
                "each_symbol": True,
                "top": 3,
            },
        )
    ]


def test_a_bayesian_sweep_says_how_many_trials_it_chooses(run: Callable[..., Result]) -> None:
    server = Server()
    said = run("sweep", "sma_cross", "-g", "fast=5,10", "--bayesian", "30", "--no-wait", server=server)
    assert said.exit_code == 0, said.output
    assert server.posted == [
        ("sweep", {"strategy_id": "sma_cross", "grid": {"fast": [5, 10]}, "bayesian": {"trials": 30}})
    ]


def test_a_sweep_shows_the_best_trials_and_what_they_are_worth(run: Callable[..., Result]) -> None:
    said = run("sweep", "sma_cross", "-g", "fast=5,10", server=Server(sweep_of()))
    assert said.exit_code == 0, said.output
    assert "1,234 trials by sharpe (6 skipped)" in said.output
    assert re.search(r"rank +fast +slow +Sharpe +Total return +Max drawdown +Total trades", said.output)
    assert re.search(r"1 +10 +50 +0.75 +50.00% +-25.00% +1,200", said.output)
    assert re.search(r"2 +5 +50 +- +50.00%", said.output)
    assert "fast=20 slow=60: 0.50 on average" in said.output
    assert SENTENCE["sentence"] in said.output


def test_a_sweep_without_a_best_trial_says_so(run: Callable[..., Result]) -> None:
    none = sweep_of(top=[], plateau=None, statistics=None)
    said = run("sweep", "sma_cross", "-g", "fast=5,10", server=Server(none))
    assert said.exit_code == 0, said.output
    assert "No trial keeps to the constraints." in said.output


def test_options_of_a_walk_are_its_request(run: Callable[..., Result]) -> None:
    server = Server()
    months = ("--train-months", "24", "--test-months", "6", "--step-months", "3", "--anchored", "--purge", "2")
    said = run("walkforward", "sma_cross", "-g", "fast=5,10", *months, "--no-wait", server=server)
    assert said.exit_code == 0, said.output
    crossed = run("walkforward", "sma_cross", "-g", "fast=5", "--cpcv", "6:2", "--no-wait", server=server)
    assert crossed.exit_code == 0, crossed.output
    plan = {"train_months": 24, "test_months": 6, "step_months": 3, "anchored": True, "purge": 2}
    assert server.posted == [
        ("walkforward", {"strategy_id": "sma_cross", "grid": {"fast": [5, 10]}} | plan),
        (
            "walkforward",
            {"strategy_id": "sma_cross", "grid": {"fast": [5]}, "cpcv": {"groups": 6, "test_groups": 2}},
        ),
    ]


def test_a_walk_shows_what_each_fold_chose_and_made(run: Callable[..., Result]) -> None:
    dates = {"start": "2001-01-01T00:00:00Z", "end": "2001-06-29T00:00:00Z"}
    fold = {"test": dates, "params": {"fast": 5}, "in_sample": METRICS, "out_of_sample": METRICS | {"sharpe": 0.5}}
    crossed = {"test_groups": [0, 3], "params": None, "in_sample": None, "out_of_sample": METRICS | {"sharpe": None}}
    said = run("walkforward", "sma_cross", "-g", "fast=5,10", server=Server(walk_of([fold, crossed])))
    assert said.exit_code == 0, said.output
    assert re.search(r"2001-01-01 to 2001-06-29 +fast=5 +0.75 +0.50 +50.00% +-25.00%", said.output)
    assert re.search(r"groups 0, 3 +nothing +- +-", said.output)
    assert "1 of 2 tests have a Sharpe ratio above 0; the median kept 80% of that of its training." in said.output
    assert SENTENCE["sentence"] in said.output
    many = run("walkforward", "sma_cross", "-g", "fast=5,10", server=Server(walk_of([fold] * 50, overfit_ratio=None)))
    assert many.output.count("fast=5") == 40
    assert "… and 10 folds more" in many.output
    assert "no training had one" in many.output


def test_json_is_the_answer_of_the_api(run: Callable[..., Result]) -> None:
    said = run("sweep", "sma_cross", "-g", "fast=5,10", "--json", server=Server(sweep_of()))
    assert json.loads(said.output)["sweep"] == sweep_of()["sweep"]


def test_progress_counts_the_trials_that_are_done(run: Callable[..., Result]) -> None:
    now = {"phase": "sweep", "done": 1000, "total": 4000, "unit": "trials", "fraction": 0.25}
    said = run("sweep", "sma_cross", "-g", "fast=5", server=Server(sweep_of(), (job("running", progress=now),)))
    assert "sweep 25%, 1,000 of 4,000 trials" in said.stderr
    assert "sweep 25%" not in said.stdout
    assert told(now | {"phase": "top"}) == "top 25%"  # what a later phase counts are no trials of the search
    assert told({"phase": "load", "fraction": 0.0}) == "load"


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("--grid", "fast"), "'fast' is not NAME=VALUES"),
        (("--grid", "fast="), "'fast=' is not NAME=VALUES"),
        (("--grid", "fast=1:2:3:4"), "NAME=FIRST:LAST:STEP"),
        (("--grid", "fast=a:2"), "'a' in 'fast=a:2' is no number"),
        (("--grid", "fast=1", "--grid", "fast=2"), "'fast' is given twice"),
        (("--constraint", "sharpe>1"), "'sharpe>1' is not METRIC>=NUMBER"),
        (("--constraint", "sharpe>=x"), "'x' in 'sharpe>=x' is no number"),
        (("--constraint", "sharpe>=1", "--constraint", "sharpe>=2"), "given twice"),
    ],
)
def test_what_cannot_be_read_is_refused_before_a_server_is_asked(
    run: Callable[..., Result], arguments: tuple[str, ...], wrong: str
) -> None:
    server = Server()
    said = run("sweep", "sma_cross", *arguments, server=server)
    assert said.exit_code == 2
    assert wrong in " ".join(said.output.replace("│", " ").split())
    assert not server.posted


def test_groups_that_cannot_be_read_are_refused(run: Callable[..., Result]) -> None:
    said = run("walkforward", "sma_cross", "--cpcv", "6", server=Server())
    assert (said.exit_code, "'6' is not GROUPS:TESTED" in said.output) == (2, True)


def test_a_misspelt_metric_gets_the_nearest_one(run: Callable[..., Result]) -> None:
    problem = {"status": 422, "code": "unknown_metric", "detail": "There is no metric 'sharp'.", "nearest": "sharpe"}
    said = run(
        *("sweep", "sma_cross", "-g", "fast=5", "--objective", "sharp"),
        server=lambda _: httpx.Response(422, json=problem, headers={"Content-Type": "application/problem+json"}),
    )
    assert said.exit_code == 2
    assert "nearest  sharpe" in said.output
