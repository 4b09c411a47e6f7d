"""Commands for whoever runs the platform: the database and the keys. They speak to the database, not to the API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.common import console, guarded, home_option, json_option, plain_table, print_json, settings_of

_SECONDS = {"m": 60, "h": 3600, "d": 86_400}


def _as_seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """`90d`, `12h` or `30m`, in seconds."""
    if value is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", value)
    if found is None:
        raise click.BadParameter(f"'{value}' is no time such as 90d, 12h or 30m", ctx, param)
    return int(found[1]) * _SECONDS[found[2]]


def _as_label(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    from app.store.access import MOST_OF_LABEL

    if value is not None and not (0 < len(value) <= MOST_OF_LABEL and value.isprintable()):
        raise click.BadParameter(f"a label is one line of 1 to {MOST_OF_LABEL} characters", ctx, param)
    return value


if TYPE_CHECKING:
    from app.backup import Backup


@click.group()
def db() -> None:
    """The database: its schema, backup and restore."""


@db.command()
@json_option
@home_option
@guarded
def upgrade(as_json: bool, home: str | None) -> None:
    """Bring the database to the newest schema. Safe to repeat."""
    from app import schema
    from app.store import Store

    store = Store(settings_of(home).database_url)
    before = schema.current(store)
    schema.upgrade(store)
    after = schema.current(store)
    store.close()
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        click.echo(f"The schema is {after}.")
    else:
        click.echo(f"The schema went from {before or 'none'} to {after}.")


@db.command()
@json_option
@home_option
@guarded
def current(as_json: bool, home: str | None) -> None:
    """Show the schema of the database."""
    from app import schema
    from app.store import Store

    store = Store(settings_of(home).database_url)
    found = schema.current(store)
    store.close()
    print_json({"schema": found}) if as_json else click.echo(found or "none")


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
    help="What it may do; again for another.",
)
@click.option(
    "--expires",
    metavar="TIME",
    callback=_as_seconds,
    help="Close it by itself after so long: 90d, 12h, 30m [default: never].",
)
@click.option("--label", callback=_as_label, help="What it is for, to be found again in the list.")
@json_option
@home_option
@guarded
def create(
    owner: str, scopes: tuple[str, ...], expires: int | None, label: str | None, as_json: bool, home: str | None
) -> None:
    """Create a key. It is shown this once; the database keeps only its hash."""
    from app.store import Store

    store = Store(settings_of(home).database_url)
    key = store.access.create_key(owner, scopes, label=label, seconds=expires)
    store.close()
    if as_json:
        print_json({"owner": owner, "scopes": list(scopes), "label": label, "expires_in_seconds": expires, "key": key})
    else:
        click.echo(key)


@keys.command("list")
@json_option
@home_option
@guarded
def list_keys(as_json: bool, home: str | None) -> None:
    """List all keys, oldest first. Their secrets are stored nowhere."""
    from app.events import iso
    from app.store import Store

    store = Store(settings_of(home).database_url)
    found = store.access.keys()
    store.close()
    times = ("created_at", "expires_at", "last_used_at", "revoked_at")
    if as_json:
        told = ("id", "owner", "scopes", "label", "is_open")
        print_json(
            [
                {name: getattr(row, name) for name in told} | {name: iso(getattr(row, name)) for name in times}
                for row in found
            ]
        )
        return
    table = plain_table("key", "owner", "scopes", "label", "open", "created", "expires", "last used", "revoked")
    for row in found:
        shown = [(iso(getattr(row, name)) or "")[:16].replace("T", " ") for name in times]
        table.add_row(row.id, row.owner, " ".join(row.scopes), row.label or "", "yes" if row.is_open else "no", *shown)
    console().print(table)


@keys.command()
@click.argument("key")
@json_option
@home_option
@guarded
def revoke(key: str, as_json: bool, home: str | None) -> None:
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
    print_json({"revoked": True}) if as_json else click.echo("Revoked.")
