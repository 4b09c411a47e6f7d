"""The doctor finds what is wrong, says what helps, and changes nothing by looking."""

from __future__ import annotations

import json
import os

import pytest
import redis
from click.testing import CliRunner

from app import doctor, schema
from app.cli import cli
from app.settings import Settings
from app.store import Node, Store


@pytest.fixture
def settings(tmp_path, database_url, redis_url):
    """Of a platform that runs: a worker, a supervisor and an API have just spoken."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    store = Store(database_url)
    for role in ("worker", "supervisor", "api"):
        store.nodes.beat(Node(role, role, "host", "0.3.0", 2), 1)
    store.close()
    with redis.Redis.from_url(redis_url) as queue:
        queue.config_set("maxmemory-policy", "noeviction")
        queue.config_set("appendonly", "yes")
    return Settings(home=home, database_url=database_url, redis_url=redis_url)


def told(settings):
    """What is not in order: the statuses by check, and all details as one text."""
    found = [check for check in doctor.examine(settings) if check.status != "ok"]
    return {check.name: check.status for check in found}, " ".join(check.detail for check in found)


def test_nothing_is_wrong_with_a_platform_that_runs(settings):
    assert told(settings) == ({}, "")
    names = [check.name for check in doctor.examine(settings)]
    assert names == [
        *("packages", "home", "datasets", "cache", "exposure", "open_files", "database", "queue_server"),
        *("workers", "supervisors", "web", "leases", "nodes"),
    ]


def test_a_bucket_of_datasets_is_asked(settings, objects):
    (found,) = (
        check for check in doctor.folders(settings.replace(dataset_dir=objects.url("x"))) if check.name != "cache"
    )
    assert (found.status, found.detail) == ("ok", "s3://bucket/x answers; versions of datasets that lie there: 0.")
    statuses, text = told(settings.replace(dataset_dir=objects.url("x", bucket="nowhere")))
    assert statuses == {"datasets": "problem"}
    assert "there is no such bucket: make it, or name another one in QUEUANT_DATASET_DIR" in text


def test_a_place_in_which_nothing_ever_ran_is_told_what_makes_it_and_stays_as_it_is(tmp_path):
    settings = Settings(home=tmp_path / "none").resolved()
    statuses, text = told(settings)
    assert statuses == {"home": "warning", "database": "warning", "queue_server": "problem"}
    assert "the first process that starts here makes it" in text
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_another_version_is_told_how_to_be_brought_to_this_one(settings):
    store = Store(settings.database_url)
    schema.downgrade(store, "0012")
    store.close()
    statuses, text = told(settings)
    assert statuses["database"] == "problem"
    assert "queuant db upgrade" in text


def test_a_damaged_file_is_found(settings, sqlite_url):
    settings = settings.replace(database_url=sqlite_url)
    with open(sqlite_url.removeprefix("sqlite:///"), "r+b") as file:
        file.seek(8192)
        file.write(os.urandom(65_536))
    statuses, text = told(settings)
    assert statuses["database"] == "problem"
    assert "damaged" in text


def test_a_clock_that_is_away_is_found(settings, monkeypatch):
    real = doctor.time.time
    monkeypatch.setattr(doctor.time, "time", lambda: real() + 60)
    statuses, text = told(settings)
    assert statuses["database_clock"] == "warning"
    assert "-60 s" in text


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("maxmemory-policy", "allkeys-lru", "Set noeviction"), ("appendonly", "no", "Set appendonly yes")],
)
def test_a_queue_server_that_may_lose_something_is_found(settings, name, value, message):
    with redis.Redis.from_url(settings.redis_url) as queue:
        before = queue.config_get(name)[name]
        queue.config_set(name, value)
        statuses, text = told(settings)
        queue.config_set(name, before)
    assert statuses == {"queue_server": "warning"}
    assert message in text


@pytest.mark.parametrize(
    ("url", "message"),
    [("redis://127.0.0.1:1/0", "does not answer"), ("http://127.0.0.1", "REDIS_URL is no address"), ("", "REDIS_URL")],
)
def test_a_queue_server_that_is_not_there_is_a_problem(settings, url, message):
    statuses, text = told(settings.replace(redis_url=url))
    assert statuses == {"queue_server": "problem"}
    assert message in text


def test_who_has_gone_and_who_can_look_in_is_told(settings):
    settings.home.chmod(0o755)
    store = Store(settings.database_url)
    store.nodes.leave("worker")
    store.close()
    statuses, text = told(settings.replace(relay_sockets=100_000_000))
    assert statuses == {"home": "warning", "open_files": "warning", "workers": "problem"}
    assert "chmod 700" in text
    assert "ulimit -n 100000200" in text


def test_what_other_machines_reach_unsafely_is_a_problem(settings):
    statuses, text = told(settings.replace(host="0.0.0.0"))
    assert statuses["exposure"] == "problem"
    assert "QUEUANT_PUBLIC_URL" in text


def test_the_command_says_it_as_a_table_and_as_json_and_ends_by_what_it_found(settings):
    environment = {name: value for name, value in settings.environment().items() if name != "QUEUANT_CACHE_DIR"}
    run = CliRunner().invoke
    good = run(cli, ["doctor", "--json"], env=environment)
    assert (good.exit_code, json.loads(good.output)["status"]) == (0, "ok")
    bad = run(cli, ["doctor"], env=environment | {"REDIS_URL": "redis://127.0.0.1:1/0"})
    assert bad.exit_code == 1
    assert "queue server" in bad.output
    assert "problem" in bad.output
