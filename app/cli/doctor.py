"""What is wrong with this installation."""

from __future__ import annotations

import click

from app.cli.common import console, guarded, home_option, json_option, plain_table, print_json, settings_of


@click.command()
@json_option
@home_option
@guarded
def doctor(as_json: bool, home: str | None) -> None:
    """Say what is wrong with this installation, and what helps. It changes nothing.

    Exit code 1 when there is a problem; a warning is none.
    """
    from app.doctor import examine
    from app.embedded.home import Home
    from app.monitoring import worst

    settings = settings_of(home)
    if not settings.redis_url:
        settings = settings.replace(redis_url=Home(settings.home).queue_url())
    found = examine(settings)
    if as_json:
        print_json({"status": worst(found), "checks": [vars(check) for check in found]})
    else:
        table = plain_table("check", "status", "what is so, or what helps")
        for check in found:
            table.add_row(check.name.replace("_", " "), check.status, check.detail)
        console().print(table)
    if worst(found) == "problem":
        raise click.exceptions.Exit(1)
