"""The home folder of a server: its key, its lock, and the note that tells clients where it listens."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.errors import StartRefused


class Home:
    """Paths and small files inside `settings.home`. Everything in it is readable for its owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.queue = path / "queue"
        self.run = path / "run"
        self._key = path / "api_key"
        self._note = path / "server.json"
        self._queue_url = path / "queue" / "url"

    def prepare(self) -> None:
        """Create the folders. Raises StartRefused when that is not allowed."""
        self._make(self.path, self.logs, self.queue, self.run)

    def claim(self) -> None:
        """Create the home alone, before something else does that lets others look into it."""
        self._make(self.path)

    def _make(self, *folders: Path) -> None:
        try:
            for folder in folders:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _refused(f"The home folder {self.path} cannot be used: {error.strerror}.") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home while the server runs; the system lets go of it however the process ends."""
        import fcntl  # not on Windows, where clients still read the key

        with (self.path / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise _refused(self._who_holds_it()) from error
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    def key(self) -> str | None:
        """The admin key, if this home has one."""
        with suppress(FileNotFoundError):
            return self._key.read_text().strip() or None
        return None

    def make_key(self) -> str:
        """The admin key; the first call creates it."""
        known = self.key()
        if known:
            return known
        from app.store.access import new_key  # a client only reads the key and needs no database

        key = new_key()
        write_private(self._key, key + "\n")
        return key

    @property
    def key_file(self) -> Path:
        return self._key

    def announce(self, note: Mapping[str, Any]) -> None:
        """Tell clients of this home where the server is."""
        write_private(self._note, json.dumps(note) + "\n")

    def withdraw(self) -> None:
        for file in (self._note, self._queue_url):
            file.unlink(missing_ok=True)

    def server(self) -> dict[str, Any] | None:
        """What the server of this home has announced: api_url, live_url, pid."""
        try:
            note = json.loads(self._note.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return note if isinstance(note, dict) else None

    def remember_queue(self, url: str) -> None:
        """Let further processes on this machine join the private queue server."""
        write_private(self._queue_url, url + "\n")

    def queue_url(self) -> str:
        """The private queue server's URL, or nothing."""
        with suppress(FileNotFoundError):
            return self._queue_url.read_text().strip()
        return ""

    def _who_holds_it(self) -> str:
        pid = (self.path / "lock").read_text().strip()
        note = self.server()
        where = f" at {note['api_url']}" if note else ""
        return (
            f"A server already runs in {self.path}{where} (pid {pid or 'unknown'}). "
            f"Use it, stop it with `kill {pid or 'PID'}`, or choose another folder with --home."
        )


def _refused(message: str) -> StartRefused:
    from app.errors import StartRefused  # as in the settings: a client only reads

    return StartRefused(message)


def write_private(path: Path, text: str) -> None:
    """Write a whole file that only its owner can read; nobody ever sees half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
