"""The daily report, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.common import Shown, asks_server, print_json

if TYPE_CHECKING:
    from app.client import Client

date_option = click.option("--date", "day", metavar="YYYY-MM-DD", help="Of this day [default: the newest one].")


@click.group(cls=Shown)
def report() -> None:
    """Show the report of a day, or make it."""


@report.command()
@date_option
@asks_server
def show(client: Client, *, day: str | None, as_json: bool) -> None:
    """Show a report that is there (the word `show` may be left out)."""
    _print(client.report(day), as_json=as_json)


@report.command()
@date_option
@asks_server
def make(client: Client, *, day: str | None, as_json: bool) -> None:
    """Make the report of a day that is over, where nobody has, and show it."""
    _print(client.report(day, make=True), as_json=as_json)


def _print(found: dict[str, object], *, as_json: bool) -> None:
    from app.reports import text

    if as_json:
        print_json(found)
    else:
        click.echo(text.markdown(found), nl=False)
