"""Processes that end with the one that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1


def die_with_parent(sign: int = signal.SIGTERM) -> None:
    """Have the kernel signal this process when its parent ends, however it ends.

    Linux does it by itself; elsewhere a thread watches whether this process has been handed to another parent.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, sign)
        if os.getppid() != parent:  # it ended before we asked
            os.kill(os.getpid(), sign)
        return
    threading.Thread(target=_watch, args=(parent, sign), name="parent-watch", daemon=True).start()


def _watch(parent: int, sign: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), sign)
