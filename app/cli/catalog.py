"""Commands that show what there is to run, and what it says now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TextIO

import click

from app.cli import skeleton
from app.cli.common import Shown, asks_server, console, plain_table, print_json, read_object

if TYPE_CHECKING:
    from app.client import Client


@click.group(cls=Shown)
def strategies() -> None:
    """List the strategies, show one, or begin one of your own."""


strategies.add_command(skeleton.new)


@strategies.command()
@click.argument("strategy_id", required=False)
@asks_server
def show(client: Client, strategy_id: str | None, as_json: bool) -> None:
    """List the strategies, or show one with its parameters (the word `show` may be left out)."""
    if strategy_id:
        found = client.strategy(strategy_id)
        print_json(found) if as_json else _show_strategy(found)
        return
    said = client.api("GET", "/strategies")
    _show_shelf(said["strategies"], as_json=as_json)
    for item in said.get("broken", []):
        click.echo(f"{item['file']} is left out: {item['error']}", err=True)


@strategies.command()
@click.argument("document", type=click.File("r"))
@asks_server
def post(client: Client, document: TextIO, as_json: bool) -> None:
    """Post a strategy of expressions: a JSON file, or - for the input."""
    found = client.post_expression(read_object(document))
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['strategy_id']} is on the shelf, version {found['version']}.")
    click.echo(f"Run it:  queuant run {found['strategy_id']}")


def _show_shelf(shelf: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(shelf)
        return
    table = plain_table("strategy", "family", "what it does")
    for item in shelf:
        table.add_row(item["strategy_id"], item.get("family", ""), item.get("summary", ""))
    console().print(table)


@click.command()
@click.argument("strategy", required=False)
@click.option("--days", type=click.IntRange(1, 365), help="Of one strategy, what it said in the days up to its newest.")
@click.option("--follow", is_flag=True, help="Go on: a line for everything that is said from now on.")
@click.option("--symbol", help="With --follow: only of these (with commas).")
@asks_server
def signals(client: Client, *, strategy: str | None, days: int | None, as_json: bool, **live: Any) -> None:
    """Show what all strategies say now, or one of them."""
    if days and (live["follow"] or not strategy):
        raise click.UsageError("--days is for what one strategy has said: name it, and leave out --follow.")
    if live["symbol"] and not live["follow"]:
        raise click.UsageError("--symbol goes with --follow.")
    if live["follow"]:
        from app.cli.follow import tell_all

        wanted = {name: value for name, value in (("strategy", strategy), ("symbol", live["symbol"])) if value}
        tell_all(client.events("signals", filter=wanted), as_json=as_json)
        return
    found = client.signals(strategy, days=days)
    if as_json:
        print_json(found)
        return
    table = plain_table("strategy", "symbol", "of", "says", "strength", "conviction", "z", "new", "because")
    for item in found["signals"]:
        score = "-" if item["z_score"] is None else f"{item['z_score']:+.2f}"
        facts = (item["direction"], item["strength"], f"{item['conviction']:+.2f}", score, item["change"] or "")
        table.add_row(item["strategy_id"], item["symbol"], item["time"][:10], *facts, item["reason"])
    console().print(table)
    for item in found.get("missing", ()):
        console().print(f"{item['strategy_id']}: {item['message']}")


def _show_strategy(found: dict[str, Any]) -> None:
    screen = console()
    screen.print(f"{found['strategy_id']}: {found.get('summary', '')}\n")
    table = plain_table("parameter", "default", "allowed", "meaning")
    schema = found.get("parameters") or {}
    for name, field in schema.get("properties", {}).items():
        bounds = [str(field[end]) for end in ("minimum", "maximum") if end in field]
        allowed = ", ".join(map(str, field.get("enum", []))) or " to ".join(bounds) or field.get("type", "")
        table.add_row(name, json.dumps(field.get("default")), str(allowed), field.get("description", ""))
    screen.print(table)
