"""Follow a job over the WebSocket while a person watches."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from app.cli.common import console

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


def told(progress: Mapping[str, Any]) -> str:
    """How far a job is: a share, and of a search the number of trials that are done."""
    fraction = progress.get("fraction")
    share = f" {fraction:.0%}" if isinstance(fraction, (int, float)) and 0 < fraction < 1 else ""
    if share and progress.get("unit") == "trials" and progress.get("phase") in _SEARCHES:
        share += f", {progress['done']:,} of {progress['total']:,} trials"
    return f"{progress.get('phase') or 'running'}{share}"
