"""Follow a job over the WebSocket while a person watches."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from app.cli.common import console

if TYPE_CHECKING:
    from app.client import Client, Job, LiveEvent
    from app.client.live import Listener

_SILENCE_SECONDS = 5.0


def open_ears(client: Client, held: ExitStack) -> Listener | None:
    """A subscription to all jobs, opened before one is queued so that nothing is missed; None without a relay."""
    from app.client import Unreachable

    try:
        return held.enter_context(client.listen())
    except Unreachable:
        return None


def follow(listener: Listener, job: Job) -> None:
    """Print a line for every event of the job until it has ended."""
    from app.client import StillRunning

    screen = console(stderr=True)
    while not job.ended:
        try:
            for event in listener.events(_SILENCE_SECONDS):
                if event.job_id != job.id:
                    continue
                screen.print(f"  live  {described(event)}")
                if event.ended:
                    break
        except StillRunning:
            pass  # quiet for long: ask, in case the end was among what nobody could replay
        job.refresh()


def described(event: LiveEvent) -> str:
    """An event in a few words."""
    if event.type != "job_progress":
        return event.type.removeprefix("job_")
    fraction = event.data.get("fraction")
    share = f" {fraction:.0%}" if isinstance(fraction, (int, float)) and 0 < fraction < 1 else ""
    return f"{event.data.get('phase') or 'running'}{share}"
