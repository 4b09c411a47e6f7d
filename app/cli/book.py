"""The paper book: where it stands, and the proof that its ledger says the same."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from app.cli.common import (
    Shown,
    asks_server,
    console,
    fail,
    guarded,
    home_option,
    json_option,
    plain_table,
    print_json,
    settings_of,
)
from app.cli.figures import written

if TYPE_CHECKING:
    from app.client import Client

DIFFERS = 1


@click.group(cls=Shown)
def book() -> None:
    """Show the paper book, or check it."""


@book.command()
@asks_server
def show(client: Client, as_json: bool) -> None:
    """Show what the paper book holds (the word `show` may be left out)."""
    found = client.book()
    if as_json:
        print_json(found)
        return
    gain = f"{found['pnl']['total']:+,.2f} since {found['capital']:,.0f}, {found['pnl']['day']:+,.2f} on the day"
    screen = console()
    screen.print(f"{found['as_of'][:10]}: equity {found['equity']:,.2f} ({gain}), cash {found['cash']:,.2f}")
    exposure = (written(found[name], "percent") for name in ("gross_exposure", "net_exposure", "drawdown"))
    if found["halted"]:
        screen.print(f"It stands still: {found['halted']['message']}")
    screen.print("Gross {}, net {}, drawdown {}; the data are {}.".format(*exposure, found["quality"]))
    table = plain_table("symbol", "of", "quantity", "price", "value", "weight", "gain", "data")
    for item in found["positions"]:
        amounts = (f"{item['quantity']:,.4f}", f"{item['price']:,.4f}", f"{item['value']:,.2f}")
        rest = (written(item["weight"], "percent"), f"{item['pnl']:+,.2f}", item["quality"])
        table.add_row(item["symbol"], item["dataset_id"], *amounts, *rest)
    screen.print(table)


@book.command()
@click.confirmation_option(prompt="The ledger of the paper book will be removed. Go on?")
@asks_server
def close(client: Client, as_json: bool) -> None:
    """Remove the ledger; the next signals open the book anew, made up as it is."""
    client.close_book()
    if as_json:
        print_json({"closed": True})
    else:
        click.echo("The paper book is closed.")


@book.command()
@json_option
@home_option
@guarded
def check(as_json: bool, home: str | None) -> None:
    """Add up the ledger from the capital on, and compare it with every mark and the state, to the last bit.

    It asks the database, not a server, and changes nothing.
    """
    from app import proof
    from app.store import Store

    store = Store(settings_of(home).database_url)
    found = proof.prove(store)
    store.close()
    if as_json:
        print_json(found and vars(found))
        sys.exit(DIFFERS if found and found.differences else 0)
    if found is None:
        click.echo("The paper book has not been opened yet.")
        return
    if found.differences:
        fail("\n".join(found.differences[:20]), DIFFERS)
    text = f"{found.marks} marks and {found.fills} fills give cash {found.cash:,.2f} and equity {found.equity:,.2f}"
    click.echo(f"{text}, to the last bit.")
