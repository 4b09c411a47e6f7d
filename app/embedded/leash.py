"""Run a command that dies with its parent:  python leash.py PARENT_PID COMMAND …

On Linux the kernel does it, and this process becomes the command. Elsewhere this process stays and watches.
It is run as a file and imports nothing of the project, so that it costs a hundredth of a second.
"""

from __future__ import annotations

import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.5


def become(parent: int, command: list[str]) -> None:
    """Ask the kernel for SIGKILL at the parent's death, then turn into the command."""
    import ctypes  # only Linux needs it

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)  # the parent died before the kernel knew
    os.execv(command[0], command)  # noqa: S606 - the launcher's own command line


def watch(parent: int, command: list[str]) -> int:
    """Run the command as a child, pass signals on, and kill its group when the parent is gone."""
    child = os.spawnv(os.P_NOWAIT, command[0], command)  # noqa: S606
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: os.kill(child, got))
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if os.getppid() != parent:
            os.killpg(os.getpgrp(), signal.SIGKILL)  # the launcher gave us our own group
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    if sys.platform.startswith("linux"):
        become(int(sys.argv[1]), sys.argv[2:])
    sys.exit(abs(watch(int(sys.argv[1]), sys.argv[2:])))
