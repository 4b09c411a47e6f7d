"""Commands for whoever runs the platform: the schema and the keys. They speak to the database, not to the API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.common import guarded, home_option, json_option, print_json, settings_of

if TYPE_CHECKING:
    from app.backup import Backup


@click.group()
def db() -> None:
    """The database schema."""


@db.command()
@home_option
@guarded
def upgrade(home: str | None) -> None:
    """Bring the database to the newest schema. Safe to repeat."""
    from app import schema
    from app.store import Store

    store = Store(settings_of(home).database_url)
    before = schema.current(store)
    schema.upgrade(store)
    after = schema.current(store)
    store.close()
    click.echo(f"The schema is {after}." if before == after else f"The schema went from {before or 'none'} to {after}.")


@db.command()
@home_option
@guarded
def current(home: str | None) -> None:
    """Show the schema of the database."""
    from app import schema
    from app.store import Store

    store = Store(settings_of(home).database_url)
    click.echo(schema.current(store) or "none")
    store.close()


@db.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
@home_option
@guarded
def backup(file: Path, force: bool, as_json: bool, home: str | None) -> None:
    """Put database, datasets and strategies into one file, while the platform runs."""
    from app import backup as backups

    _tell(backups.write(settings_of(home), file, force=force), f"Everything is in {file}", as_json)


@db.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace all that is there.")
@json_option
@home_option
@guarded
def restore(file: Path, force: bool, as_json: bool, home: str | None) -> None:
    """Make the platform what it was when a backup was made. It must not run."""
    from app import backup as backups

    _tell(backups.restore(settings_of(home), file, force=force), f"All is as {file} has it", as_json)


def _tell(told: Backup, text: str, as_json: bool) -> None:
    if as_json:
        print_json(vars(told))
    else:
        size = f"{told.bytes / 1e6:.1f} MB"
        click.echo(f"{text} ({size}, {told.database}, schema {told.schema}, of {told.made_at}).")


@click.group()
def keys() -> None:
    """API keys."""


@keys.command()
@click.option("--owner", required=True, help="Whose jobs the key sees.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["read", "run", "admin"]),
    default=("read", "run"),
    show_default=True,
)
@json_option
@home_option
@guarded
def create(owner: str, scopes: tuple[str, ...], as_json: bool, home: str | None) -> None:
    """Create a key. It is shown this once; the database keeps only its hash."""
    from app.store import Store

    store = Store(settings_of(home).database_url)
    key = store.access.create_key(owner, scopes)
    store.close()
    if as_json:
        print_json({"owner": owner, "scopes": list(scopes), "key": key})
    else:
        click.echo(key)


@keys.command()
@click.argument("key")
@home_option
@guarded
def revoke(key: str, home: str | None) -> None:
    """Close a key for ever. KEY is the key itself or its id, the part between `bt_` and the next `_`.

    Requests are refused at once; sockets that it opened are closed within minutes.
    """
    from app.errors import Unknown
    from app.store import Store

    store = Store(settings_of(home).database_url)
    closed = store.access.revoke_key(key)
    store.close()
    if not closed:
        raise Unknown("There is no such key, or it is revoked already.")
    click.echo("Revoked.")
