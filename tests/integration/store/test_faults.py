"""A database that does not answer, is locked or full: a clear error, and nothing half done."""

from __future__ import annotations

import contextlib
import sqlite3
import time

import pytest
from sqlalchemy import event, text

from app.errors import StoreUnavailable
from app.schema import upgrade
from app.store import JobFilter, NewJob, Store
from app.store import database as database_module
from engine.errors import InvalidInput


def submit(store, number=0, **changes):
    values = {"id": str(number), "owner": "ada", "kind": "backtest", "queue": "interactive", "max_attempts": 3}
    job = NewJob(**values | {"request": {"n": number}, "request_hash": str(number)} | changes)
    return store.jobs.submit(job, idempotency=None, reuse=False, max_queued=1000)


def test_a_locked_database_is_unavailable_to_writers_and_open_to_readers(sqlite_url, monkeypatch):
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.2)
    store = Store(sqlite_url)
    submit(store)
    with contextlib.closing(sqlite3.connect(store.database.url.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable):
            submit(store, 1)
        assert len(store.read.page("ada", JobFilter(), limit=9, before=None)) == 1
        store.ping()
        other.execute("ROLLBACK")
    submit(store, 1)
    store.close()


def test_a_short_lock_is_waited_for(sqlite_url):
    store = Store(sqlite_url)
    with contextlib.closing(
        sqlite3.connect(store.database.url.database, isolation_level=None, check_same_thread=False)
    ) as other:
        other.execute("BEGIN EXCLUSIVE")
        import threading

        timer = threading.Timer(0.3, lambda: other.execute("ROLLBACK"))
        timer.start()
        started = time.monotonic()
        submit(store)
        timer.join()
    assert time.monotonic() - started > 0.25
    store.close()


def test_a_full_disk_stores_nothing_and_damages_nothing(sqlite_url):
    store = Store(sqlite_url)
    submit(store)
    pages = {"max": 1_000_000}

    @event.listens_for(store.database.engine, "begin")
    def _limit(connection):
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages['max']}")

    with store.database.read() as tx:
        pages["max"] = tx.exec_driver_sql("PRAGMA page_count").scalar_one() + 2
    with pytest.raises(StoreUnavailable):
        submit(store, 1, request={"fill": "x" * 100_000})
    assert store.read.job("1", "ada") is None
    assert store.events.head("jobs:ada") == 1

    pages["max"] = 1_000_000
    submit(store, 2, request={"fill": "x" * 100_000})
    with store.database.read() as tx:
        assert tx.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    store.close()


def test_a_file_of_something_else_is_no_database_and_says_so(tmp_path):
    (tmp_path / "other.db").write_bytes(b"not a database, " * 1000)
    store = Store(f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(StoreUnavailable, match="is a file of something else"):
        store.ping()
    store.close()


def test_sqlite_keeps_the_promise_of_a_committed_job(sqlite_url):
    store = Store(sqlite_url)
    with store.database.write() as tx:
        settings = [tx.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous")]
        assert tx.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    assert settings == ["wal", 2]
    store.close()


def test_a_server_that_is_not_there_is_unavailable_soon():
    store = Store("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        store.ping()
    assert time.monotonic() - started < 3
    store.close()


def test_a_lost_connection_is_replaced(postgres_template, database_url):
    store = Store(database_url)
    store.ping()
    if not store.database.is_sqlite:
        other = Store(database_url)
        with other.database.write() as tx:
            tx.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"))
        other.close()
    submit(store)
    store.close()


def test_who_is_frozen_in_a_transaction_on_postgresql_lets_go_of_what_it_has_locked(empty_postgres_url, monkeypatch):
    other = Store(empty_postgres_url)
    upgrade(other)
    submit(other)
    monkeypatch.setattr(database_module, "IDLE_SECONDS", 0.3)
    frozen = Store(empty_postgres_url)

    def freeze():
        with frozen.database.write() as tx:
            tx.execute(text("UPDATE jobs SET attempt = 9"))
            assert other.jobs.cancel("0", "ada").job.attempt == 0  # it waits until the lock is gone
            tx.execute(text("UPDATE jobs SET attempt = 9"))

    with pytest.raises(StoreUnavailable):
        freeze()
    frozen.ping()
    frozen.close()
    other.close()


def test_the_databases_clock_is_now(database_url):
    store = Store(database_url)
    change, created = submit(store)
    store.close()

    assert created
    assert abs(change.job.created_at - time.time()) < 5
    assert abs(change.events[0].at - time.time()) < 5


def test_a_text_that_no_column_holds_is_the_callers_mistake(store):
    with pytest.raises(InvalidInput):
        submit(store, owner="\ud800")
    assert store.read.counts() == {}


def test_a_forked_process_forgets_the_connections_of_its_parent(database_url):
    store = Store(database_url)
    store.ping()
    assert store.database.engine.pool.checkedin() == 1
    pool = store.database.engine.pool
    store.after_fork()
    assert store.database.engine.pool.checkedin() == 0
    store.ping()
    pool.dispose()
    store.close()
