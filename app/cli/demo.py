"""`queuant demo`: the whole platform and two real backtests, live, in one command."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from app.cli.common import console, guarded, home_option
from app.cli.roles import greeting_lines, make_server, port_option, say, stop, workers_option

if TYPE_CHECKING:
    from app.client import Job
    from app.client.live import Listener
    from app.embedded.server import EmbeddedServer

# The same rule on two real markets, beside each other.
BACKTESTS: tuple[dict[str, Any], ...] = (
    {"strategy_id": "sma_cross", "dataset": "fx_daily", "symbols": ["EURUSD"]},
    {"strategy_id": "sma_cross", "dataset": "sp500_daily"},
)


@click.command()
@click.option("--once", is_flag=True, help="Stop everything after the figures are shown.")
@port_option
@workers_option
@home_option
@guarded
def demo(once: bool, port: int | None, workers: int, home: str | None) -> None:
    """See it work. Starts everything, runs two real backtests live, and keeps serving."""
    started = time.monotonic()
    say(f"Starting the queue, {workers} worker processes, the API, the relay and the supervisor ...")
    server = make_server(home=home, host=None, port=port, workers=workers)
    try:
        server.start()
    except KeyboardInterrupt:
        say("Stopped before it was ready.")
        return
    say(f"Ready after {time.monotonic() - started:.1f} s at {server.settings.api_url}")
    try:
        failed = _Show(server, started, once=once).run()
    finally:
        stop(server)
    if failed is not None:
        raise failed


class _Show:
    """The demo speaks to the server like any client; meanwhile the main thread keeps the processes."""

    def __init__(self, server: EmbeddedServer, started: float, *, once: bool) -> None:
        self._server = server
        self._started = started
        self._once = once
        self._failed: Exception | None = None

    def run(self) -> Exception | None:
        threading.Thread(target=self._guarded, name="demo", daemon=True).start()
        self._server.serve()
        return self._failed

    def _guarded(self) -> None:
        from app.client.errors import ClientError

        try:
            self._perform()
        except ClientError as error:
            self._failed = error
        finally:
            if self._once or self._failed is not None:
                self._server.ask_to_stop()

    def _perform(self) -> None:
        from app.cli.figures import metrics_table
        from app.client import Client

        settings = self._server.settings
        with ExitStack() as held:
            client = held.enter_context(
                Client(settings.api_url, self._server.key, live_url=settings.live_url),
            )
            listener = held.enter_context(client.listen())
            jobs = [client.backtest(**request, fresh=True) for request in BACKTESTS]
            say(f"\nPosted {len(jobs)} backtests; listening at {settings.live_url}/ws/jobs")
            heard = _listen(listener, jobs)
            results = [job.wait().result().data for job in jobs]
        say(f"\n{heard} messages came over the WebSocket.\n")
        console().print(metrics_table(results))
        self._say_where()

    def _say_where(self) -> None:
        from app.embedded.server import greeting

        for line in greeting_lines(greeting(self._server)):
            say(line)
        say(f"\nThis took {time.monotonic() - self._started:.1f} s.")
        if not self._once:
            say("Everything keeps running: open the page, or try `./run run sma_cross -p fast=20` in another terminal.")
            say("Stop with Ctrl-C.")


def _listen(listener: Listener, jobs: list[Job]) -> int:
    """Print what is heard about these jobs until both have ended; how many messages that were."""
    from app.cli.follow import described
    from app.client import StillRunning

    names = {job.id: _name(request) for job, request in zip(jobs, BACKTESTS, strict=True)}
    waiting = set(names)
    heard = 0
    try:
        for event in listener.events(timeout=60):
            if event.job_id not in names:
                continue
            heard += 1
            say(f"  {names[event.job_id]:<24} {described(event)}")
            if event.ended:
                waiting.discard(event.job_id)
            if not waiting:
                break
    except StillRunning:
        say("  Nothing more was heard for a minute; asking the API instead.")
    return heard


def _name(request: dict[str, Any]) -> str:
    return f"{request['strategy_id']} on {(request.get('symbols') or [request['dataset']])[0]}"
