"""Start one role: `python -m workers worker --concurrency 2` or `python -m workers supervisor`."""

from __future__ import annotations

import os

# SIGTERM must let running jobs finish for the grace period and then hand them back. Celery calls that a soft
# shutdown and does it on SIGQUIT; this is its switch, and it is read when billiard is first imported.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")

import click

from app.errors import StartRefused
from app.settings import Settings


@click.group()
def main() -> None:
    """Processes that work on jobs."""


@main.command()
@click.option("--concurrency", type=click.IntRange(1, 256), default=None, help="Worker processes; default: cores.")
def worker(concurrency: int | None) -> None:
    """Run jobs from the queue."""
    from workers.node import run_worker

    run_worker(Settings.from_env(), concurrency=concurrency or os.cpu_count() or 1)


@main.command()
def supervisor() -> None:
    """Give back the jobs of lost workers and ring for jobs whose doorbell was lost."""
    from workers.supervisor import run_supervisor

    run_supervisor(Settings.from_env())


if __name__ == "__main__":
    try:
        main()
    except StartRefused as error:
        raise SystemExit(f"queuant: {error.message}") from error
