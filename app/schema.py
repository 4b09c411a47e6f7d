"""Bring a database to the newest schema, or say that it is not there."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from app.errors import StartRefused
from app.store import Store

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
MIGRATION_LOCK = 0x7175616E  # any number that nobody else locks in this database


def upgrade(store: Store, revision: str = "head") -> None:
    """Run the migrations up to `revision`. One transaction: a failed migration changes nothing.

    Raises StartRefused for a database that a newer version of Queuant has migrated.
    """
    with store.database.write() as tx:
        config = _config(tx)
        found = MigrationContext.configure(tx).get_current_revision()
        if found is not None and found not in _known():
            raise StartRefused(
                f"The database has schema {found}, which this version does not know: a newer one made it. "
                "Run that version, or use another database."
            )
        command.upgrade(config, revision)


def downgrade(store: Store, revision: str) -> None:
    """Run the migrations down to `revision` ("base" for an empty database)."""
    with store.database.write() as tx:
        command.downgrade(_config(tx), revision)


def current(store: Store) -> str | None:
    """The revision that the database is at; None when it is empty."""
    with store.database.read() as tx:
        return MigrationContext.configure(tx).get_current_revision()


@cache
def newest() -> str | None:
    """The revision that this code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def is_known(revision: str) -> bool:
    """Whether this code can bring a database of that revision to the newest one."""
    return revision in _known()


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def require_newest(store: Store) -> None:
    """Raise StartRefused unless the database has the schema of this code."""
    found = current(store)
    if found is not None and found not in _known():
        raise StartRefused(
            f"The database has schema {found}, this version needs {newest()}: a newer one made it. Run that version."
        )
    if found != newest():
        raise StartRefused(
            f"The database has schema {found or 'none'}, this version needs {newest()}: run `queuant db upgrade` first."
        )


def _config(tx: Connection | None = None) -> Config:
    config = Config()
    if tx is not None:
        config.attributes["connection"] = tx
        if tx.dialect.name == "postgresql":
            # Containers that start together migrate one after the other; on SQLite the write lock sees to it.
            tx.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
