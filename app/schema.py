"""Bring a database to the newest schema, or say that it is not there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.errors import StartRefused
from app.store import Store

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def upgrade(store: Store, revision: str = "head") -> None:
    """Run the migrations up to `revision`. One transaction: a failed migration changes nothing."""
    with store.database.write() as tx:
        config = _config()
        config.attributes["connection"] = tx
        command.upgrade(config, revision)


def downgrade(store: Store, revision: str) -> None:
    """Run the migrations down to `revision` ("base" for an empty database)."""
    with store.database.write() as tx:
        config = _config()
        config.attributes["connection"] = tx
        command.downgrade(config, revision)


def current(store: Store) -> str | None:
    """The revision that the database is at; None when it is empty."""
    with store.database.read() as tx:
        return MigrationContext.configure(tx).get_current_revision()


def require_newest(store: Store) -> None:
    """Raise StartRefused unless the database has the schema of this code."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    found = current(store)
    if found != newest:
        raise StartRefused(
            f"The database has schema {found or 'none'}, this version needs {newest}: run `queuant db upgrade` first."
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
