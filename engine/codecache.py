"""Compiled code on disk: one file for each kernel and types of arguments, written whole and checked when it is read.

The cache that numba brings has an index beside numbered files. Processes that compile one function for different types
at the same moment can leave an index whose number names the other one's code, and a file that a power cut has
shortened ends every later start. Here a file's name says all that its code follows from, so two writers of one name
write the same, a rename makes it whole, and a file that is not what its digest says counts as none. Where nothing can
be written, code is compiled and not kept.

Only `engine.jit` imports this: it imports numba.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pickle
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FunctionType
from typing import IO, Any

import numba
from numba.core import compiler, serialize
from numba.core.caching import NullCache
from numba.core.registry import cpu_target
from numba.misc.appdirs import AppDirs

_DIGEST = hashlib.sha256().digest_size


class CodeCache(NullCache):
    """What numba asks before it compiles a function for further types, and tells afterwards.

    Args:
        function: the kernel.
        meaning: digest of what it computes, constants and other kernels included.
        folder: where to look and to write; it stands for one state of the engine.
    """

    def __init__(self, function: FunctionType, meaning: bytes, folder: Path) -> None:
        source = Path(function.__code__.co_filename)
        self._folder = folder
        self._name = f"{source.stem}.{function.__qualname__}"
        self._follows_from = meaning + source.read_bytes() if source.is_file() else None

    @property
    def cache_path(self) -> str:
        return str(self._folder)

    def load_overload(self, sig: Sequence[Any], target_context: Any) -> Any:
        """The code for arguments of these types, ready to be called, or None."""
        if self._follows_from is None:
            return None
        target_context.refresh()
        try:
            content = self._path(sig, target_context.codegen()).read_bytes()
        except OSError:
            return None
        digest, payload = content[:_DIGEST], content[_DIGEST:]
        if hashlib.sha256(payload).digest() != digest:
            return None
        return compiler.CompileResult._rebuild(target_context, *pickle.loads(payload))  # noqa: S301 (our own file)

    def save_overload(self, sig: Sequence[Any], cres: Any) -> None:
        """Keep the code for other processes, if it can be."""
        # Typed into a prompt, another kernel may have this name tomorrow; a large array is named by its address.
        if self._follows_from is None or cres.library.has_dynamic_globals:
            return
        payload = serialize.dumps(cres._reduce())
        with suppress(OSError):
            _write(self._path(sig, cres.codegen), hashlib.sha256(payload).digest() + payload)

    def _path(self, sig: Sequence[Any], codegen: Any) -> Path:
        digest = hashlib.sha256(repr((tuple(sig), _machine(codegen))).encode() + (self._follows_from or b""))
        return self._folder / f"{self._name}.{digest.hexdigest()[:20]}.nbc"


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Let the first of several processes compile what is missing in a folder; the others wait and load what it leaves.

    Nobody waits once one has come to the end, nor where the folder cannot be written. The system takes the lock from a
    process that dies.
    """
    digest = hashlib.sha256(repr(_machine(cpu_target.target_context.codegen())).encode())
    whole = folder / f"whole-{digest.hexdigest()[:12]}"  # a folder may be shared with another Python or processor
    lock = None if whole.exists() else _locked(folder)
    if lock is not None and whole.exists():  # by now: let the others that waited load at the same time
        lock.close()
        lock = None
    if lock is None:
        yield
        return
    with lock:
        yield
        with suppress(OSError):
            whole.touch()


def _locked(folder: Path) -> IO[str] | None:
    """A file that this process alone has locked until it closes it; None where none can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError:
        return None
    with suppress(OSError):  # some network folders know no locks
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _machine(codegen: Any) -> tuple[object, ...]:
    """What compiled code is good for: this processor, numba and Python."""
    return codegen.magic_tuple(), numba.__version__, sys.version_info[:3]


def user_folder() -> Path:
    """Where a user's caches are, for an engine that is installed where it cannot write."""
    return Path(AppDirs(appname="queuant", appauthor=False).user_cache_dir)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix="draft-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(draft).chmod(0o644)  # whoever shares the folder shares the code
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
