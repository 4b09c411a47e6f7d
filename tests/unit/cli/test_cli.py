"""The `queuant` command against a server that is played by a function."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result

from app.cli import common

Handler = Callable[[httpx.Request], httpx.Response]
JOB_ID = "a" * 32


def job(status: str, **more: Any) -> dict[str, Any]:
    return {
        "job_id": JOB_ID,
        "kind": "backtest",
        "status": status,
        "created_at": "2026-01-02T03:04:05.000Z",
        "compute_ms": 41.7,
        "progress": None,
        "error": None,
        **more,
    }


def result(**metrics: Any) -> dict[str, Any]:
    return {
        "job_id": JOB_ID,
        "request": {
            "strategy_id": "sma_cross",
            "params": {"fast": 10, "slow": 50},
            "dataset_id": "fx_daily",
            "symbols": ["EURUSD"],
            "start_date": "1999-01-04",
            "end_date": "2026-10-30",
            "config": {"commission_bps": 1.0, "slippage_bps": 0.5},
        },
        "conventions": {"fill": "next_close"},
        "provenance": {"source": "ECB", "quality": "real"},
        "metrics": metrics,
        "warnings": ["One bar was long ago."],
    }


def answers(**by_path: Any) -> Handler:
    """A server that answers each path (its last word) with a document."""

    def server(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=by_path[request.url.path.rpartition("/")[2]])

    return server


def test_run_shows_the_figures_with_source_and_fill_rule(run: Callable[..., Result]) -> None:
    posted: list[Any] = []

    def server(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            posted.append(json.loads(request.content))
            return httpx.Response(202, json=job("queued"))
        if request.url.path.endswith("/result"):
            return httpx.Response(200, json=result(sharpe=0.512, total_return=0.2313, max_drawdown=None))
        return httpx.Response(200, json=job("succeeded"))

    said = run(
        *(
            "run",
            "sma_cross",
            "-p",
            "fast=10",
            "-p",
            "side=long",
            "--dataset",
            "fx_daily",
            "--symbols",
            "EURUSD, GBPUSD",
        ),
        *(
            "--start",
            "2001-02-03",
            "--fill",
            "next_close",
            "--commission-bps",
            "2",
            "--capital",
            "5000",
            "-c",
            "allow_short=false",
        ),
        server=server,
    )
    assert said.exit_code == 0, said.output
    assert posted == [
        {
            "strategy_id": "sma_cross",
            "params": {"fast": 10, "side": "long"},
            "dataset": "fx_daily",
            "symbols": ["EURUSD", "GBPUSD"],
            "start_date": "2001-02-03",
            "initial_capital": 5000.0,
            "config": {"allow_short": False, "fill": "next_close", "commission_bps": 2.0},
        }
    ]
    lines = {line.split("  ")[0]: line for line in said.stdout.splitlines()}
    assert lines["Source"].rstrip().endswith("ECB (real)")
    assert lines["Fill"].rstrip().endswith("next_close")
    assert lines["Total return"].rstrip().endswith("23.13%")
    assert lines["Max drawdown"].rstrip().endswith("-")
    assert "One bar was long ago." in said.stdout
    assert "No relay" in said.stderr


def test_montecarlo_shows_what_the_paths_say_and_what_they_do_not(run: Callable[..., Result]) -> None:
    posted: list[Any] = []
    figure = {"p05": -0.4, "p25": -0.1, "p50": 0.1, "p75": 0.3, "p95": 0.8, "observed": 0.2}
    block = {
        "method": "circular",
        "paths": 2000,
        "figures": {"total_return": figure | {"percentile_of_observed": 0.61}},
        "meaning": "Half of them ended well.",
        "caveat": "The other half did not.",
    }

    def server(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            posted.append((request.url.path, json.loads(request.content)))
        if request.url.path.endswith("/result"):
            return httpx.Response(200, json=result(sharpe=0.512) | {"montecarlo": block})
        return httpx.Response(200, json=job("succeeded"))

    said = run(
        *("montecarlo", "sma_cross", "-p", "fast=10", "--method", "circular", "--paths", "2000", "--block", "12"),
        *("--ruin", "0.3", "--seed", "7"),
        server=server,
    )
    assert said.exit_code == 0, said.output
    fields = {"method": "circular", "paths": 2000, "block": 12.0, "ruin": 0.3, "seed": 7}
    asked = {"strategy_id": "sma_cross", "params": {"fast": 10}, **fields}
    assert posted == [("/api/v1/backtest/montecarlo", asked)]
    (row,) = [line.split() for line in said.stdout.splitlines() if line.startswith("Total return") and "61.00%" in line]
    assert row == ["Total", "return", "-40.00%", "-10.00%", "10.00%", "30.00%", "80.00%", "20.00%", "61.00%"]
    assert "Half of them ended well. The other half did not." in said.stdout


def test_run_without_waiting_prints_the_job(run: Callable[..., Result]) -> None:
    said = run("run", "sma_cross", "--no-wait", server=answers(run=job("queued")))
    assert said.exit_code == 0
    assert said.stdout.split() == [JOB_ID, "queued"]


def test_a_failed_job_exits_with_1(run: Callable[..., Result]) -> None:
    error = {"code": "run_failed", "message": "The strategy raised."}
    said = run("run", "sma_cross", "--json", server=lambda _: httpx.Response(200, json=job("failed", error=error)))
    assert said.exit_code == 1
    assert "The strategy raised." in said.stderr
    assert said.stdout == ""


def test_a_refused_request_exits_with_2_and_says_what_is_allowed(run: Callable[..., Result]) -> None:
    problem = {
        "code": "invalid_parameter",
        "detail": "fast must be at most 200.",
        "pointer": "/params/fast",
        "given": 1000,
        "allowed": {"minimum": 2, "maximum": 200},
    }
    said = run("run", "sma_cross", "-p", "fast=1000", server=lambda _: httpx.Response(422, json=problem))
    assert said.exit_code == 2
    for word in ("fast must be at most 200.", "/params/fast", "1000", '{"minimum": 2, "maximum": 200}'):
        assert word in said.stderr


def test_all_fields_that_are_wrong_are_listed(run: Callable[..., Result]) -> None:
    problem = {
        "code": "invalid_request",
        "detail": "Two fields are wrong.",
        "errors": [{"pointer": "/a", "message": "a is odd."}, {"pointer": "/b", "message": "b is even."}],
    }
    said = run("run", "sma_cross", server=lambda _: httpx.Response(422, json=problem))
    assert "a is odd." in said.stderr
    assert "/b" in said.stderr


def test_a_parameter_without_a_value_exits_with_2(run: Callable[..., Result]) -> None:
    said = run("run", "sma_cross", "-p", "fast")
    assert said.exit_code == 2
    assert "'fast' is not NAME=VALUE" in said.stderr


def test_no_server_exits_with_3_and_says_how_to_start_one(run: Callable[..., Result]) -> None:
    said = run("jobs", "--url", "http://127.0.0.1:9")
    assert said.exit_code == 3
    assert "./run serve" in said.stderr


def test_jobs_are_listed_plainly_when_nobody_looks(run: Callable[..., Result]) -> None:
    found = {"jobs": [job("succeeded"), job("failed", error={"message": "No data."})], "next": None}
    said = run("jobs", server=answers(jobs=found))
    assert said.exit_code == 0
    assert "\x1b" not in said.stdout
    assert "No data." in said.stdout


@pytest.mark.parametrize(
    ("arguments", "documents", "expected"),
    [
        (("jobs",), {"jobs": {"jobs": [job("queued")], "next": None}}, [job("queued")]),
        (("strategies",), {"strategies": {"strategies": [{"strategy_id": "x"}]}}, [{"strategy_id": "x"}]),
        (("data",), {"datasets": {"datasets": [{"dataset_id": "x"}]}}, [{"dataset_id": "x"}]),
        (("result", JOB_ID), {JOB_ID: job("succeeded"), "result": result()}, result()),
        (("cancel", JOB_ID), {JOB_ID: job("running"), "cancel": job("cancelled")}, job("cancelled")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_json_is_the_answer_of_the_api(
    run: Callable[..., Result], arguments: tuple[str, ...], documents: dict[str, Any], expected: Any
) -> None:
    said = run(*arguments, "--json", server=answers(**documents))
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout) == expected


@pytest.mark.parametrize("arguments", [("fx_daily",), ("show", "fx_daily")])
def test_one_dataset_is_shown_with_or_without_a_word(run: Callable[..., Result], arguments: tuple[str, ...]) -> None:
    said = run("data", *arguments, "--json", server=answers(fx_daily={"dataset_id": "fx_daily"}))
    assert json.loads(said.stdout) == {"dataset_id": "fx_daily"}


def test_an_upload_says_what_became_of_the_file(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("date,A\n2024-01-02,1\n2024-01-03,2\n")
    seen: list[bytes] = []
    document = {"dataset_id": "mine", "version": "0" * 12, "kind": "bars", "frequency": "daily", "bars": 2}
    document |= {"symbols": ["A"], "start": "2024-01-02", "end": "2024-01-03", "warnings": ["The rows were sorted."]}

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request.read())
        return httpx.Response(201, json=document)

    said = run("data", "upload", str(path), "--name", "mine", "--source", "A seed", server=server)
    assert said.exit_code == 0, said.output
    assert "mine@000000000000: 2 daily times of 1 symbol, 2024-01-02 to 2024-01-03\n! The rows were" in said.output
    assert path.read_bytes() in seen[0]
    assert b'name="source"\r\n\r\nA seed\r\n' in seen[0]
    assert run("data", "upload", str(path), "--name", "mine", "--json", server=server).stdout.startswith("{")


def test_values_are_json_where_they_can_be() -> None:
    pairs = ("a=1", "b=0.5", "c=true", "d=long", "e=[1,2]", "f=x=y")
    assert common.key_values(pairs, "-p") == {"a": 1, "b": 0.5, "c": True, "d": "long", "e": [1, 2], "f": "x=y"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_what_is_no_finite_number_is_text_for_the_server_to_refuse(number: str) -> None:
    assert common.key_values((f"a={number}",), "-p") == {"a": number}


def test_a_name_that_is_given_twice_is_refused(run: Callable[..., Result]) -> None:
    said = run("run", "sma_cross", "-p", "fast=10", "-p", "fast=20", server=answers())
    assert (said.exit_code, "'fast' is given twice" in said.stderr) == (2, True)


def test_a_portfolio_with_what_is_no_number_is_no_json(run: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "book.json"
    file.write_text('{"strategies": [{"strategy_id": "sma_cross", "params": {"fast": NaN}}]}')
    said = run("portfolio", str(file), server=answers())
    assert (said.exit_code, "is no JSON: NaN is not a finite number" in said.stderr) == (2, True)


def test_a_narrow_terminal_shows_which_jobs_there_are_and_how_they_stand(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "_PLAIN_WIDTH", 80)
    found = {"jobs": [job("succeeded", strategy_id="sma_cross", dataset_id="fx_daily")], "next": None}
    said = run("jobs", server=answers(jobs=found))
    head, _, row = said.stdout.splitlines()[:3]
    assert head.split() == ["job", "kind", "strategy", "status"]
    assert row.split() == ["a" * 32, "backtest", "sma_cross", "succeeded"]


def signal(**more: Any) -> dict[str, Any]:
    said = {"direction": "SHORT", "strength": "strong", "conviction": -0.75, "z_score": 2.25, "change": "flip"}
    return {
        "strategy_id": "FX_05",
        "symbol": "USDBRL",
        "time": "2026-10-30T00:00:00.000Z",
        "reason": "So.",
        **said,
        **more,
    }


def test_signals_are_a_table_and_who_has_not_spoken_is_named_with_the_reason(run: Callable[..., Result]) -> None:
    missing = [{"strategy_id": "SOV_02", "reason": "unknown_dataset", "message": "There is no dataset 'x'."}]
    document = {"signals": [signal(), signal(symbol="IBOV", z_score=None, change=None)], "missing": missing}
    said = run("signals", server=answers(latest=document))
    assert said.exit_code == 0, said.output
    lines = [line.split() for line in said.output.splitlines()]
    assert ["FX_05", "USDBRL", "2026-10-30", "SHORT", "strong", "-0.75", "+2.25", "flip", "So."] in lines
    assert ["FX_05", "IBOV", "2026-10-30", "SHORT", "strong", "-0.75", "-", "So."] in lines
    assert "SOV_02: There is no dataset 'x'." in said.output
    assert json.loads(run("signals", "--json", server=answers(latest=document)).output) == document


def test_the_days_of_signals_are_those_of_one_strategy(run: Callable[..., Result]) -> None:
    document = {"strategy_id": "FX_05", "dataset_id": "m", "signals": [signal(), signal(direction="LONG")]}
    assert "LONG" in run("signals", "FX_05", "--days", "3", server=answers(history=document)).output
    assert run("signals", "--days", "3", server=answers(history=document)).exit_code == 2


@pytest.mark.parametrize("options", [("--follow", "--days", "3"), ("--symbol", "EURUSD")])
def test_what_signals_cannot_heed_is_refused(run: Callable[..., Result], options: tuple[str, ...]) -> None:
    said = run("signals", "sma_cross", *options)
    assert said.exit_code == 2
    assert "--follow" in said.stderr


def test_a_folder_that_cannot_be_written_is_named(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = run("synthesize", str(tmp_path / "file" / "mine"))
    assert (said.exit_code, said.stderr) == (2, f"{tmp_path / 'file' / 'mine'}: Not a directory.\n")


def test_a_world_is_made_into_a_folder_and_is_that_of_its_seed(run: Callable[..., Result], tmp_path: Path) -> None:
    done = run("synthesize", str(tmp_path / "mine"), "--seed", "3")
    assert done.exit_code == 0, done.output
    assert "20 instruments" in done.output
    manifest = json.loads((tmp_path / "mine/manifest.json").read_text("utf-8"))
    assert (manifest["quality"], manifest["source"]) == ("synthetic", "Queuant's macro world, seed 3")
    assert run("synthesize", str(tmp_path / "mine"), "--seed", "-1").exit_code == 2


def test_a_portfolio_is_read_from_a_file_and_its_strategies_stand_side_by_side(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    told = result(sharpe=1.5) | {"kind": "portfolio"}
    told["request"] = {name: told["request"][name] for name in ("start_date", "end_date", "config")} | {
        "sleeves": [],
        "mandate": {"allocation": "hrp", "drift_band": None},
    }
    told["provenance"] |= {"datasets": ["fx_daily@1"]}
    sleeve = {"name": "euro", "average_weight": 0.5, "contribution": 0.1, "risk_contribution": None}
    told["portfolio"] = {"sleeves": [sleeve | {"metrics": {"sharpe": 0.25}}]}
    book = tmp_path / "book.json"
    book.write_text('{"strategies": ["sma_cross"], "allocation": "hrp"}')
    said = run("portfolio", str(book), server=answers(portfolio=job("succeeded"), result=told))
    assert said.exit_code == 0, said.output
    assert "allocation=hrp" in said.output
    assert re.search(r"euro +50.00% +10.00% +- +0.25", said.output)
    for wrong in ("no", "[]"):
        book.write_text(wrong)
        assert run("portfolio", str(book), server=answers()).exit_code == 2


def test_the_paper_book_is_a_table_of_what_it_holds(run: Callable[..., Result]) -> None:
    held = {"symbol": "EURUSD", "dataset_id": "fx_daily", "quality": "real", "quantity": -1234.5, "price": 1.0825}
    held |= {"value": -1336.35, "weight": -0.0013, "pnl": 12.25, "average_price": 1.09}
    document = {
        "as_of": "2026-10-30T00:00:00.000Z",
        "halted": None,
        "equity": 1_000_250.5,
        "cash": 1_001_586.85,
        "capital": 1e6,
        "pnl": {"day": -3.5, "total": 250.5},
        "gross_exposure": 0.0013,
        "net_exposure": -0.0013,
        "drawdown": -0.01,
        "quality": "real",
        "positions": [held],
    }
    said = run("book", server=answers(current=document))
    assert said.exit_code == 0
    for told in (
        "2026-10-30: equity 1,000,250.50 (+250.50 since 1,000,000, -3.50 on the day)",
        "-1,234.5000",
        "-0.13%",
    ):
        assert told in said.output
    assert json.loads(run("book", "--json", server=answers(current=document)).output) == document
