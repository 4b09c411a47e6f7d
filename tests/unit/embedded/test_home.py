"""The home folder: private files, one server at a time."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.embedded.home import Home
from app.errors import StartRefused
from app.store import Store


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_in_it_is_for_its_owner_only(home: Home) -> None:
    home.make_key()
    home.announce({"api_url": "http://127.0.0.1:8000"})
    home.remember_queue("redis://:secret@127.0.0.1:1/0")
    assert {mode(folder) for folder in (home.path, home.logs, home.queue, home.run)} == {0o700}
    assert {mode(file) for file in (home.key_file, home.path / "server.json", home.queue / "url")} == {0o600}


def test_the_key_is_made_once_and_kept(home: Home) -> None:
    assert home.key() is None
    key = home.make_key()
    assert home.make_key() == key
    assert home.key() == key


def test_the_key_opens_a_database(home: Home, sqlite_url: str) -> None:
    store = Store(sqlite_url)
    store.access.ensure_key(home.make_key(), owner="admin")
    caller = store.access.caller(home.make_key())
    store.close()
    assert caller is not None
    assert caller.may("admin")


def test_a_second_server_is_told_who_holds_the_home(home: Home) -> None:
    with home.locked():
        home.announce({"api_url": "http://127.0.0.1:8123"})
        with pytest.raises(StartRefused, match=rf"http://127.0.0.1:8123 \(pid {os.getpid()}\)"), home.locked():
            pass
    with home.locked():
        pass


def test_the_lock_does_not_outlive_a_killed_process(home: Home) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from app.embedded.home import Home\n"
        "with Home(pathlib.Path(sys.argv[1])).locked():\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(home.path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(StartRefused, match=str(holder.pid)), home.locked():
        pass
    holder.kill()
    holder.wait(10)
    holder.stdout.close()
    with home.locked():
        pass


def test_a_note_that_is_cut_off_counts_as_none(home: Home) -> None:
    (home.path / "server.json").write_text('{"api_url": ')
    assert home.server() is None


def test_withdrawing_twice_is_no_error(home: Home) -> None:
    home.announce({"api_url": "http://127.0.0.1:8000"})
    home.withdraw()
    home.withdraw()
    assert home.server() is None


def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartRefused, match="cannot be used"):
        Home(tmp_path / "file" / "home").prepare()
