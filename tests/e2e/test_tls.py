"""Stores across a network: every role speaks to them behind TLS, and to nobody else who answers there."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
import redis
from kombu.exceptions import OperationalError
from sqlalchemy.engine import make_url

from app import doctor
from app.bus import RedisBus
from app.client import Client
from app.errors import QueueUnavailable, StoreUnavailable
from app.settings import Settings
from app.store import Store
from app.taskqueue import INTERACTIVE, CeleryQueue, make_celery
from app.web import limiting
from tests.roles import Deployment
from tests.tls import Tunnel, certificate, tunnel

ROLES = ("api", "relay", "worker", "supervisor")


class Known(NamedTuple):
    """Whoever signed for the stores: the file that says so, and what the stores show."""

    file: Path
    context: ssl.SSLContext


@pytest.fixture
def known(tmp_path: Path) -> Known:
    return Known(*certificate(tmp_path, "known"))


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """The file of somebody who signed for neither."""
    return certificate(tmp_path, "strange")[0]


@pytest.fixture
def queue(known: Known, redis_url: str) -> Iterator[tuple[Tunnel, str]]:
    """A queue server behind TLS, and its URL but for whom to trust."""
    server = urlsplit(redis_url)
    with tunnel(known.context, lambda: asyncio.open_connection(server.hostname, server.port)) as found:
        yield found, f"rediss://:{server.password}@127.0.0.1:{found.port}/0"


@pytest.fixture
def database(known: Known, empty_postgres_url: str) -> Iterator[tuple[Tunnel, str]]:
    """An empty PostgreSQL database behind TLS, and its URL but for whom to trust."""
    url = make_url(empty_postgres_url)
    socket = f"{url.query['host']}/.s.PGSQL.5432"
    with tunnel(known.context, lambda: asyncio.open_unix_connection(socket), asked_first=True) as found:
        yield found, f"postgresql://{url.username}@127.0.0.1:{found.port}/{url.database}?sslmode=verify-full"


@pytest.mark.timeout(300)
def test_every_role_works_where_both_stores_are_behind_tls(
    tmp_path: Path,
    known: Known,
    queue: tuple[Tunnel, str],
    database: tuple[Tunnel, str],
    eventually: Callable[..., None],
) -> None:
    stores = f"{database[1]}&sslrootcert={known.file}", f"{queue[1]}?ssl_ca_certs={known.file}"
    deployment = Deployment(tmp_path, *stores, QUEUANT_SIGNALS_SECONDS="0")
    try:
        deployment.migrate()
        key = deployment.run("keys", "create", "--owner", "ada").strip()
        for role in ROLES:
            deployment.start(role)
        eventually(deployment.is_ready, 150)
        with Client(deployment.api_url, key, home=tmp_path) as client, client.listen() as listener:
            job = client.backtest("sma_cross", dataset="fx_daily", symbols=["EURUSD"])
            assert any(event.ended for event in listener.events(timeout=30))
            assert job.refresh().status == "succeeded"
        assert deployment.stop() == dict.fromkeys(ROLES, 0)
    finally:
        deployment.kill()
    assert "CERT" not in "".join(path.read_text() for path in tmp_path.glob("*.log"))


@pytest.mark.parametrize("trusted", ["strange", "nobody named"])
def test_a_queue_server_whose_certificate_nobody_vouches_for_hears_nothing(
    strange: Path, queue: tuple[Tunnel, str], trusted: str
) -> None:
    server, url = queue
    _refuses(server, url if trusted == "nobody named" else f"{url}?ssl_ca_certs={strange}")


def test_a_queue_server_with_a_certificate_for_another_name_hears_nothing(
    known: Known, queue: tuple[Tunnel, str]
) -> None:
    server, url = queue
    _refuses(server, f"{url}?ssl_ca_certs={known.file}".replace("127.0.0.1", "localhost"))


def test_a_queue_server_that_asks_who_is_there_is_shown_a_certificate(known: Known, queue: tuple[Tunnel, str]) -> None:
    known.context.verify_mode = ssl.CERT_REQUIRED
    known.context.load_verify_locations(known.file)
    plain = f"{queue[1]}?ssl_ca_certs={known.file}"
    with pytest.raises(QueueUnavailable):
        RedisBus(plain).ping()
    shown = f"{plain}&ssl_certfile={known.file}&ssl_keyfile={known.file.with_suffix('.key')}"
    RedisBus(shown).ping()
    bells = CeleryQueue(Settings(redis_url=shown))
    bells.warm()
    assert bells.length("nobody") == 0
    assert limiting._on_server(shown).hit(limiting.RateLimitItemPerMinute(1), "ada")


def _refuses(server: Tunnel, url: str) -> None:
    """Whoever uses a queue server finds out before a password has been sent."""
    settings = Settings(redis_url=url)
    bus, bells = RedisBus(url), CeleryQueue(settings)
    for use in (bus.ping, bells.warm, lambda: bells.ring("0" * 32, INTERACTIVE), lambda: bells.length(INTERACTIVE)):
        with pytest.raises(QueueUnavailable) as caught:
            use()
        assert "certificate verify failed" in str(caught.value.__cause__)
    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        limiting._on_server(url).hit(limiting.RateLimitItemPerMinute(1), "ada")
    with make_celery(settings).connection_for_read() as heard, pytest.raises(OperationalError, match="verify failed"):
        heard.ensure_connection(max_retries=1, interval_start=0)
    (found,) = [check for check in doctor.queue_server(settings) if check.status == "problem"]
    assert "certificate verify failed" in found.detail
    assert server.heard == 0


def test_a_database_whose_certificate_nobody_vouches_for_hears_nothing(
    known: Known, strange: Path, database: tuple[Tunnel, str]
) -> None:
    server, url = database
    wrong = {
        f"{url}&sslrootcert={strange}": "certificate verify failed",
        f"{url}&sslrootcert={known.file}".replace("127.0.0.1", "localhost"): "does not match host name",
    }
    for address, why in wrong.items():
        settings = Settings(database_url=address).resolved()
        store = Store(settings.database_url)
        with pytest.raises(StoreUnavailable), store.database.read():
            raise AssertionError("it let us in")
        store.close()
        told = [check.detail for check in doctor.examine(settings) if check.name == "database"]
        assert len(told) == 1
        assert why in told[0]
    assert server.heard == 0
