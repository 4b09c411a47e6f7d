"""Lines of a log as JSON: one object an event, with what is known of node, request and job."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from app.errors import StartRefused
from app.logs import JsonFormatter, about, say_about
from app.settings import Settings

Tell = Callable[..., dict[str, Any]]


@pytest.fixture
def tell() -> Tell:
    formatter = JsonFormatter("worker", "node-1")

    def line(message: str, *args: object, **given: Any) -> dict[str, Any]:
        record = logging.LogRecord("a.b", logging.INFO, "a.py", 1, message, args, given.get("exc_info"))
        record.created = 1_750_000_000.1234
        text = formatter.format(record)
        assert "\n" not in text
        return dict(json.loads(text))

    return line


def test_a_line_says_when_who_and_what(tell: Tell) -> None:
    said = tell("job %s:\nén", 7)
    assert said.pop("pid") > 0
    assert said == {
        "time": "2025-06-15T15:06:40.123Z",
        "level": "INFO",
        "role": "worker",
        "logger": "a.b",
        "message": "job 7:\nén",
        "node": "node-1",
    }


def test_an_error_is_a_field(tell: Tell) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        said = tell("it failed", exc_info=sys.exc_info())
    assert said["message"] == "it failed"
    assert said["exception"].startswith("Traceback")
    assert said["exception"].endswith("ValueError: broken")


def test_ids_are_on_every_line_of_a_block_and_on_none_after_it(tell: Tell) -> None:
    with about(request_id="r"):
        with about(job_id="j"):
            inner = tell("x")
        outer = tell("x")
    assert (inner["request_id"], inner["job_id"]) == ("r", "j")
    assert outer["request_id"] == "r"
    assert "job_id" not in outer
    assert "request_id" not in tell("x")


def test_what_is_said_stays_until_something_else_is_said(tell: Tell) -> None:
    def life() -> tuple[dict[str, Any], ...]:
        say_about(request_id="r")
        first = tell("x")
        say_about()
        return first, tell("x")

    first, second = copy_context().run(life)
    assert first["request_id"] == "r"
    assert "request_id" not in second


def test_another_thread_knows_nothing_of_it(tell: Tell) -> None:
    heard: list[dict[str, Any]] = []
    with about(job_id="j"):
        thread = threading.Thread(target=lambda: heard.append(tell("x")))
        thread.start()
        thread.join()
    assert "job_id" not in heard[0]


SCRIPT = """
import threading, warnings
from app.logs import configure_logging
from app.settings import Settings
configure_logging(Settings.from_env({"QUEUANT_LOG_FORMAT": "json"}), "api")
warnings.warn("old", stacklevel=1)
thread = threading.Thread(target=lambda: 1 / 0, name="t")
thread.start()
thread.join()
raise KeyError("lost")
"""


def test_warnings_and_what_nobody_caught_are_lines_too() -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=root, timeout=60)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["logger"] for line in lines] == ["py.warnings", "queuant", "queuant"]
    assert "ZeroDivisionError" in lines[1]["exception"]
    assert "KeyError: 'lost'" in lines[2]["exception"]
    assert done.returncode == 1


def test_an_unknown_format_is_refused_with_those_that_exist() -> None:
    with pytest.raises(StartRefused, match="QUEUANT_LOG_FORMAT='xml' is none of text, json"):
        Settings.from_env({"QUEUANT_LOG_FORMAT": "xml"})
