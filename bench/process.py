"""What a measurement asks the system: time of a call, memory of this process, CPU time of others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

_SELF = Path("/proc/self")


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def resident() -> int:
    """Bytes of this process in memory now."""
    return int((_SELF / "statm").read_text().split()[1]) * 4096


def peak() -> int:
    """Most bytes of this process in memory since it began, or since `forget_peak`."""
    for line in (_SELF / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("This system does not tell how much memory a process had at most.")


def forget_peak() -> None:
    """Let `peak` begin anew."""
    (_SELF / "clear_refs").write_text("5")


def cpu_ms(pid: int) -> float:
    """CPU milliseconds of a process and of all that it started; nothing for one that is gone."""
    folder = Path(f"/proc/{pid}")
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        children = [int(child) for task in folder.glob("task/*/children") for child in task.read_text().split()]
    except FileNotFoundError:
        return 0.0
    ticks = sum(map(int, fields[11:15]))  # its own, and those of its children that ended
    return ticks * 1000 / os.sysconf("SC_CLK_TCK") + sum(map(cpu_ms, children))
