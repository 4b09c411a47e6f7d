"""Results side by side, and what is alike about them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from app.cli.common import USAGE, asks_server, console, plain_table, print_json
from app.cli.completing import complete_jobs
from app.cli.figures import metrics_table, written

if TYPE_CHECKING:
    from app.client import Client

_MOST_PAIRS = 20


@click.command()
@click.argument("job_ids", nargs=-1, required=True, metavar="JOB...", shell_complete=complete_jobs)
@asks_server
def compare(client: Client, job_ids: Sequence[str], *, as_json: bool) -> None:
    """Show results side by side, and how far their Sharpe ratios differ."""
    found = client.compare(job_ids=list(job_ids))
    if as_json:
        print_json(found)
        return
    screen = console()
    if results := [client.job(row["job_id"]).result().data for row in found["rows"]]:
        screen.print(metrics_table(results))
    if found["pairs"]:
        screen.print()
        screen.print(_pairs_table(found["pairs"][:_MOST_PAIRS]))
    if len(found["pairs"]) > _MOST_PAIRS:
        screen.print(f"… and {len(found['pairs']) - _MOST_PAIRS:,} pairs more (--json has all)")
    for missing in found["missing"]:
        click.echo(f"{missing['id']}: {missing['message']}", err=True)
    if not found["rows"]:
        sys.exit(USAGE)


def _pairs_table(pairs: Sequence[Mapping[str, Any]]) -> Any:
    """Two jobs a row: the difference of their Sharpe ratios with its interval, and how alike they moved."""
    table = plain_table("pair", "difference of Sharpe", "95% interval", "p", "correlation", "drawdowns overlap")
    for pair in pairs:
        low, high = pair["interval"] or (None, None)
        table.add_row(
            f"{pair['a'][:8]} − {pair['b'][:8]}",
            *(written(pair["sharpe_difference"]), "-" if low is None else f"{low:+.2f} to {high:+.2f}"),
            *(written(pair[name]) for name in ("p_value", "correlation", "drawdown_overlap")),
        )
    return table
