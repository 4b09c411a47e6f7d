"""Connections, transactions and the database's clock: what differs between SQLite and PostgreSQL ends here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Connection, Double, Table, create_engine, event, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import Pool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from app.errors import StoreUnavailable
from engine.errors import InvalidInput

BUSY_SECONDS = 10
# A process that is frozen, or cut off, in the midst of a transaction keeps its rows locked for so long on PostgreSQL.
IDLE_SECONDS = 10.0
# A server that a broken network hides says nothing, and TCP alone would wait for it for a quarter of an hour, or two
# hours. What is sent must be acknowledged within ten seconds, and who waits for an answer asks if the other is there.
_ATTENTIVE = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
}
_REASONS = {
    "SQLITE_FULL": "has no room left on its disk",
    "SQLITE_ERROR": "has not the tables of this version: run `queuant db upgrade`",
    "SQLITE_READONLY": "cannot be written to",
    "SQLITE_CANTOPEN": "cannot be opened",
    "SQLITE_NOTADB": "is a file of something else",
    "SQLITE_CORRUPT": "is damaged: bring back a copy of it",
}


class clock_epoch(FunctionElement[float]):  # noqa: N801 - it reads as an SQL function
    """Seconds since 1970 by the clock of the database at this moment, not at the transaction's start."""

    type = Double()
    inherit_cache = True


@compiles(clock_epoch, "postgresql")
def _postgresql_clock(*_: Any, **__: Any) -> str:
    return "extract(epoch FROM clock_timestamp())::double precision"


@compiles(clock_epoch, "sqlite")
def _sqlite_clock(*_: Any, **__: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


class json_list_holds(FunctionElement[bool]):  # noqa: N801 - it reads as an SQL function
    """Whether a JSON list of texts has exactly this element: `json_list_holds(column, text)`."""

    type = Boolean()
    inherit_cache = True


@compiles(json_list_holds, "postgresql")
def _postgresql_list(element: json_list_holds, compiler: SQLCompiler, **options: Any) -> str:
    column, value = (compiler.process(part, **options) for part in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_array_elements_text({column}) AS item WHERE item = {value})"  # noqa: S608


@compiles(json_list_holds, "sqlite")
def _sqlite_list(element: json_list_holds, compiler: SQLCompiler, **options: Any) -> str:
    column, value = (compiler.process(part, **options) for part in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({column}) AS item WHERE item.value = {value})"  # noqa: S608


class Database:
    """One engine with two kinds of transaction.

    Args:
        url: an SQLAlchemy URL of SQLite or PostgreSQL.
        clock: replaces the database's clock, for tests that must move time.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] | None = None) -> None:
        self.url = make_url(url)
        self.clock = clock
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {}
        if self.is_sqlite:
            Path(self.url.database or "").parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            options["connect_args"] = {"timeout": BUSY_SECONDS}
        else:
            options["connect_args"] = dict(_ATTENTIVE)
            options["pool_pre_ping"] = True
        self.engine = create_engine(url, json_serializer=_dump_json, pool_size=20, max_overflow=60, **options)
        (_prepare_sqlite if self.is_sqlite else _prepare_postgresql)(self.engine)
        self._writer = self.engine.execution_options(writes="durable")
        self._hasty_writer = self.engine.execution_options(writes="hasty")
        self._passing_writer = self.engine.execution_options(writes="passing")
        self.insert = sqlite.insert if self.is_sqlite else postgresql.insert

    def now(self) -> ColumnElement[float]:
        return literal(self.clock()) if self.clock else clock_epoch()

    def time(self) -> float:
        """What `now()` gives, read at once."""
        with self.read() as tx:
            return float(tx.execute(select(self.now())).scalar_one())

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with _translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that may write: on SQLite it takes the write lock at once instead of failing half-way.

        Without `durable` a power loss may undo it after the commit, which spares SQLite a wait for the disk. That
        is for what the next round of work repairs: a claim, a beat, a bell.
        """
        with _translated(), (self._writer if durable else self._hasty_writer).begin() as connection:
            yield connection

    @contextmanager
    def write_in_passing(self) -> Iterator[Connection]:
        """A transaction that nobody should wait for: StoreUnavailable at once where its lock is taken. Not durable."""
        with _translated(), self._passing_writer.begin() as connection:
            if not self.is_sqlite:
                connection.exec_driver_sql("SET LOCAL lock_timeout = '1ms'")
            yield connection

    @contextmanager
    def write_alone(self, table: Table) -> Iterator[Connection]:
        """A transaction that is the only one to write to a table: what it has read there still holds at its end."""
        with self.write() as tx:
            if not self.is_sqlite:  # where every writer is alone
                tx.exec_driver_sql(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE")
            yield tx

    def copy_to(self, file: Path) -> None:
        """A whole copy of an SQLite database, as it is at one moment, without empty pages; others may go on writing."""
        try:
            with closing(sqlite3.connect(str(self.url.database), timeout=BUSY_SECONDS)) as connection:
                connection.execute("VACUUM INTO ?", (str(file),))  # in no transaction, which ours always begin
        except sqlite3.Error as error:
            raise StoreUnavailable(f"The database cannot be copied: {error}.") from error

    def faults(self) -> str:
        """What is wrong with the file of an SQLite database; nothing where it is whole."""
        with self.read() as tx:
            found = str(tx.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one())
        return "" if found == "ok" else found

    def ping(self) -> None:
        with self.read() as tx:
            tx.execute(func.count(literal(1)).select())

    def after_fork(self) -> None:
        """Forget connections that belong to the parent process."""
        self.engine.dispose(close=False)

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (DataError, UnicodeEncodeError) as error:
        raise InvalidInput("The request has a text that is too long, or characters that are no text.") from error
    except (OperationalError, PoolTimeout) as error:
        reason = _REASONS.get(getattr(error.__cause__, "sqlite_errorname", ""), "did not answer in time")
        raise StoreUnavailable(f"The database {reason}. Nothing was changed.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StoreUnavailable("The connection to the database was lost; try again.") from error
        name = getattr(error.__cause__, "sqlite_errorname", "")
        if name in _REASONS:
            raise StoreUnavailable(f"The database {_REASONS[name]}. Nothing was changed.") from error
        raise


def _prepare_sqlite(engine: Any) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _: Pool) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        if writes:
            # A 202 and a result are promises: they survive a power loss.
            connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if writes == 'durable' else 'NORMAL'}")
        if writes == "passing":
            connection.exec_driver_sql("PRAGMA busy_timeout=0")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
        finally:
            if writes == "passing":
                connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")


def _prepare_postgresql(engine: Any) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _: Any) -> None:
        connection.execute(f"SET idle_in_transaction_session_timeout = {IDLE_SECONDS * 1000:.0f}")
        connection.commit()


def _dump_json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))
