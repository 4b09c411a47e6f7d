"""Commands that show what there is to run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from app.cli.common import asks_server, console, plain_table, print_json

if TYPE_CHECKING:
    from app.client import Client


@click.command()
@click.argument("strategy_id", required=False)
@asks_server
def strategies(client: Client, strategy_id: str | None, as_json: bool) -> None:
    """List the strategies, or show one with its parameters."""
    if strategy_id:
        found = client.strategy(strategy_id)
        print_json(found) if as_json else _show_strategy(found)
        return
    shelf = client.strategies()
    if as_json:
        print_json(shelf)
        return
    table = plain_table("strategy", "family", "what it does")
    for item in shelf:
        table.add_row(item["strategy_id"], item.get("family", ""), item.get("summary", ""))
    console().print(table)


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
