"""Commands about datasets: what there is, uploads, and data from sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.common import Shown, asks_server, console, key_values, plain_table, print_json

if TYPE_CHECKING:
    from app.client import Client


@click.group(cls=Shown)
def data() -> None:
    """List the datasets, show one, upload one, fetch one from a source, or compose one of others."""


@data.command()
@click.argument("dataset", required=False)
@asks_server
def show(client: Client, dataset: str | None, as_json: bool) -> None:
    """List the datasets, or show one."""
    if dataset:
        one = client.api("GET", f"/datasets/{dataset}")
        print_json(one) if as_json else _show_fields(one)
        return
    found = client.datasets()
    if as_json:
        print_json(found)
        return
    table = plain_table("dataset", "quality", "frequency", "from", "to", "symbols")
    for item in found:
        names = item["symbols"]
        shown = " ".join(names[:6]) + (f" … ({len(names)})" if len(names) > 6 else "")
        table.add_row(item["dataset_id"], item["quality"], item["frequency"], item["start"], item["end"], shown)
    console().print(table)


@data.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="Becomes the dataset's id.")
@click.option("--frequency", help="[default: as the times are spaced]")
@click.option("--calendar", help="Which sessions there are.")
@click.option("--units", help="What the numbers are in.")
@click.option("--source", help="Where the numbers are from.")
@click.option("--licence", help="What may be done with them.")
@click.option("--quality", type=click.Choice(["real", "proxy", "synthetic"]), help="What they are [default: real].")
@asks_server
def upload(client: Client, *, file: Path, name: str, as_json: bool, **said: str | None) -> None:
    """Upload a CSV or Parquet file of bars, series or calendars."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    meaning = {field: value for field, value in said.items() if value is not None}
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True, disable=as_json) as progress:
        task = progress.add_task(f"Sending {file.name}", total=file.stat().st_size)

        def sent(done: int, total: int) -> None:
            progress.update(task, completed=done, description="Reading" if done == total else f"Sending {file.name}")

        found = client.upload(file, name=name, progress=sent, **meaning)
    if as_json:
        print_json(found)
        return
    show_dataset(found, found["warnings"])


@data.command()
@asks_server
def sources(client: Client, as_json: bool) -> None:
    """List the sources that data can be fetched from."""
    found = client.sources()
    if as_json:
        print_json(found)
        return
    table = plain_table("source", "what", "some of it", "needs")
    for item in found:
        missing = "" if item["installed"] else f"pip install {item['source']}"
        table.add_row(item["source"], item["title"], " ".join(item["known"][:4]) + " …", missing)
    console().print(table)


@data.command()
@click.argument("source")
@click.argument("items", nargs=-1, required=True)
@click.option("--name", required=True, help="Id of the dataset that it becomes.")
@click.option("--start", "start_date", help="First day, YYYY-MM-DD [default: as early as the source begins].")
@click.option("--end", "end_date", help="Last day, YYYY-MM-DD [default: yesterday].")
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the source.")
@click.option("--fresh", is_flag=True, help="Ask again even if the same request has succeeded today.")
@asks_server
def fetch(
    client: Client, *, source: str, items: tuple[str, ...], params: tuple[str, ...], as_json: bool, **given: Any
) -> None:
    """Fetch symbols or series from a source, as a job, and wait for it."""
    asked = {name: value for name, value in given.items() if value is not None}
    job = client.fetch(source, items, params=key_values(params, "--param"), **asked).wait()
    found = job.result().data
    print_json(found) if as_json else show_dataset(found["dataset"], found["warnings"])


@data.command()
@click.argument("name")
@click.argument("datasets", nargs=-1, required=True)
@click.option("--rename", multiple=True, metavar="OLD=NEW", help="Call a series or symbol otherwise: ^BVSP=IBOV.")
@click.option("--fresh", is_flag=True, help="Compose again even if the same request has succeeded before.")
@asks_server
def compose(
    client: Client, *, name: str, datasets: tuple[str, ...], rename: tuple[str, ...], fresh: bool, as_json: bool
) -> None:
    """Make NAME of the series of DATASETS, with prices of what macro strategies trade, and wait for it."""
    job = client.compose(name, datasets, rename=_renamed(rename), fresh=fresh).wait()
    found = job.result().data
    print_json(found) if as_json else show_dataset(found["dataset"], found["warnings"])


def _renamed(pairs: tuple[str, ...]) -> dict[str, str]:
    """`BRL=X=USDBRL` as {"BRL=X": "USDBRL"}: it is the symbols of sources that have a = in them."""
    found: dict[str, str] = {}
    for pair in pairs:
        old, _, new = pair.rpartition("=")
        if not old or not new:
            raise click.BadParameter(f"'{pair}' is not OLD=NEW", param_hint="--rename")
        found[old] = new
    return found


def show_dataset(found: dict[str, Any], warnings: list[str]) -> None:
    """A dataset in a line, and what a reader should know."""
    what = "series" if found["kind"] == "series" else "symbol" if len(found["symbols"]) == 1 else "symbols"
    of = f"{len(found['symbols']):,} {what}" if found["symbols"] else f"the calendars {', '.join(found['calendars'])}"
    click.echo(
        f"{found['dataset_id']}@{found['version']}: {found['bars']:,} {found['frequency']} times of {of}, "
        f"{found['start']} to {found['end']}"
    )
    for warning in warnings:
        click.echo(f"! {warning}")


def _show_fields(one: dict[str, Any]) -> None:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    for name, value in one.items():
        if not isinstance(value, dict):
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            grid.add_row(name, text)
    console().print(grid)
