"""From a file to a version of a dataset. A file of a stranger is read in a process of its own.

What that process may take is bounded by the kernel: memory, time, and that it ends without harm when a file breaks the
reader. The process that serves requests never decodes a byte of an upload.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.library import Meaning, Version
from engine.errors import BadData, InvalidInput, QueuantError

ROOT = Path(__file__).resolve().parents[2]
# The kernel counts addresses, which Arrow's own allocators take in advance.
ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUTF8": "1",
}
REFUSALS: Mapping[str, type[QueuantError]] = {kind.__name__: kind for kind in (InvalidInput, BadData)}


@dataclass(frozen=True)
class Order:
    """What to read, what it is to be called, what it means, and where it goes.

    `known` are the versions that are there, and when they were made: they are not written again.
    """

    path: str
    id: str
    meaning: Mapping[str, Any]
    draft: str
    bars_dir: str
    known: Mapping[str, float]
    memory_mib: int
    seconds: int


@dataclass(frozen=True)
class Taken:
    """The version that a file is, whether it is new, and what the sender should know."""

    version: str
    new: bool
    warnings: tuple[str, ...]


def take(order: Order) -> Taken:
    """Read a file in a process of its own, which writes what is new into the draft.

    Raises:
        InvalidInput, BadData: what that process refused, as if it had been refused here; `unreadable_file`
            when it could not go on, `upload_too_slow` when its time was over.
        RuntimeError: it failed for a reason that is not the file's.
    """
    command = [sys.executable, "-m", "app.uploads"]
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            command,
            input=json.dumps(asdict(order)),
            capture_output=True,
            text=True,
            timeout=order.seconds,
            cwd=ROOT,
            env=ENVIRONMENT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidInput(
            f"Reading this file takes longer than {order.seconds} s.", code="upload_too_slow", pointer="/file"
        ) from error
    if done.returncode < 0:
        raise InvalidInput("This file cannot be read: it is damaged.", code="unreadable_file", pointer="/file")
    if done.returncode:
        raise RuntimeError(f"The reader of uploads ended with {done.returncode}: {done.stderr[-4000:]}")
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise REFUSALS[answer["refused"]](**answer["detail"])
    return Taken(answer["version"], answer["new"], tuple(answer["warnings"]))


def read_one(order: Order) -> Taken:
    """The same in this process: read, check and write."""
    from app.uploads.reading import read

    found = read(Path(order.path), symbol=order.id)
    version = Version(found.table, meaning=Meaning(**order.meaning), series=found.series)
    new = version.name not in order.known
    if new:
        newest = max(order.known.values(), default=0.0)
        version.write(Path(order.draft), order.id, after=newest, bars_dir=Path(order.bars_dir))
    return Taken(version.name, new, found.warnings)
