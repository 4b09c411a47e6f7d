"""Commands that run the platform: everything at once, or one role."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from app.cli.common import guarded, home_option, settings_of

if TYPE_CHECKING:
    from app.embedded.server import EmbeddedServer
    from app.settings import Settings

DEFAULT_WORKERS = 2

host_option = click.option("--host", help="Address to listen on [default: 127.0.0.1].")
port_option = click.option("--port", type=click.IntRange(1, 65535), help="Port of the API [default: 8000].")
workers_option = click.option(
    "--workers", type=click.IntRange(1, 256), default=DEFAULT_WORKERS, show_default=True, help="Worker processes."
)


@click.command()
@host_option
@port_option
@workers_option
@home_option
@guarded
def serve(host: str | None, port: int | None, workers: int, home: str | None) -> None:
    """Run everything in the foreground. API, relay, workers, supervisor, queue and database."""
    from app.embedded.server import greeting

    server = make_server(home=home, host=host, port=port, workers=workers)
    try:
        server.start()
        say("")
        say("Queuant is running.")
        for line in greeting_lines(greeting(server)):
            say(line)
        say("")
        say("Stop with Ctrl-C.")
    except KeyboardInterrupt:
        say("Stopped before it was ready.")
        return
    try:
        server.serve()
    finally:
        stop(server)


@click.command()
@guarded
def api() -> None:
    """Run one API process. It needs REDIS_URL and DATABASE_URL."""
    from app.web.server import run_api

    run_api(joined_settings(public=True))


@click.command()
@guarded
def relay() -> None:
    """Run one relay process. It serves WebSockets to many clients."""
    from app.web.server import run_relay

    run_relay(joined_settings(public=True))


@click.command()
@click.option("--concurrency", type=click.IntRange(1, 256), help="Worker processes [default: cores].")
@guarded
def worker(concurrency: int | None) -> None:
    """Run one worker node. Start as many as you like, on any machine."""
    _become("worker", *(["--concurrency", str(concurrency)] if concurrency else []))


@click.command()
@guarded
def supervisor() -> None:
    """Run one supervisor. It takes jobs from lost workers and rings again for lost messages.

    It has signals made, lets the paper book follow them, raises and sends alerts, and writes the daily report.
    """
    _become("supervisor")


def make_server(*, home: str | None, host: str | None, port: int | None, workers: int) -> EmbeddedServer:
    """An embedded server that keeps to the ports that somebody asked for."""
    from app import precautions
    from app.depot import depot_of
    from app.embedded.server import Asked, EmbeddedServer
    from app.settings import is_asked_for

    asked = Asked(
        port=port is not None or is_asked_for("QUEUANT_PORT"),
        relay_port=is_asked_for("QUEUANT_RELAY_PORT"),
    )
    settings = settings_of(home, host=host, port=port)
    precautions.check(settings)
    depot_of(settings)  # what is no address is told here, and not by a child
    return EmbeddedServer(settings, workers=workers, asked=asked, say=say)


def stop(server: EmbeddedServer) -> None:
    say("Stopping: running jobs may finish, the others wait for the next start (Ctrl-C again ends at once) ...")
    server.stop()
    say("Stopped.")


def greeting_lines(facts: dict[str, Any]) -> list[str]:
    return [
        "",
        f"  API      {facts['api']}",
        f"  Docs     {facts['docs']}",
        f"  Page     {facts['page']}",
        "           (opens once, within ten minutes; the key opens it again later)",
        f"  Live     {facts['live']}",
        f"  Key      {facts['key']}",
        f"  Logs     {facts['logs']}",
    ]


def say(text: str) -> None:
    """Speak to the terminal, even to one that has been closed meanwhile."""
    try:
        print(text, flush=True)  # noqa: T201
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - it stays open until the end


def joined_settings(*, public: bool = False) -> Settings:
    """Settings of a single role. Without REDIS_URL it joins the server that runs in the home folder."""
    from app import precautions
    from app.depot import depot_of
    from app.embedded.home import Home
    from app.errors import StartRefused

    settings = settings_of()
    home = Home(settings.home)
    if not settings.redis_url:
        settings = settings.replace(redis_url=home.queue_url())
    if not settings.redis_url:
        raise StartRefused("Set REDIS_URL to the queue server, or start everything at once with `queuant serve`.")
    precautions.check(settings, public=public)
    depot_of(settings)
    home.claim()
    return settings


def _become(*role: str) -> NoReturn:
    """Turn into a process of `workers`, which this package does not import."""
    environment = joined_settings().environment()
    os.execve(sys.executable, [sys.executable, "-P", "-m", "workers", *role], environment)  # noqa: S606
