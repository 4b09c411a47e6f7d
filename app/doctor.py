"""What is wrong with an installation, and what helps. Nothing is changed by looking.

To add a check, write a function that yields what it finds and put it into CHECKS.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.engine import make_url

from app import monitoring, precautions, schema
from app.depot import Depot, depot_of
from app.errors import DatasetsUnavailable, StartRefused, StoreUnavailable
from app.monitoring import Check
from app.settings import Settings
from app.store import Store
from app.wiring import build

_LEAST_ROOM = 1 << 30
_CLOCK_SECONDS = 2.0
_SLOW_COMMIT_SECONDS = 0.05
_SPARE_FILES = 200
# What jobs stand on: of another version they give other bits, or none.
_PINNED = ("celery", "kombu", "numba", "numpy", "redis")
_OLDEST_QUEUE = (6, 2)


def examine(settings: Settings) -> list[Check]:
    """Every check in turn. One that cannot be made is a problem and ends no other."""
    found: list[Check] = []
    for check in CHECKS:
        try:
            found += check(settings)
        except StartRefused as error:
            found.append(Check(check.__name__, "problem", error.message))
        except StoreUnavailable as error:
            driver = str(getattr(error.__cause__, "orig", "")).strip()  # who may run this may read it
            found.append(Check(check.__name__, "problem", f"{error.message} {driver}".strip()))
        except OSError as error:
            found.append(Check(check.__name__, "problem", f"{error.filename}: {error.strerror}."))
    return found


def packages(_: Settings) -> Iterator[Check]:
    """The interpreter, and libraries of the versions that this one was tested with."""
    version = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        yield Check("packages", "problem", f"Python is {version}; 3.11, 3.12 or 3.13 is needed.")
    wanted = _wanted()
    for name in _PINNED:
        found = metadata.version(name)
        if not wanted[name].contains(found):
            yield Check("packages", "problem", f"{name} is {found}; {name}{wanted[name]} is needed: set up anew.")
            return
    yield Check("packages", "ok", f"Python {version} with what it was tested with.")


def _wanted() -> dict[str, Any]:
    from packaging.requirements import Requirement

    asked = [Requirement(text) for text in metadata.requires("queuant") or ()]
    return {item.name: item.specifier for item in asked if item.name in _PINNED}


def home(settings: Settings) -> Iterator[Check]:
    """The folder with keys and, by default, everything else."""
    folder = settings.home
    if not folder.is_dir():
        yield Check("home", "warning", f"There is no {folder} yet; the first process that starts here makes it.")
        return
    if folder.stat().st_mode & 0o077 and os.name == "posix":
        yield Check("home", "warning", f"Others can look into {folder}: `chmod 700 {folder}`.")
    yield from _room("home", folder)


def folders(settings: Settings) -> Iterator[Check]:
    """Where datasets and caches are written."""
    depot = depot_of(settings)
    yield from _writable("datasets", depot.folder) if depot.folder else _elsewhere("datasets", depot)
    yield from _writable("cache", settings.bars_dir)


def _writable(name: str, folder: Path) -> Iterator[Check]:
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if os.access(place, os.W_OK):
        yield from _room(name, place)
    else:
        yield Check(name, "problem", f"{folder} cannot be written to by this user.")


def _elsewhere(name: str, depot: Depot) -> Iterator[Check]:
    """Whether it can be read; whether it can be written to would be seen only by changing it."""
    try:
        yield Check(name, "ok", f"{depot} answers; versions of datasets that lie there: {len(depot.places())}.")
    except DatasetsUnavailable as error:
        yield Check(name, "problem", error.message)


def _room(name: str, folder: Path) -> Iterator[Check]:
    free = shutil.disk_usage(folder).free
    text = f"{folder} has {free / (1 << 30):.1f} GiB left on its disk"
    if free < _LEAST_ROOM:
        yield Check(name, "problem", f"{text}; less than one stops jobs soon.")
    else:
        yield Check(name, "ok", f"{text}.")


def database(settings: Settings) -> Iterator[Check]:
    """The database: there, of this version, whole, quick, and with the right time."""
    if not _is_there(settings):
        yield Check("database", "warning", "There is none yet; `queuant serve` or `queuant db upgrade` makes it.")
        return
    store = Store(settings.database_url)
    try:
        schema.require_newest(store)
        yield Check("database", "ok", f"{store.database.url.get_backend_name()} with schema {schema.newest()}.")
        if store.database.is_sqlite and (wrong := store.database.faults()):
            yield Check("database", "problem", f"Its file is damaged ({wrong}): bring back a backup.")
        away = store.now() - time.time()
        if abs(away) > _CLOCK_SECONDS:
            text = f"Its clock is {away:+.0f} s from this machine's; set both by NTP."
            yield Check("database_clock", "warning", text)
        began = time.monotonic()
        store.nodes.leave("")  # a write that changes nothing
        seconds = time.monotonic() - began
        if seconds > _SLOW_COMMIT_SECONDS:
            yield Check("database_speed", "warning", f"A transaction takes {seconds * 1000:.0f} ms; jobs need a dozen.")
    finally:
        store.close()


def _is_there(settings: Settings) -> bool:
    """Whether looking at an SQLite database would not make it."""
    url = make_url(settings.database_url)
    return url.get_backend_name() != "sqlite" or Path(str(url.database)).exists()


def queue_server(settings: Settings) -> Iterator[Check]:
    """The queue server: there, new enough, and told to lose nothing and to drop nobody's messages."""
    if not settings.redis_url:
        text = "None is named, and no server runs in this home: start `queuant serve`, or set REDIS_URL."
        yield Check("queue_server", "problem", text)
        return
    try:
        client = _client(settings)
    except ValueError as error:
        yield Check("queue_server", "problem", f"REDIS_URL is no address of one: {error}.")
        return
    try:
        about: dict[str, Any] = client.info()
        version = str(about.get("redis_version", "0"))
        if tuple(map(int, version.split(".")[:2])) < _OLDEST_QUEUE:
            yield Check("queue_server", "problem", f"It is version {version}; 6.2 or newer is needed.")
        if about.get("maxmemory_policy") != "noeviction":
            text = f"maxmemory-policy is {about.get('maxmemory_policy')}: it may drop doorbells. Set noeviction."
            yield Check("queue_server", "warning", text)
        if not about.get("aof_enabled"):
            text = "appendonly is off: after a restart jobs wait until a supervisor has rung again. Set appendonly yes."
            yield Check("queue_server", "warning", text)
        yield Check("queue_server", "ok", f"It answers as {version}.")
    except redis.RedisError as error:
        yield Check("queue_server", "problem", f"It does not answer: {str(error).rstrip('.')}.")
    finally:
        client.close()


def _client(settings: Settings) -> redis.Redis:
    return redis.Redis.from_url(
        settings.redis_url, socket_timeout=3, socket_connect_timeout=3, retry=Retry(NoBackoff(), 0)
    )


def _is_address(settings: Settings) -> bool:
    try:
        _client(settings).close()
    except ValueError:
        return False
    return True


def exposure(settings: Settings) -> Iterator[Check]:
    """What other machines reach must not start with what only tests may have."""
    precautions.check(settings)
    reach = "only this machine" if precautions.is_loopback(settings.host) else "other machines too"
    yield Check("exposure", "ok", f"QUEUANT_HOST={settings.host}: {reach}.")


def open_files(settings: Settings) -> Iterator[Check]:
    """A relay needs a file for each client."""
    if sys.platform == "win32":
        return
    import resource

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    needed = settings.relay_sockets + _SPARE_FILES
    if most < needed:
        text = f"A process may open {most} files, a full relay needs {needed}: `ulimit -n {needed}`."
        yield Check("open_files", "warning", f"{text[:-1]}, or lower QUEUANT_RELAY_SOCKETS.")
    else:
        yield Check("open_files", "ok", f"A process may open {most} files.")


def platform(settings: Settings) -> Iterator[Check]:
    """Whether jobs run. As `GET /monitoring/health` tells it, where a database is there and a queue server named."""
    if not (_is_there(settings) and _is_address(settings)):
        return
    services = build(settings)
    try:
        schema.require_newest(services.store)
        yield from (check for check in monitoring.health(services) if check.name not in ("store", "queue_server"))
    finally:
        services.close()


CHECKS: tuple[Callable[[Settings], Iterator[Check]], ...] = (
    packages,
    home,
    folders,
    exposure,
    open_files,
    database,
    queue_server,
    platform,
)
