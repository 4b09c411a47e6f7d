"""The private queue server: our configuration, our password, nothing readable for others."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest
import redis

from app.embedded import queue
from app.embedded.home import Home
from app.embedded.keeper import Keeper, Role
from app.embedded.queue import QueueServer, answers, find_binary


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / 'a "home" with spaces')
    home.prepare()
    return home


def test_the_binary_of_the_wheel_is_found_without_one_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert find_binary().is_file()


def test_a_server_on_path_comes_first_if_it_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "valkey-server"
    monkeypatch.setenv("PATH", str(tmp_path))
    program.write_text("#!/bin/sh\necho 'Server v=8.1.0 sha=0'\n")
    program.chmod(0o755)
    assert find_binary() == program
    program.write_text("#!/bin/sh\necho 'Redis server v=5.0.14 sha=0'\n")
    assert find_binary() != program


def test_it_starts_with_our_configuration(home: Home) -> None:
    server = QueueServer(home)
    keeper = Keeper(lambda _: None)
    command = server.command()
    assert server._password not in " ".join(command)
    assert stat.S_IMODE(Path(command[1]).stat().st_mode) == 0o600
    role = keeper.add(Role("queue", command, {}, home.logs / "queue.log"))
    try:
        for _ in range(200):
            if answers(server.url):
                break
            assert role.running, role.log_tail()
            time.sleep(0.02)
        with redis.Redis.from_url(server.url) as client:
            said = client.config_get("appendonly", "appendfsync", "maxmemory-policy", "save", "bind", "dir")
        assert said["appendonly"] == "yes"
        assert said["appendfsync"] == "everysec"
        assert said["maxmemory-policy"] == "noeviction"
        assert said["save"] == ""
        assert said["bind"] == "127.0.0.1"
        assert said["dir"] == str(home.queue)
        assert not answers(server.url.replace(server._password, "wrong"))
    finally:
        keeper.stop("queue")


def test_an_unreadable_log_is_set_aside(home: Home) -> None:
    server = QueueServer(home)
    assert server.set_aside() is None
    (home.queue / "appendonlydir").mkdir()
    moved = server.set_aside()
    assert moved is not None
    assert moved.is_dir()
    assert not (home.queue / "appendonlydir").exists()


def test_nothing_answers_where_nothing_runs() -> None:
    assert not queue.answers("redis://:x@127.0.0.1:9/0")
