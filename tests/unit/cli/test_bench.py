"""`queuant bench`: what can be measured is listed and run where the checkout is."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from app.cli import bench

ROOT = Path(__file__).resolve().parents[3]


def test_everything_that_can_be_run_is_listed_with_what_it_says_of_itself(run: Callable[..., Result]) -> None:
    found = {item["name"]: item["what"] for item in json.loads(run("bench", "--json").stdout)}
    assert {"platform", "chaos", "hostile.fuzz"} <= set(found)
    assert all(found.values())
    assert not {"walks", "chaos.faults"} & set(found)
    assert found["soak"] in run("bench").stdout


def test_a_measurement_runs_with_its_own_options(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(os, "chdir", asked.append)
    monkeypatch.setattr(os, "execv", lambda program, words: asked.append(words))
    assert run("bench", "soak", "--events", "9", "--json").exit_code == 0
    assert asked == [ROOT, [sys.executable, "-m", "bench.soak", "--events", "9", "--json"]]


def test_help_of_a_measurement_without_options_measures_nothing(run: Callable[..., Result]) -> None:
    assert run("bench", "platform", "--help").stdout.startswith("What the platform costs and how it bears load")


def test_an_unknown_measurement_gets_a_suggestion(run: Callable[..., Result]) -> None:
    said = run("bench", "platfrom")
    assert (said.exit_code, said.stderr) == (2, "There is no measurement 'platfrom'. Did you mean 'platform'?\n")


def test_an_installed_package_says_where_measurements_are(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench, "_ROOT", tmp_path)
    for words in ((), ("platform",)):
        said = run("bench", *words)
        assert said.exit_code == 2
        assert "they are in a checkout of the repository" in said.stderr
