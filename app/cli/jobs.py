"""Commands about jobs: run a backtest, list jobs, read a result, cancel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import reduce
from typing import TYPE_CHECKING, Any, TextIO

import click

from app.cli.common import (
    INTERRUPTED,
    Shown,
    asks_server,
    console,
    fail,
    key_values,
    plain_table,
    print_json,
    read_object,
)
from app.cli.completing import complete_datasets, complete_jobs, complete_strategies
from app.cli.data import show_dataset

if TYPE_CHECKING:
    from app.client import Client, Job


_RUN = (
    click.argument("strategy_id", metavar="STRATEGY", shell_complete=complete_strategies),
    click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the strategy."),
    click.option(
        "--dataset",
        shell_complete=complete_datasets,
        help="Dataset id, or id@version [default: the strategy's own].",
    ),
    click.option("--symbols", help="Comma-separated [default: the strategy's own]."),
    click.option("--start", "start_date", help="First day, YYYY-MM-DD."),
    click.option("--end", "end_date", help="Last day, YYYY-MM-DD."),
    click.option("--fill", help="next_open, next_close or same_close."),
    click.option("--commission-bps", type=float, help="In hundredths of a percent of what is traded."),
    click.option("--slippage-bps", type=float, help="How much worse a fill is than its price, likewise."),
    click.option("--capital", "initial_capital", type=float, help="Initial capital."),
    click.option("-c", "--config", "config", multiple=True, metavar="NAME=VALUE", help="Any other config field."),
    click.option("--benchmark", help="A symbol to compare with."),
    click.option("--seed", type=int, help="Of what is drawn at random."),
    click.option("--tag", "tags", multiple=True, help="A word to find the job by."),
    click.option("--fresh", is_flag=True, help="Run it again even if the same request was answered before."),
    click.option("--wait/--no-wait", default=True, show_default=True, help="Wait and show the result."),
)


def describes_run(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that describe a backtest, and `wait`."""
    return reduce(lambda made, option: option(made), reversed(_RUN), command)


@click.command()
@describes_run
@asks_server
def run(client: Client, *, strategy_id: str, wait: bool, as_json: bool, **given: Any) -> None:
    """Run a backtest and show its figures."""
    fields = fields_of(given)
    follow_job(client, lambda: client.backtest(strategy_id, **fields), wait=wait, as_json=as_json)


@click.command()
@describes_run
@click.option("--method", default="stationary", show_default=True, help="Or circular, trades, parameters, costs.")
@click.option("--paths", type=int, help="How many.")
@click.option("--block", type=float, help="Length of a block in bars [default: by the rule of Politis and White].")
@click.option("--horizon", type=int, help="Bars of a path of blocks [default: as long as the run].")
@click.option("--replacement", is_flag=True, default=None, help="Draw trades with replacement.")
@click.option("--jitter", type=float, help="How far a parameter strays, as a fraction of it.")
@click.option("--stress", type=float, help="The largest multiple of the costs.")
@click.option("--ruin", type=float, help="The fraction of the initial capital that counts as ruin.")
@asks_server
def montecarlo(client: Client, *, strategy_id: str, wait: bool, as_json: bool, **given: Any) -> None:
    """Show what else a backtest could have looked like."""
    fields = fields_of(given)
    follow_job(client, lambda: client.montecarlo(strategy_id, **fields), wait=wait, as_json=as_json)


def fields_of(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request that options have given."""
    config = key_values(given.pop("config"), "--config")
    config |= {
        name: value for name in ("fill", "commission_bps", "slippage_bps") if (value := given.pop(name)) is not None
    }
    symbols, tags = given.pop("symbols"), given.pop("tags")
    made = {
        "params": key_values(given.pop("params"), "--param"),
        "symbols": [name.strip() for name in symbols.split(",")] if symbols else None,
        "config": config,
        "tags": list(tags),
    }
    return {name: value for name, value in given.items() if value is not None} | {k: v for k, v in made.items() if v}


@click.command()
@click.argument("book", type=click.File("r"))
@click.option("--fresh", is_flag=True, help="Run it again even if the same request was answered before.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait and show the result.")
@asks_server
def portfolio(client: Client, *, book: TextIO, fresh: bool, wait: bool, as_json: bool) -> None:
    """Run the portfolio that a JSON file describes (- reads it from the input), and show its figures."""
    body = read_object(book)
    if not isinstance(body.get("strategies"), list):
        raise click.BadParameter(f"{book.name} needs an object with a list of strategies")
    if own := sorted({"fresh", "idempotency_key"} & body.keys()):
        raise click.BadParameter(f"{book.name} has {', '.join(own)}, which no request for a portfolio has")
    follow_job(client, lambda: client.portfolio(**body, fresh=fresh), wait=wait, as_json=as_json)


@click.group(cls=Shown, default="list")
def jobs() -> None:
    """List jobs, or watch one (the word `list` may be left out)."""


@jobs.command()
@click.argument("job_id", shell_complete=complete_jobs)
@asks_server
def watch(client: Client, job_id: str, as_json: bool) -> None:
    """Follow a job to its end, from its first event on."""
    from app.cli.follow import tell_all

    tell_all(client.watch(client.job(job_id).id), as_json=as_json)


@jobs.command("list")
@click.option("--status", help="queued, running, succeeded, failed or cancelled.")
@click.option("--strategy", "strategy_id", help="Only this strategy.")
@click.option("--tag", help="Only jobs with this tag.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most.")
@asks_server
def list_jobs(client: Client, *, as_json: bool, limit: int, **filters: str | None) -> None:
    """List jobs, newest first."""
    wanted = {name: value for name, value in filters.items() if value}
    found = client.jobs(limit=limit, **wanted)
    if as_json:
        print_json([job.state for job in found])
        return
    if not found:
        click.echo("No jobs. Try `queuant run sma_cross`.")
        return
    screen = console()
    names = list(_COLUMNS) if screen.width >= _WIDE else ["job", "kind", "strategy", "status"]
    table = plain_table(*names)
    for job in found:
        table.add_row(*(_COLUMNS[name](job.state) for name in names))
    screen.print(table)


def _took(state: Mapping[str, Any]) -> str:
    milliseconds = state.get("compute_ms")
    return "" if milliseconds is None else f"{milliseconds:.0f}"


_WIDE = 110
_COLUMNS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "job": lambda state: str(state["job_id"]),
    "kind": lambda state: str(state["kind"]),
    "strategy": lambda state: state.get("strategy_id") or "",
    "dataset": lambda state: state.get("dataset_id") or "",
    "status": lambda state: str(state["status"]),
    "created": lambda state: str(state["created_at"][:19].replace("T", " ")),
    "ms": _took,
    "error": lambda state: (state.get("error") or {}).get("message", ""),
}


@click.command()
@click.argument("job_id", shell_complete=complete_jobs)
@click.option(
    *("--html", "page"),
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write its report as a page (- writes it to the output).",
)
@asks_server
def result(client: Client, job_id: str, *, page: str | None, as_json: bool) -> None:
    """Show the result of a job, or write its report."""
    job = client.job(job_id)
    if page is None:
        _show_result(client, job, as_json=as_json)
        return
    report = job.result().report_html()
    with click.open_file(page, "wb") as file:
        file.write(report)
    if page != "-":
        click.echo(f"The report is in {page}.", err=as_json)


@click.command()
@click.argument("job_id", shell_complete=complete_jobs)
@asks_server
def cancel(client: Client, job_id: str, as_json: bool) -> None:
    """Ask a job to stop."""
    job = client.job(job_id).cancel()
    print_json(job.state) if as_json else click.echo(f"{job.id}  {job.status}")


def follow_job(client: Client, submit: Callable[[], Job], *, wait: bool, as_json: bool) -> None:
    """Queue a job, follow it to its end where that is asked for, and show what there is."""
    with ExitStack() as held:
        job = _followed(client, held, submit, wait=wait, quiet=as_json)
    if not wait:
        print_json(job.state) if as_json else click.echo(f"{job.id}  {job.status}")
        return
    _show_result(client, job, as_json=as_json)


def _followed(client: Client, held: ExitStack, submit: Callable[[], Job], *, wait: bool, quiet: bool) -> Job:
    from app.cli.follow import follow, open_ears, told

    listener = open_ears(client, held) if wait and not quiet else None
    job = submit()
    if not wait:
        return job
    try:
        if listener is not None:
            follow(listener, job)
        elif not quiet:
            click.echo(f"  No relay at {client.live_url}; asking the API instead.", err=True)
        return job.wait(progress=False if quiet else lambda news: click.echo(f"  {told(news)}", err=True))
    except KeyboardInterrupt:
        hint = f"`queuant result {job.id}` shows its result, `queuant cancel {job.id}` stops it."
        fail(f"The job goes on. {hint}", INTERRUPTED)


def _show_result(client: Client, job: Job, *, as_json: bool) -> None:
    from app.cli.figures import metrics_table, paths_table, sleeves_table
    from app.cli.found import SEARCHES
    from app.client import JobFailed

    if job.status in ("failed", "cancelled"):
        raise JobFailed(job.state)
    found = job.result()
    if as_json:
        print_json(found.data)
        return
    if found.data.get("kind") in ("fetch", "compose"):
        show_dataset(found.data["dataset"], found.warnings)
        return
    screen = console()
    if "metrics" in found.data:  # where no trial keeps to the constraints there is no run to show
        screen.print(metrics_table([found.data]))
    for kind in SEARCHES.keys() & found.data.keys():
        screen.print()
        for part in SEARCHES[kind](found.data[kind]):
            screen.print(part)
    if "montecarlo" in found.data:
        screen.print()
        screen.print(paths_table(found.montecarlo))
        screen.print(f"\n{found.montecarlo['meaning']} {found.montecarlo['caveat']}")
    if "portfolio" in found.data:
        screen.print()
        screen.print(sleeves_table(found.data["portfolio"]["sleeves"]))
    for warning in found.warnings:
        screen.print(f"! {warning}")
    cached = " (answered from the store)" if job.cached else ""
    screen.print(f"\njob {job.id}{cached}\n{client.url}/#/job/{job.id}", soft_wrap=True)
