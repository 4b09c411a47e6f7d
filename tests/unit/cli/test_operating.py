"""Commands of whoever runs a server: keys, the schema, single roles."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from app.cli import roles
from app.store import Store
from app.store.paper import Step, save
from engine.paper.state import State


def test_keys_are_created_in_the_database_and_shown_once(
    run: Callable[..., Result], sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    said = run("keys", "create", "--owner", "ada", "--scope", "read", "--json")
    made = json.loads(said.stdout)
    assert made["key"].startswith("bt_")
    assert made["scopes"] == ["read"]


def test_keys_are_listed_without_their_secrets(
    run: Callable[..., Result], sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    key = run("keys", "create", "--owner", "ada", "--expires", "90d", "--label", "notebook").stdout.strip()
    closed = run("keys", "create", "--owner", "bob").stdout.strip()
    run("keys", "revoke", closed)
    first, second = json.loads(run("keys", "list", "--json").stdout)
    assert (first["id"], first["owner"], first["label"], first["is_open"]) == (
        key.split("_")[1],
        "ada",
        "notebook",
        True,
    )
    days = datetime.fromisoformat(first["expires_at"]) - datetime.fromisoformat(first["created_at"])
    assert days == timedelta(days=90)
    assert (second["is_open"], second["expires_at"], second["last_used_at"]) == (False, None, None)
    shown = run("keys", "list").stdout
    assert "notebook" in shown
    assert key.split("_", 2)[2] not in shown


@pytest.mark.parametrize("time", ["90", "0d", "-1d", "1.5h", "1y", "d", "999999d"])
def test_a_time_that_is_none_is_refused(run: Callable[..., Result], time: str) -> None:
    said = run("keys", "create", "--owner", "ada", f"--expires={time}")
    assert said.exit_code == 2
    assert f"'{time}' is no time such as 90d, 12h or 30m" in said.stderr


@pytest.mark.parametrize("label", ["", "two\nlines", "x" * 101])
def test_a_label_is_one_short_line(run: Callable[..., Result], label: str) -> None:
    said = run("keys", "create", "--owner", "ada", "--label", label)
    assert said.exit_code == 2
    assert "a label is one line of 1 to 100 characters" in said.stderr


def test_a_key_is_revoked_once(run: Callable[..., Result], sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    key = run("keys", "create", "--owner", "ada").stdout.strip()
    assert run("keys", "revoke", key).stdout == "Revoked.\n"
    again = run("keys", "revoke", key)
    assert (again.exit_code, again.stderr) == (2, "There is no such key, or it is revoked already.\n")


def test_the_schema_is_upgraded_and_named(run: Callable[..., Result]) -> None:
    assert run("db", "current").stdout == "none\n"
    assert "from none to " in run("db", "upgrade").stdout
    assert "The schema is " in run("db", "upgrade").stdout
    after = json.loads(run("db", "current", "--json").stdout)["schema"]
    assert json.loads(run("db", "upgrade", "--json").stdout) == {"before": after, "after": after}


@pytest.mark.parametrize("role", ["api", "relay", "worker", "supervisor"])
def test_a_single_role_without_a_queue_says_what_it_needs(
    run: Callable[..., Result], role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    said = run(role)
    assert said.exit_code == 2
    assert "Set REDIS_URL" in said.stderr


def test_a_single_role_joins_the_server_of_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUANT_HOME", str(tmp_path))
    monkeypatch.delenv("REDIS_URL", raising=False)
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue" / "url").write_text("redis://:x@127.0.0.1:7777/0\n")
    assert roles.joined_settings().redis_url == "redis://:x@127.0.0.1:7777/0"


def test_a_home_that_a_single_role_makes_is_for_its_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUANT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REDIS_URL", "redis://:x@127.0.0.1:7777/0")
    roles.joined_settings()
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_a_home_that_the_schema_makes_is_for_its_owner_only(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert run("db", "upgrade", "--home", str(tmp_path / "home")).exit_code == 0
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_the_book_is_checked_in_the_database(
    run: Callable[..., Result], sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    assert run("book", "check").stdout == "The paper book has not been opened yet.\n"
    store = Store(sqlite_url)
    figures = dict.fromkeys(("years", "gross", "net", "pnl", "drawdown"), 0.0) | {"equity": 1000.0, "cash": 1000.0}
    parts: dict[str, object] = {"positions": [], "target": [], "sleeves": {}, "datasets": {}}
    mark = {"bar_at": 1.0, "quality": "real", "book_version": 0, **figures, **parts}
    with store.database.write() as tx:
        save(tx, store.database, store.events, Step(0, 1000.0, State.opening(1000.0).as_dict(), {}, [mark], [], []))
    assert run("book", "check").stdout.startswith("1 marks and 0 fills give cash 1,000.00 and equity 1,000.00")
    with store.database.write() as tx:
        tx.exec_driver_sql("UPDATE book_marks SET equity = 1001")
    store.close()
    said = run("book", "check")
    assert (said.exit_code, said.stderr) == (1, "Mark 1 says equity 1001.0, its ledger 1000.0.\n")
    said = run("book", "check", "--json")
    assert (said.exit_code, json.loads(said.stdout)["differences"]) == (
        1,
        ["Mark 1 says equity 1001.0, its ledger 1000.0."],
    )


@pytest.mark.parametrize("role", ["api", "relay", "worker", "supervisor"])
def test_a_role_that_strangers_reach_does_not_start_with_a_guessable_password(
    run: Callable[..., Result], role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:changeme@queue/0")
    monkeypatch.setenv("QUEUANT_HOST", "0.0.0.0")
    said = run(role)
    assert said.exit_code == 2
    assert "REDIS_URL has a password for queue that is easy to guess" in said.stderr
    assert ("QUEUANT_PUBLIC_URL" in said.stderr) == (role in ("api", "relay"))


def test_a_server_for_strangers_is_not_started_by_the_way(run: Callable[..., Result]) -> None:
    said = run("serve", "--host", "0.0.0.0")
    assert said.exit_code == 2
    assert "QUEUANT_PUBLIC_URL does not say how clients reach the API" in said.stderr


@pytest.mark.parametrize("role", ["api", "relay", "worker", "supervisor", "serve"])
def test_no_role_starts_with_an_address_of_datasets_that_is_none(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("QUEUANT_DATASET_DIR", "s3://a-key:hunter2@bucket/prefix")
    result = run(role)
    assert result.exit_code == 2
    assert "QUEUANT_DATASET_DIR has a key in it: set AWS_ACCESS_KEY_ID" in result.output
    assert "hunter2" not in result.output
