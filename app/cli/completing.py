"""Completion by the shell: `queuant completion bash` prints what to source; names come from the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.client import Client

_SHELLS = ("bash", "zsh", "fish")
Complete = Callable[[click.Context, click.Parameter, str], list[str]]


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print the script that completes commands and names: `eval "$(queuant completion bash)"`."""
    from click.shell_completion import get_completion_class

    from app.cli import cli

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - the choices are those that click knows
    click.echo(found(cli, {}, "queuant", "_QUEUANT_COMPLETE").source())


def _names(of: Callable[[Client], Iterable[str]]) -> Complete:
    """A completion by what the server has. Where none answers nothing is completed: a shell has no place for errors."""

    def complete(ctx: click.Context, _: click.Parameter, begun: str) -> list[str]:
        from app.client import Client, ClientError

        try:
            with Client(ctx.params.get("url"), home=ctx.params.get("home")) as client:
                return [name for name in of(client) if name.startswith(begun)]
        except ClientError:
            return []

    return complete


complete_strategies = _names(lambda client: (item["strategy_id"] for item in client.strategies()))
complete_datasets = _names(lambda client: (item["dataset_id"] for item in client.datasets()))
complete_jobs = _names(lambda client: (job.id for job in client.jobs(limit=50)))
