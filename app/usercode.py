"""Strategies of the user's own: files in the folders that the settings name, and what installed packages offer.

A file runs from the very bytes that give its strategies their version. What cannot be used is left out, with its name
and the reason; nothing else is concerned.
"""

from __future__ import annotations

import hashlib
import logging
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import NamedTuple, TypeAlias

from engine.errors import InvalidInput
from engine.strategy import Strategy

log = logging.getLogger(__name__)

GROUP = "queuant.strategies"
# Names become a part of addresses and rows.
ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_NOT_STRATEGIES = ("_", "test_", "conftest")

# A file as it was found: the path, and what changes with its content. None: the folder is not there.
Seen: TypeAlias = "tuple[Path, tuple[int, ...] | None]"


class Broken(NamedTuple):
    """A file, folder or package that is left out, and why."""

    file: str
    error: str


class Found(NamedTuple):
    """What there is, by id in the order of reading, and what is left out."""

    strategies: dict[str, Strategy]
    broken: tuple[Broken, ...]


def load(path: Path) -> tuple[Strategy, ...]:
    """The strategies that a file defines.

    Raises:
        InvalidInput: `bad_strategy_file`, with the line and the reason.
    """
    return _attempt(lambda: _run(path), str(path))


def anew(strategy: Strategy) -> Strategy:
    """The same strategy of the same bytes in a module of its own, where nothing is kept from earlier calls.

    One that no file here defines is given back as it is.
    """
    module, code = sys.modules.get(strategy.function.__module__), strategy.code
    path = Path(getattr(module, "__file__", None) or "")
    if module is None or code is None or module.__name__ != _name(path):
        return strategy
    try:
        found = _attempt(lambda: _defined(_execute(path, code)), str(path))
    finally:
        sys.modules[module.__name__] = module
    return next((replace(item, code=code) for item in found if item.id == strategy.id), strategy)


def place_of(error: BaseException) -> str | None:
    """Which line of a strategy's file raised an error, such as "dips.py, line 6"; None where no such file did."""
    frames = [
        f"{Path(frame.f_code.co_filename).name}, line {line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == _name(Path(frame.f_code.co_filename))
    ]
    return frames[-1] if frames else None


class UserCode:
    """Reads folders again when a listing or a file has changed, and the packages once.

    Args:
        folders: each `*.py` in them is read, but what begins with `_` or `test_`.
        required: whether a folder that is not there is worth a word.
    """

    def __init__(self, folders: Iterable[Path] = (), *, required: bool = True) -> None:
        self._folders = tuple(folders)
        self._required = required
        self._lock = Lock()
        self._listing: list[Seen] | None = None
        self._files: dict[Seen, tuple[Strategy, ...] | str] = {}
        self._packages: list[tuple[str, tuple[Strategy, ...] | str]] | None = None
        self._found = Found({}, ())

    def read(self, taken: Collection[str]) -> Found:
        """Everything as it is now. A strategy whose id is `taken`, or that of an earlier one, is left out."""
        with self._lock:
            listing = [seen for folder in self._folders for seen in self._look(folder)]
            if listing != self._listing:
                self._found = self._read(listing, taken)
                self._listing = listing
            return self._found

    def _look(self, folder: Path) -> Iterator[Seen]:
        if not folder.is_dir():
            if self._required:
                yield folder, None
            return
        for path in sorted(folder.glob("*.py")):
            if path.name.startswith(_NOT_STRATEGIES):
                continue
            with suppress(FileNotFoundError):  # it was there a moment ago
                said = path.stat()
                yield path, (said.st_mtime_ns, said.st_size, said.st_ino)

    def _read(self, listing: list[Seen], taken: Collection[str]) -> Found:
        if self._packages is None:
            offered = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
            self._packages = [(_who(entry), _or_reason(partial(_load_entry, entry))) for entry in offered]
        self._files = {seen: self._files.get(seen) or _read_file(*seen) for seen in listing}
        strategies: dict[str, Strategy] = {}
        broken: list[Broken] = []
        for name, content in [*self._packages, *((path.name, self._files[path, at]) for path, at in listing)]:
            if isinstance(content, str):
                broken.append(Broken(name, content))
                continue
            for item in content:
                wrong = _unusable(item.id, taken, strategies)
                if wrong:
                    broken.append(Broken(name, wrong))
                else:
                    strategies[item.id] = item
        for one in broken:
            if one not in self._found.broken:
                log.warning("%s is left out: %s", one.file, one.error)
        return Found(strategies, tuple(broken))


def _read_file(path: Path, stamp: tuple[int, ...] | None) -> tuple[Strategy, ...] | str:
    return _or_reason(lambda: load(path)) if stamp else "There is no such folder."


def _or_reason(read: Callable[[], tuple[Strategy, ...]]) -> tuple[Strategy, ...] | str:
    try:
        return read()
    except InvalidInput as error:
        return error.message


def _unusable(name: str, taken: Collection[str], others: Collection[str]) -> str | None:
    if not ID.fullmatch(name):
        return f"The id {name[:80]!r} is not a letter and up to 63 letters, digits or underscores."
    if name in taken:
        return f"The id {name} is that of a strategy that Queuant ships."
    return f"The id {name} is that of another strategy." if name in others else None


def _run(path: Path) -> tuple[Strategy, ...]:
    code = path.read_bytes()
    return tuple(replace(item, code=code) for item in _defined(_execute(path, code)))


def _name(path: Path) -> str:
    return f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"


def _execute(path: Path, code: bytes) -> ModuleType:
    name = _name(path)
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses and annotations look their module up
    exec(compile(code, str(path), "exec"), vars(module))  # noqa: S102 - running the user's code is the purpose
    return module


def _load_entry(entry: EntryPoint) -> tuple[Strategy, ...]:
    return _attempt(lambda: _offered(entry.load()), "")


def _offered(item: object) -> tuple[Strategy, ...]:
    if isinstance(item, Strategy):
        return (item,)
    if isinstance(item, ModuleType):
        return _defined(item)
    raise TypeError("the entry point names neither a strategy nor a module")


def _who(entry: EntryPoint) -> str:
    return f"package {entry.dist.name} ({entry.value})" if entry.dist else entry.value


def _defined(module: ModuleType) -> tuple[Strategy, ...]:
    """The strategies of a module, without those that it has from elsewhere."""
    home = module.__name__.partition(".")[0]
    found = [item for item in vars(module).values() if isinstance(item, Strategy)]
    own = tuple(dict.fromkeys(item for item in found if item.function.__module__.partition(".")[0] == home))
    if not own:
        raise LookupError("it defines no strategy")
    return own


def _attempt(read: Callable[[], tuple[Strategy, ...]], file: str) -> tuple[Strategy, ...]:
    try:
        return read()
    except (Exception, SystemExit) as error:  # a user's file may raise anything
        raise InvalidInput(_reason(error, file), code="bad_strategy_file") from error


def _reason(error: BaseException, file: str) -> str:
    """Type and text of an error, and the line of the file that it came from; never its traceback."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: SyntaxError: {error.msg}"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    return f"{f'line {lines[-1]}: ' if lines else ''}{type(error).__name__}: {text[:200]}"
