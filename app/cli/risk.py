"""What the paper book may lose, and how much of its limits is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from app.cli.common import asks_server, console, plain_table, print_json
from app.cli.figures import written

if TYPE_CHECKING:
    from app.client import Client

PARTS = ("var", "stress", "limits")


@click.command()
@click.option("--horizon", type=click.IntRange(1), default=1, show_default=True, help="Sessions ahead, of VaR.")
@asks_server
def risk(client: Client, *, horizon: int, as_json: bool) -> None:
    """Show what the paper book may lose, and what it uses of its limits."""
    found = {part: client.risk(part, **({"horizon": horizon} if part == "var" else {})) for part in PARTS}
    if as_json:
        print_json(found)
        return
    losses, screen = found["var"], console()
    screen.print(
        f"{losses['as_of'][:10]}: equity {losses['equity']:,.2f}, {losses['positions']} positions; the data are "
        f"{losses['quality']}. Losses over {horizon} session{'' if horizon == 1 else 's'}:"
    )
    screen.print(_losses(losses["figures"]))
    for reason in dict.fromkeys(item["reason"] for item in losses["figures"] if item["reason"]):
        screen.print(reason)
    screen.print()
    screen.print(_scenarios(found["stress"]["scenarios"]))
    screen.print()
    screen.print(_limits(found["limits"]["usage"]))


def _losses(figures: list[dict[str, Any]]) -> Any:
    table = plain_table("method", "level", "VaR", "of equity", "CVaR", "of equity")
    for item in figures:
        shown = [
            written(item[f"{name}{part}"], kind)
            for name in ("var", "cvar")
            for part, kind in (("", "money"), ("_fraction", "percent"))
        ]
        table.add_row(item["method"].replace("_", " "), f"{item['level']:.0%}", *shown)
    return table


def _scenarios(scenarios: list[dict[str, Any]]) -> Any:
    table = plain_table("scenario", "gain", "of equity")
    for item in scenarios:
        table.add_row(item["title"], f"{item['pnl']:+,.2f}", written(item["pnl_fraction"], "percent"))
    return table


def _limits(usage: list[dict[str, Any]]) -> Any:
    table = plain_table("limit", "of", "value", "at most", "used", "")
    for item in usage:
        of = " ".join(item[name] for name in ("dataset_id", "symbol", "strategy_id") if item[name])
        shown = (written(item["value"], "percent"), written(item["bound"], "percent"))
        used = written(item["utilisation"], "percent")
        table.add_row(item["limit"], of, *shown, used, item["status"] or item["reason"] or "no limit")
    return table
