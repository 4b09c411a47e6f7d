"""The migrations build the tables of `app.tables`, and can be taken back."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from app import schema
from app.errors import StartRefused
from app.store import Store
from app.tables import metadata


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request, tmp_path):
    """A store over a database without tables."""
    url = f"sqlite:///{tmp_path / 'new' / 'empty.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("empty_postgres_url")
    store = Store(url)
    yield store
    store.close()


def tables(store):
    return set(inspect(store.database.engine).get_table_names())


def test_up_down_and_up_again(empty):
    schema.upgrade(empty)
    assert tables(empty) == {*metadata.tables, "alembic_version"}
    epoch = empty.events.epoch

    schema.downgrade(empty, "base")
    assert tables(empty) == {"alembic_version"}
    assert schema.current(empty) is None

    schema.upgrade(empty)
    schema.require_newest(empty)
    with empty.database.read() as tx:
        again = tx.exec_driver_sql("SELECT epoch FROM log_epoch").scalar_one()
    assert again != epoch  # a log that starts anew must not be taken for the old one


def test_upgrading_twice_changes_nothing(empty):
    schema.upgrade(empty)
    epoch = empty.events.epoch
    schema.upgrade(empty)

    with empty.database.read() as tx:
        assert tx.exec_driver_sql("SELECT epoch FROM log_epoch").scalars().all() == [epoch]


def test_the_migrations_and_the_tables_agree(empty):
    schema.upgrade(empty)
    with empty.database.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_database_of_another_schema_refuses_the_start(empty):
    with pytest.raises(StartRefused, match=r"schema none.*queuant db upgrade"):
        schema.require_newest(empty)
    schema.upgrade(empty)
    schema.require_newest(empty)
    with empty.database.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StartRefused, match=r"schema 9999.*: a newer one made it\. Run that version\.") as refused:
        schema.require_newest(empty)
    assert "upgrade" not in refused.value.message


def test_a_database_of_a_newer_version_is_not_touched(empty):
    schema.upgrade(empty)
    with empty.database.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StartRefused, match="schema 9999, which this version does not know"):
        schema.upgrade(empty)


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty, monkeypatch):
    upgrade = command.upgrade

    def upgrade_then_break(config, revision):
        upgrade(config, revision)
        raise RuntimeError("the power went")

    monkeypatch.setattr(command, "upgrade", upgrade_then_break)
    with pytest.raises(RuntimeError):
        schema.upgrade(empty)
    assert tables(empty) == set()


def test_several_processes_may_upgrade_at_once(empty):
    script = "import sys; from app import schema; from app.store import Store; schema.upgrade(Store(sys.argv[1]))"
    url = empty.database.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        processes = [
            stack.enter_context(subprocess.Popen([sys.executable, "-c", script, url], stderr=subprocess.PIPE))
            for _ in range(3)
        ]
        errors = [process.communicate(timeout=60)[1].decode() for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], errors
    schema.require_newest(empty)


def test_what_failed_before_there_were_alerts_raises_none(empty):
    schema.upgrade(empty, "0003")
    with empty.database.write() as tx:
        for name in ("jobs:ada", "jobs/1"):
            empty.events.append(tx, name, "job_failed", {})
            empty.events.append(tx, name, "job_failed", {})
    schema.upgrade(empty)

    assert [cursor.channel for cursor in empty.alerts.behind(["jobs:ada", "jobs/1"])] == ["jobs/1"]
    with empty.database.write() as tx:
        empty.events.append(tx, "jobs:ada", "job_failed", {})
    (behind,) = empty.alerts.behind(["jobs:ada"])
    assert (behind.before, behind.head) == (2, 3)
