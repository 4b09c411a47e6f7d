"""Tell a person who watches what is heard: of a job, of signals, of alerts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from app.cli.common import Shown, asks_server, console, plain_table, print_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from app.client import Client, Job, LiveEvent
    from app.client.live import Listener

_SILENCE_SECONDS = 5.0
# While a search makes its trials its phase is its kind; later phases count other things.
_SEARCHES = ("sweep", "walkforward")


def open_ears(client: Client, held: ExitStack) -> Listener | None:
    """A subscription to all jobs, opened before one is queued so that nothing is missed; None without a relay."""
    from app.client import Unreachable

    try:
        return held.enter_context(client.listen())
    except Unreachable:
        return None


def follow(listener: Listener, job: Job) -> None:
    """Tell every event of the job until it has ended: a line each, and progress in one that changes on a terminal."""
    from app.client import StillRunning

    screen = console(stderr=True)
    with screen.status("queued") as status:
        while not job.ended:
            try:
                for event in listener.events(_SILENCE_SECONDS):
                    if event.job_id == job.id:
                        _tell(event, screen, status)
                        if event.ended:
                            break
            except StillRunning:
                pass  # quiet for long: ask, in case the end was among what nobody could replay
            job.refresh()


def tell_all(events: Iterable[LiveEvent], *, as_json: bool) -> None:
    """A line for each event until there are no more, or a person has had enough."""
    screen = console()
    try:
        for event in events:
            if as_json:
                click.echo(
                    json.dumps({"channel": event.channel, "seq": event.seq, **_plain(event)}, ensure_ascii=False)
                )
            else:
                screen.print(f"{event.at[:19].replace('T', ' '):19}  {_line(event)}", soft_wrap=True)
    except KeyboardInterrupt:
        return


def _plain(event: LiveEvent) -> dict[str, Any]:
    return {"type": event.type, "at": event.at, "data": event.data, "position": event.position}


def _line(event: LiveEvent) -> str:
    """An event of any channel in a few words."""
    data = event.data
    if event.type == "resync":
        return f"some events are lost for good; the present state is at {data['resync']}"
    if event.type.startswith("job_") and event.channel != "alerts":
        return f"{data.get('job_id') or ''} {described(event)} {data.get('message') or ''}".strip()
    subject = " ".join(str(data[name]) for name in ("severity", "strategy_id", "symbol") if data.get(name))
    said = data.get("message") or data.get("reason") or ""
    direction = f" {data['direction']} {data.get('conviction', 0):+.2f}" if "direction" in data else ""
    return f"{event.type}  {subject}{direction}  {said}".rstrip()


def _tell(event: LiveEvent, screen: Console, status: Status) -> None:
    if event.type == "job_progress" and screen.is_terminal:
        status.update(described(event))
    elif event.type != "trial_rows":
        screen.print(f"  live  {described(event)}")


def described(event: LiveEvent) -> str:
    """An event in a few words."""
    if event.type != "job_progress":
        return event.type.removeprefix("job_")
    return told(event.data)


@click.group(cls=Shown)
def alerts() -> None:
    """Show what asks for attention, follow it, or acknowledge it (the word `show` may be left out)."""


@alerts.command()
@click.argument("alert_id", metavar="ALERT")
@click.option("--note", help="What is known or done about it.")
@asks_server
def ack(client: Client, *, alert_id: str, note: str | None, as_json: bool) -> None:
    """Say that you have seen an alert."""
    found = client.acknowledge(alert_id, note=note)
    print_json(found) if as_json else click.echo(f"{found['alert_id']}  {found['status']}")


@alerts.command()
@click.option("--follow", is_flag=True, help="Go on: a line for everything that happens from now on.")
@click.option("--severity", help="With --follow: only what is at least so severe.")
@asks_server
def show(client: Client, *, follow: bool, severity: str | None, as_json: bool) -> None:
    """Show what asks for attention, newest first."""
    if follow:
        tell_all(client.events("alerts", filter={"severity": severity} if severity else None), as_json=as_json)
        return
    if severity:
        raise click.UsageError("--severity goes with --follow.")
    found = client.alerts()
    if as_json:
        print_json(found)
        return
    table = plain_table("alert", "raised", "status", "severity", "kind", "message")
    for item in found["alerts"]:
        facts = (item["status"], item["severity"], item["kind"], item["message"])
        table.add_row(item["alert_id"], item["raised_at"][:19].replace("T", " "), *facts)
    console().print(table)
    if found["next"]:
        console().print("Older ones are not shown.")


def told(progress: Mapping[str, Any]) -> str:
    """How far a job is: a share, and of a search the number of trials that are done."""
    fraction = progress.get("fraction")
    share = f" {fraction:.0%}" if isinstance(fraction, (int, float)) and 0 < fraction < 1 else ""
    if share and progress.get("unit") == "trials" and progress.get("phase") in _SEARCHES:
        share += f", {progress['done']:,} of {progress['total']:,} trials"
    return f"{progress.get('phase') or 'running'}{share}"
