"""The `queuant` command. Importing it is light: each command imports what it needs when it runs."""

from __future__ import annotations

import click

from app.cli import (
    admin,
    bench,
    book,
    catalog,
    comparing,
    completing,
    data,
    demo,
    doctor,
    follow,
    jobs,
    report,
    risk,
    roles,
    search,
    worlds,
)

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Ordered(click.Group):
    """Lists its commands in the order in which a newcomer meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from engine import ENGINE_VERSION

        click.echo(f"queuant {ENGINE_VERSION}")
        ctx.exit()


@click.group(cls=Ordered, context_settings=_CONTEXT)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show it.")
def cli() -> None:
    """Queuant: POST a backtest, a worker runs it, hear it live.

    Exit codes: 0 fine, 1 the job failed, 2 wrong usage, 3 the server cannot be reached,
    130 stopped with Ctrl-C.
    """


for command in (
    demo.demo,
    roles.serve,
    jobs.run,
    search.sweep,
    search.walkforward,
    jobs.montecarlo,
    jobs.portfolio,
    jobs.jobs,
    jobs.result,
    comparing.compare,
    jobs.cancel,
    catalog.strategies,
    data.data,
    catalog.signals,
    follow.alerts,
    book.book,
    risk.risk,
    report.report,
    worlds.synthesize,
    roles.api,
    roles.relay,
    roles.worker,
    roles.supervisor,
    doctor.doctor,
    admin.db,
    admin.keys,
    bench.bench,
    completing.completion,
):
    cli.add_command(command)


def main() -> None:
    """Entry point of the `queuant` script."""
    cli(prog_name="queuant")
