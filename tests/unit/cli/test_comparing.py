"""`queuant compare`, `queuant completion`, the report of a result, and curves in a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result

from app.cli.figures import sparkline

A, B = "a" * 32, "b" * 32
PAIR = {"a": A, "b": B, "sharpe_difference": -0.36, "interval": [-0.7, -0.03], "p_value": 0.034, "correlation": 0.61}


def result_of(job_id: str) -> dict[str, Any]:
    request = {"strategy_id": "mine", "params": {"fast": 1}, "symbols": ["X"], "dataset_id": "d", "config": {}}
    return {
        "job_id": job_id,
        "kind": "backtest",
        "request": request | {"start_date": "2020-01-01", "end_date": "2020-12-31"},
        "provenance": {"source": "here", "quality": "real"},
        "conventions": {"fill": "next_open"},
        "metrics": {"sharpe": 1.25 if job_id == A else 0.5},
        "equity": {"value": [1.0, 3.0, 2.0]},
    }


def server(comparison: dict[str, Any]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/comparison"):
            return httpx.Response(200, json=comparison)
        job_id = path.split("/")[4]
        if path.endswith("/report.html"):
            return httpx.Response(200, content=b"<html>the report</html>")
        if path.endswith("/result"):
            return httpx.Response(200, json=result_of(job_id))
        return httpx.Response(200, json={"job_id": job_id, "status": "succeeded"})

    return answer


def test_results_stand_side_by_side_and_their_difference_below(run: Callable[..., Result]) -> None:
    found = {"rows": [{"job_id": A}, {"job_id": B}], "pairs": [PAIR | {"drawdown_overlap": None}], "missing": []}
    said = run("compare", A, B, server=server(found))
    assert said.exit_code == 0, said.output
    assert ["Sharpe", "1.25", "0.50"] in [line.split() for line in said.output.splitlines()]
    assert "aaaaaaaa − bbbbbbbb   -0.36                  -0.70 to -0.03   0.03   0.61          -" in said.output


def test_what_has_no_result_is_named_and_nothing_at_all_is_a_failure(run: Callable[..., Result]) -> None:
    missing = [{"id": B, "reason": "job_not_ready", "message": "The job has failed."}]
    said = run("compare", A, B, server=server({"rows": [{"job_id": A}], "pairs": [], "missing": missing}))
    assert (said.exit_code, f"{B}: The job has failed." in said.stderr) == (0, True)
    said = run("compare", B, server=server({"rows": [], "pairs": [], "missing": missing}))
    assert said.exit_code == 2


def test_the_report_of_a_result_is_written_where_it_is_wanted(run: Callable[..., Result], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    said = run("result", A, "--html", str(page), server=server({}))
    assert said.output == f"The report is in {page}.\n"
    assert page.read_text() == "<html>the report</html>"
    assert run("result", A, "--html", "-", server=server({})).output == "<html>the report</html>"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_disk_that_is_full_is_told(run: Callable[..., Result]) -> None:
    said = run("result", A, "--html", "/dev/full", server=server({}))
    assert (said.exit_code, said.output) == (2, "No space left on device.\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(run: Callable[..., Result], shell: str) -> None:
    said = run("completion", shell)
    assert said.exit_code == 0
    assert f"_QUEUANT_COMPLETE={shell}_complete" in said.output


def completed(words: str, at: int, home: Path) -> list[str]:
    """What bash is offered, in a process of its own, where no server answers."""
    asked = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(at),
        "_QUEUANT_COMPLETE": "bash_complete",
        "QUEUANT_HOME": str(home),
    }
    command = [sys.executable, "-c", "from app.cli import main; main()"]
    said = subprocess.run(command, env={**os.environ, **asked}, capture_output=True, text=True, timeout=60, check=False)
    assert said.stderr == ""
    return [line.partition(",")[2] for line in said.stdout.splitlines() if line]


def test_commands_are_completed_and_a_server_that_is_away_costs_no_error(tmp_path: Path) -> None:
    assert completed("queuant comp", 1, tmp_path) == ["compare", "completion"]
    assert completed("queuant run sma", 2, tmp_path) == []


def test_names_are_completed_by_what_the_server_has(run: Callable[..., Result]) -> None:
    from app.cli.completing import complete_strategies
    from app.cli.jobs import run as command

    run(
        "--help",
        server=lambda _: httpx.Response(200, json={"strategies": [{"strategy_id": "sma"}, {"strategy_id": "x"}]}),
    )
    with command.make_context("run", ["x"], resilient_parsing=True) as ctx:
        assert complete_strategies(ctx, command.params[0], "s") == ["sma"]


def test_a_curve_is_a_row_of_blocks_between_its_least_and_its_largest_value() -> None:
    assert sparkline([0.0, 7.0], width=8) == "▁▁▁▁████"
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], width=8) == "▁▂▃▄▅▆▇█"
    assert sparkline([5.0, 5.0], width=4) == "▁▁▁▁"
    assert sparkline([None, 1.0, None, 2.0], width=4) == "▁▁██"
    assert sparkline([]) == ""
