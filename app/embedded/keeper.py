"""Child processes: start them on a leash, restart what dies, stop them within a bounded time.

Everything happens in the thread that calls `tick`: the kernel ties a child to the thread that started it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
LOG_BYTES = 20 * 1024 * 1024
_STEADY_SECONDS = 30.0
_BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass
class Role:
    """One process to keep.

    Args:
        name: what people call it; its log is `<name>.log`.
        grace_seconds: how long it may take to stop before it is killed.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    grace_seconds: float = 5.0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float | None = None
    deaths: int = 0

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches only the launcher, which stops it in order."""
        self.log.parent.mkdir(mode=0o700, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own command lines
                [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
            )
        self.started_at = time.monotonic()
        self.restart_at = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal_group(self, number: signal.Signals) -> None:
        """Signal it and whatever it has started."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM of a group of zombies
                os.killpg(self.process.pid, number)

    def log_tail(self, lines: int = 15) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def trim_log(self) -> None:
        """Keep the log bounded; it is opened for appending, so the process writes on at the new end."""
        with suppress(FileNotFoundError):  # somebody tidied up; that must not end the server
            if self.log.stat().st_size > LOG_BYTES:
                shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
                os.truncate(self.log, 0)


class Keeper:
    """Keeps roles running, in the order in which they were added."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.roles: list[Role] = []
        self._say = say

    def add(self, role: Role) -> Role:
        """Start a role with a fresh log; the log of the last time stays beside it as `.log.1`."""
        if role.log.exists():
            role.log.replace(role.log.with_suffix(".log.1"))
        role.start()
        self.roles.append(role)
        return role

    def tick(self) -> None:
        """Look after every role once: restart what has died, after a growing pause."""
        for role in self.roles:
            if role.running:
                role.trim_log()
            elif role.restart_at is None:
                self._note_death(role)
            elif time.monotonic() >= role.restart_at:
                role.start()

    def stop(self, *names: str) -> None:
        """Ask these roles to stop, wait as long as their grace allows, then kill what is left of them."""
        leaving = [role for role in self.roles if role.name in names]
        for role in leaving:
            if role.running and role.process is not None:
                role.process.terminate()
        for role in leaving:
            if role.process is not None:
                with suppress(subprocess.TimeoutExpired):
                    role.process.wait(role.grace_seconds)
                self._bury(role)
        self.roles = [role for role in self.roles if role.name not in names]

    def kill(self) -> None:
        """End everything at once."""
        for role in self.roles:
            self._bury(role)
        self.roles = []

    def _note_death(self, role: Role) -> None:
        assert role.process is not None  # noqa: S101 - only started roles die
        steady = time.monotonic() - role.started_at > _STEADY_SECONDS
        role.deaths = 1 if steady else role.deaths + 1
        pause = _BACKOFF_SECONDS[min(role.deaths, len(_BACKOFF_SECONDS)) - 1]
        self._say(f"The {role.name} ended ({_ending(role.process.returncode)}); it starts again in {pause:g} s.")
        self._bury(role)
        role.restart_at = time.monotonic() + pause

    @staticmethod
    def _bury(role: Role) -> None:
        """Kill the rest of the group: a pool whose parent died, a server that ignores SIGTERM."""
        role.signal_group(signal.SIGKILL)
        if role.process is not None:
            role.process.wait()


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
