"""Starting, dying, stopping: nothing stays behind and nothing is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

EURUSD = {"dataset": "fx_daily", "symbols": ["EURUSD"]}


@pytest.mark.timeout(240)
def test_a_server_whose_whole_group_was_killed_starts_again_with_its_jobs(
    new_server: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    server = new_server().wait_until_ready()
    with server.client() as client:
        job = client.backtest("buy_and_hold", **EURUSD).wait(timeout=30)
    key = (server.home / "api_key").read_text()
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    eventually(lambda: not server.processes())

    again = new_server(home=server.home).wait_until_ready()
    assert (server.home / "api_key").read_text() == key
    with again.client() as client:
        assert client.job(job.id).status == "succeeded"
        assert client.backtest("buy_and_hold", **EURUSD, fresh=True).wait(timeout=30).status == "succeeded"
    assert again.end(signal.SIGINT) == 0
    assert again.said().rstrip().endswith("Stopped.")
    assert again.processes() == {}
    assert not (again.home / "server.json").exists()


@pytest.mark.timeout(240)
def test_whatever_dies_is_started_again_and_sigterm_ends_everything(
    new_server: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    server = new_server().wait_until_ready()
    victims = {
        "queue": ("-server",),
        "api": ("app.cli", "api"),
        "relay": ("app.cli", "relay"),
        "supervisor": ("workers", "supervisor"),
        "worker": ("workers", "worker"),
    }
    before = {name: server.pids(*words)[0] for name, words in victims.items()}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: all(server.pids(*words)[:1] not in ([], [before[name]]) for name, words in victims.items()))
    with server.client() as client:
        eventually(lambda: answers(client))
        done = client.backtest("buy_and_hold", **EURUSD, fresh=True).wait(timeout=60)
        assert done.status == "succeeded"
    for name in victims:
        assert f"The {name} ended (signal SIGKILL)" in server.said()
    assert server.end(signal.SIGTERM) == 0
    assert server.processes() == {}


def answers(client: Any) -> bool:
    from app.client import Unreachable

    try:
        client.datasets()
    except Unreachable:
        return False
    return True
