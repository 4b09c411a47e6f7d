"""`queuant strategies`: the list, one of them, and a new one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from app import cli
from app.client import Client
from app.shelf import Shelf
from app.usercode import UserCode

ROOT = Path(__file__).resolve().parents[3]
ONE = {
    "strategy_id": "mine",
    "family": "house",
    "summary": "Hold.",
    "parameters": {"properties": {"days": {"type": "integer", "default": 5, "minimum": 1, "maximum": 9}}},
}
LISTED = {"strategies": [ONE], "broken": [{"file": "worse.py", "error": "line 3: SyntaxError: invalid syntax"}]}


def run(*arguments: str, home: Path) -> Result:
    return CliRunner().invoke(cli.cli, ["strategies", *arguments], env={"QUEUANT_HOME": str(home)})


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A server that is played by a function; the paths that it is asked for."""
    asked: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json=LISTED if request.url.path.endswith("/strategies") else ONE)

    def make(url: str | None = None, *, home: str | None = None) -> Client:
        return Client(url or "http://server", "bt_1_x", home=tmp_path, transport=httpx.MockTransport(server))

    monkeypatch.setattr("app.client.Client", make)
    return asked


@pytest.mark.parametrize("words", [(), ("show",)])
def test_the_list_says_what_is_left_out_and_why(served: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    said = run(*words, home=tmp_path)
    assert said.exit_code == 0
    assert "mine" in said.stdout
    assert said.stderr == "worse.py is left out: line 3: SyntaxError: invalid syntax\n"


@pytest.mark.parametrize("words", [("mine",), ("show", "mine"), ("--url", "http://other", "mine")])
def test_a_name_alone_shows_the_strategy(served: list[str], tmp_path: Path, words: tuple[str, ...]) -> None:
    said = run(*words, home=tmp_path)
    assert said.exit_code == 0, said.output
    assert "1 to 9" in said.stdout
    assert served == ["/api/v1/strategies/mine"]


@pytest.mark.parametrize("words", [("--json",), ("show", "--json")])
def test_json_is_the_list_and_nothing_else_on_standard_output(
    served: Any, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert json.loads(run(*words, home=tmp_path).stdout) == [ONE]


def test_the_help_names_all_commands(tmp_path: Path) -> None:
    said = run("--help", home=tmp_path)
    assert [name for name in ("new", "post", "show") if f"\n  {name} " in said.stdout] == ["new", "post", "show"]


def test_a_document_is_posted_and_a_mistake_is_shown_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        spec = json.loads(request.content)
        if spec["entry"] == "close > 1":
            return httpx.Response(201, json={"strategy_id": "mine", "version": "0123456789ab"})
        problem = {"code": "invalid_expression", "detail": "Expected an operator.", "pointer": "/entry"}
        return httpx.Response(422, json=problem | {"caret": "close AND 1\n      ^"})

    def make(url: str | None = None, *, home: str | None = None) -> Client:
        return Client("http://server", "bt_1_x", home=tmp_path, transport=httpx.MockTransport(server))

    monkeypatch.setattr("app.client.Client", make)
    path = tmp_path / "mine.json"
    path.write_text('{"name": "Mine", "entry": "close > 1", "exit": "close < 1"}')
    assert run("post", str(path), home=tmp_path).stdout.startswith("mine is on the shelf, version 0123456789ab.\n")
    path.write_text('{"name": "Mine", "entry": "close AND 1", "exit": "close < 1"}')
    said = run("post", str(path), home=tmp_path)
    assert said.exit_code == 2
    assert said.stderr.startswith("Expected an operator.\n  close AND 1\n        ^\n  at       /entry\n")
    path.write_text("[]")
    assert "needs one object" in run("post", str(path), home=tmp_path).stderr


def test_a_new_strategy_is_on_the_shelf_passes_ruff_and_its_own_test(tmp_path: Path) -> None:
    name = "a" * 64  # the longest name, for the longest lines
    said = run("new", name, home=tmp_path)
    assert said.exit_code == 0, said.output
    folder = tmp_path / "strategies"
    written = [folder / f"{name}.py", folder / f"test_{name}.py"]
    assert sorted(folder.iterdir()) == written
    assert [str(path) in said.stdout for path in written] == [True, True]
    found = Shelf(user_code=UserCode([folder])).get(name)
    assert found.lookback() == 100

    ruff = [str(Path(sys.executable).with_name("ruff")), "--no-cache"]
    rules = ["--select", "E,F,W,B,UP,C4,SIM,RET,PIE,PT,RUF,N,ARG,BLE"]
    for command in (["check", "--isolated", *rules], ["format", "--check", "--isolated"]):
        done = subprocess.run([ruff[0], command[0], ruff[1], *command[1:], str(folder)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    pytest_run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"test_{name}.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(pytest_run, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_a_folder_that_the_server_does_not_know_is_pointed_out(tmp_path: Path) -> None:
    said = run("new", "dip_buyer", "--folder", str(tmp_path / "desk"), home=tmp_path)
    assert f"QUEUANT_STRATEGY_DIRS={tmp_path / 'desk'}" in said.stdout
    assert (tmp_path / "desk" / "dip_buyer.py").exists()


@pytest.mark.parametrize(
    ("name", "reason", "near"),
    [
        ("dip-buyer", "lower-case letters, digits or underscores", "dip_buyer"),
        ("DipBuyer", "lower-case letters, digits or underscores", "dipbuyer"),
        ("2nd", "lower-case letters, digits or underscores", "strategy_2nd"),
        ("../dip", "lower-case letters, digits or underscores", "dip"),
        ("lambda", "has a meaning in the file", "my_lambda"),
        ("np", "has a meaning in the file", "my_np"),
        ("random", "would hide a Python module", "my_random"),
        ("test_dip", "are tests", "my_dip"),
        ("sma_cross", "there is one of that name", "sma_cross_2"),
        ("mine", "there is one of that name", "mine_3"),
    ],
)
def test_a_name_that_will_not_do_gets_one_that_will(tmp_path: Path, name: str, reason: str, near: str) -> None:
    folder = tmp_path / "strategies"
    folder.mkdir()
    for taken in ("mine", "mine_2"):
        (folder / f"{taken}.py").write_text("")
    said = run("new", name, home=tmp_path)
    assert said.exit_code == 2
    assert reason in said.stderr
    assert f"Try '{near}'." in said.stderr
    assert len(list(folder.iterdir())) == 2
