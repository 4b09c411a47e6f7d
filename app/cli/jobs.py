"""Commands about jobs: run a backtest, list jobs, read a result, cancel."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from app.cli.common import asks_server, console, key_values, plain_table, print_json
from app.cli.data import say

if TYPE_CHECKING:
    from app.client import Client, Job


@click.command()
@click.argument("strategy_id", metavar="STRATEGY")
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the strategy.")
@click.option("--dataset", help="Dataset id, or id@version [default: the strategy's own].")
@click.option("--symbols", help="Comma-separated [default: the strategy's own].")
@click.option("--start", "start_date", help="First day, YYYY-MM-DD.")
@click.option("--end", "end_date", help="Last day, YYYY-MM-DD.")
@click.option("--fill", help="next_open, next_close or same_close.")
@click.option("--commission-bps", type=float)
@click.option("--slippage-bps", type=float)
@click.option("--capital", "initial_capital", type=float, help="Initial capital.")
@click.option("-c", "--config", "config", multiple=True, metavar="NAME=VALUE", help="Any other config field.")
@click.option("--tag", "tags", multiple=True, help="A word to find the job by.")
@click.option("--fresh", is_flag=True, help="Run it again even if the same request was answered before.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait and show the result.")
@asks_server
def run(
    client: Client,
    *,
    strategy_id: str,
    params: tuple[str, ...],
    symbols: str | None,
    config: tuple[str, ...],
    tags: tuple[str, ...],
    wait: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Run a backtest and show its figures."""
    simulation = key_values(config, "--config")
    simulation |= {
        name: value for name in ("fill", "commission_bps", "slippage_bps") if (value := given.pop(name)) is not None
    }
    fields = {name: value for name, value in given.items() if value is not None}
    if simulation:
        fields["config"] = simulation
    if tags:
        fields["tags"] = list(tags)
    chosen = [name.strip() for name in symbols.split(",")] if symbols else None
    submit = {"params": key_values(params, "--param") or None, "symbols": chosen, **fields}
    with ExitStack() as held:
        job = _run(client, held, strategy_id, submit, wait=wait, quiet=as_json)
    if not wait:
        print_json(job.state) if as_json else click.echo(f"{job.id}  {job.status}")
        return
    _show_result(client, job, as_json=as_json)


@click.command("jobs")
@click.option("--status", help="queued, running, succeeded, failed or cancelled.")
@click.option("--strategy", "strategy_id", help="Only this strategy.")
@click.option("--tag", help="Only jobs with this tag.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@asks_server
def jobs(client: Client, *, as_json: bool, limit: int, **filters: str | None) -> None:
    """List jobs, newest first."""
    wanted = {name: value for name, value in filters.items() if value}
    found = client.jobs(limit=limit, **wanted)
    if as_json:
        print_json([job.state for job in found])
        return
    if not found:
        click.echo("No jobs. Try `queuant run sma_cross`.")
        return
    table = plain_table("job", "strategy", "dataset", "status", "created", "ms", "error")
    for job in found:
        state = job.state
        took = state.get("compute_ms")
        error = (state.get("error") or {}).get("message", "")
        table.add_row(
            *(job.id, state.get("strategy_id") or "", state.get("dataset_id") or "", job.status),
            *(state["created_at"][:19].replace("T", " "), f"{took:.0f}" if took is not None else "", error),
        )
    console().print(table)


@click.command()
@click.argument("job_id")
@asks_server
def result(client: Client, job_id: str, as_json: bool) -> None:
    """Show the result of a job."""
    _show_result(client, client.job(job_id), as_json=as_json)


@click.command()
@click.argument("job_id")
@asks_server
def cancel(client: Client, job_id: str, as_json: bool) -> None:
    """Ask a job to stop."""
    job = client.job(job_id).cancel()
    print_json(job.state) if as_json else click.echo(f"{job.id}  {job.status}")


def _run(client: Client, held: ExitStack, strategy_id: str, submit: dict[str, Any], *, wait: bool, quiet: bool) -> Job:
    from app.cli.follow import follow, open_ears

    listener = open_ears(client, held) if wait and not quiet else None
    job = client.backtest(strategy_id, **submit)
    if not wait:
        return job
    if listener is not None:
        follow(listener, job)
    elif not quiet:
        click.echo(f"  No relay at {client.live_url}; asking the API instead.", err=True)
    return job.wait()


def _show_result(client: Client, job: Job, *, as_json: bool) -> None:
    from app.cli.figures import metrics_table
    from app.client import JobFailed

    if job.status in ("failed", "cancelled"):
        raise JobFailed(job.state)
    found = job.result()
    if as_json:
        print_json(found.data)
        return
    if found.data.get("kind") in ("fetch", "compose"):
        say(found.data["dataset"], found.warnings)
        return
    screen = console()
    screen.print(metrics_table([found.data]))
    for warning in found.warnings:
        screen.print(f"! {warning}")
    cached = " (answered from the store)" if job.cached else ""
    screen.print(f"\njob {job.id}{cached}\n{client.url}/api/v1/jobs/{job.id}/result", soft_wrap=True)
