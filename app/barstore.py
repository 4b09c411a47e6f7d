"""Bars in files that processes map: one copy in memory for all of them, and no price is looked at twice.

A file is one line of JSON (what it holds, and the key of what it was made from), padded to 64 bytes, then the times
(int64, nanoseconds) and each field (float64 [bars, symbols]), every one of them padded likewise. Closes without other
prices are stored once. It comes into being whole, by a rename, so whoever finds it may map it; it is never changed
or truncated while it lies there, only unlinked, which leaves those who have mapped it alone.
"""

from __future__ import annotations

import json
import logging
import mmap
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from app.leftovers import sweep
from engine.bars import Bars
from engine.errors import BadData
from engine.intake import FIELDS

log = logging.getLogger(__name__)

# To be raised when the file is written, a dataset read or its prices checked in another way: what lies there already
# is then made anew.
FORMAT = f"queuant bars 1, {sys.byteorder} endian"
_ALIGNMENT = 64
_LONGEST_HEADER = 1 << 22
# A panel lies in a file of its own.
_SAID = {item.name for item in fields(Bars)} - {"time", *FIELDS, "panel", "beside"}
_HOUR = 3600.0


def mapped(folder: Path, key: str, read: Callable[[], Bars]) -> Bars:
    """The bars of `key`, mapped from `folder`; whoever comes first reads them and writes the file.

    Several may come first at once: each writes a file of its own, and the last rename stands. Where nothing can be
    written the bars that were read are the answer, and the log says so.
    """
    path = folder / f"{key}.bars"
    try:
        return open_mapped(path, key)
    except FileNotFoundError:
        pass
    except (OSError, BadData) as error:
        log.warning("%s cannot be used and is made anew: %s", path, error)
    bars = read()
    try:
        write(path, key, bars)
        return open_mapped(path, key)
    except (OSError, BadData) as error:
        log.warning("%s cannot be kept, so this process holds a copy of its own: %s", path, error)
        return bars


def write(path: Path, key: str, bars: Bars) -> None:
    """Put bars into a file, whole or not at all. Raises OSError where the folder or the disk does not take it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix="draft-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            _write(file, key, bars)
            file.flush()
            os.fsync(file.fileno())  # a name must not come to stand for pages that a power cut has lost
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    sweep(path.parent, _HOUR)  # what older versions, and writers that died, have left


def open_mapped(path: Path, key: str) -> Bars:
    """The bars of a file, read-only views of its pages.

    Raises:
        BadData: `bad_bars_file` naming the file, when it is not whole, or not what `write` made of `key`.
        OSError: when it cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.readline(_LONGEST_HEADER)
        total, said = _header(path, head, key)
        shape = (total, len(said["symbols"]))
        offsets = list(_offsets(len(head), shape, said["close_only"]))
        if size != offsets[-1]:
            raise _refused(path, f"it has {size} bytes instead of {offsets[-1]}")
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with suppress(OSError):  # it is gone again, or somebody else's, who sweeps it
        os.utime(path)
    times = np.frombuffer(pages, np.int64, total, offsets[0]).view("datetime64[ns]")
    *prices, volume = (np.frombuffer(pages, np.float64, shape[0] * shape[1], at).reshape(shape) for at in offsets[1:-1])
    return Bars.of_checked(times, [*(prices * 4 if said["close_only"] else prices), volume], **said)


def _header(path: Path, head: bytes, key: str) -> tuple[int, dict[str, Any]]:
    """The number of bars, and what is said of them, of a file that is ours and that of `key`."""
    try:
        found = json.loads(head)
        named, total, said = (found["format"], found["key"]), int(found["bars"]), dict(found["said"])
    except (ValueError, KeyError, TypeError) as error:
        raise _refused(path, "it does not begin as one") from error
    if named != (FORMAT, key) or said.keys() != _SAID:
        raise _refused(path, f"it holds {named[1]} as {named[0]}")
    return total, {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}


def _write(file: BinaryIO, key: str, bars: Bars) -> None:
    said = {name: value for name, value in bars.said.items() if name in _SAID}
    text = json.dumps({"format": FORMAT, "key": key, "bars": len(bars), "said": said}).encode()
    file.write(text + b" " * (_padded(len(text) + 1) - len(text) - 1) + b"\n")
    stored = ("close", "volume") if bars.close_only else FIELDS
    for array in (bars.time, *(getattr(bars, name) for name in stored)):
        file.write(memoryview(array.view(np.int64)).cast("B"))
        file.write(bytes(_padded(array.nbytes) - array.nbytes))


def _offsets(start: int, shape: tuple[int, int], close_only: bool) -> Iterator[int]:
    """Where times, each field and the end of the file are."""
    for size in (shape[0] * 8, *[shape[0] * shape[1] * 8] * (2 if close_only else 5)):
        yield start
        start += _padded(size)
    yield start


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _refused(path: Path, why: str) -> BadData:
    return BadData(f"{path} is not the file of bars that is expected here: {why}.", code="bad_bars_file")
