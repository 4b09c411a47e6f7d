"""Commands of whoever runs a server: keys, the schema, single roles."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from app.cli import roles


def test_keys_are_created_in_the_database_and_shown_once(
    run: Callable[..., Result], sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    said = run("keys", "create", "--owner", "ada", "--scope", "read", "--json")
    made = json.loads(said.stdout)
    assert made["key"].startswith("bt_")
    assert made["scopes"] == ["read"]


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
