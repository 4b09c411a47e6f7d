"""How a program that waits tells how far the job is."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from app.client.telling import teller

RUNNING = {"status": "running", "progress": {"phase": "simulate", "fraction": 0.25}}


def test_a_log_gets_a_line_for_each_tenth_of_a_phase(capsys: pytest.CaptureFixture[str]) -> None:
    with teller(True) as tell:
        tell({"status": "queued", "progress": None})
        for fraction in (0.01, 0.02, 0.11, 0.12, 0.5):
            tell({"status": "running", "progress": {"phase": "simulate", "fraction": fraction}})
        tell({"status": "succeeded", "progress": None})
    assert capsys.readouterr().err.splitlines() == [
        "simulate: 1%", "simulate: 11%", "simulate: 50%", "succeeded: 100%",
    ]  # fmt: skip


def test_a_terminal_gets_a_bar_that_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    terminal = SimpleNamespace(
        isatty=lambda: True, write=lambda text: written.append(text) or len(text), flush=lambda: None, encoding="utf-8"
    )
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with teller(True) as tell:
        tell(RUNNING)
    assert "simulate: 25%" in "".join(written)


def test_a_notebook_gets_one_bar_that_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    handle = SimpleNamespace(update=shown.append)
    display = SimpleNamespace(HTML=lambda text: text, display=lambda text, display_id: shown.append(text) or handle)
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=display))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    with teller(True) as tell:
        tell({"status": "running", "progress": {"phase": "<script>", "fraction": 0.5}})
    assert shown == [
        '<progress max="1"></progress> queued',
        '<progress max="1" value="0.5000"></progress> &lt;script&gt;: 50%',
    ]


def test_a_function_gets_each_progress_once() -> None:
    told: list[Any] = []
    with teller(told.append) as tell:
        for _ in range(3):
            tell(RUNNING)
    assert told == [RUNNING["progress"]]


def test_nobody_is_told_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with teller(False) as tell:
        tell(RUNNING)
    assert capsys.readouterr() == ("", "")
