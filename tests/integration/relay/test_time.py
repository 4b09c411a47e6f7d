"""What happens to a socket in the course of time: pings, revoked keys, used-up tickets."""

from __future__ import annotations

import json
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import update
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from werkzeug.serving import make_server

from app import wiring
from app.errors import StoreUnavailable
from app.settings import Settings
from app.tables import api_keys
from app.web import auth
from app.web.factory import create_app
from app.web.relay import EXTENSION


@pytest.fixture
def services(sqlite_url, redis_url, tmp_path):
    settings = Settings.from_env({}, home=tmp_path, database_url=sqlite_url, redis_url=redis_url)
    services = wiring.build(settings)
    yield services
    services.close()


@pytest.fixture
def app(services):
    """The application in this process, where a test can turn the clocks faster."""
    app = create_app(services, role="relay")
    yield app
    app.extensions[EXTENSION].shut_down()


@pytest.fixture
def url(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"ws://127.0.0.1:{server.server_port}/ws/jobs"
    app.extensions[EXTENSION].shut_down()
    server.shutdown()
    thread.join(10)
    server.server_close()


def closed_with(sock, seconds=15):
    try:
        while True:
            sock.recv(timeout=seconds)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
def test_a_socket_whose_key_is_revoked_or_expires_is_closed(services, app, url, end):
    app.extensions[EXTENSION].recheck_seconds = 0.1
    key = services.store.access.create_key("ada")
    with connect(url, additional_headers={"Authorization": f"Bearer {key}"}) as sock:
        sock.recv()
        time.sleep(0.3)
        sock.send('{"type":"ping"}')
        assert json.loads(sock.recv())["type"] == "pong"
        with services.store.database.write() as tx:
            tx.execute(update(api_keys).values({end: 1.0}))
        assert closed_with(sock) == 4401


def test_a_revoked_key_subscribes_to_nothing_more(services, app, url):
    key = services.store.access.create_key("ada")
    with connect(url, additional_headers={"Authorization": f"Bearer {key}"}) as sock:
        sock.recv()
        services.store.access.revoke_key(key)
        sock.send('{"type":"subscribe","channel":"signals"}')
        assert closed_with(sock) == 4401


def test_a_socket_that_asks_for_a_channel_while_the_log_is_away_is_told_to_come_back(services, app, url, monkeypatch):
    def fail(_):
        raise StoreUnavailable("The database did not answer in time.")

    key = services.store.access.create_key("ada")
    with connect(url, additional_headers={"Authorization": f"Bearer {key}"}) as sock:
        sock.recv()
        monkeypatch.setattr(services.store.events, "head", fail)
        sock.send('{"type":"subscribe","channel":"signals"}')
        assert closed_with(sock) == 1013


def test_a_stream_whose_key_is_revoked_is_closed(services, app, url):
    app.extensions[EXTENSION].recheck_seconds = 0.1
    key = services.store.access.create_key("ada")
    address = url.replace("ws://", "http://").replace("/ws/jobs", "/events?channels=jobs")
    with httpx.stream("GET", address, headers={"Authorization": f"Bearer {key}"}, timeout=10) as response:
        lines = response.iter_lines()
        assert next(lines) == "retry: 2000"
        services.store.access.revoke_key(key)
        said = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    assert [(message["type"], message.get("code")) for message in said] == [("hello", None), ("closed", 4401)]


def test_a_stream_is_kept_alive_by_its_position_without_a_message(services, app, url):
    app.extensions[EXTENSION].beat_seconds = 0.1
    key = services.store.access.create_key("ada")
    address = url.replace("ws://", "http://").replace("/ws/jobs", "/events?channels=jobs")
    with httpx.stream("GET", address, headers={"Authorization": f"Bearer {key}"}, timeout=10) as response:
        lines = response.iter_lines()
        while next(lines) != ":":
            pass
        assert [next(lines), next(lines)] == [f"id: {services.store.events.epoch}:jobs=0", ""]


def test_a_socket_that_a_ticket_opened_ends_after_its_time(services, app, url, monkeypatch):
    monkeypatch.setattr(auth, "TICKET_SOCKET_SECONDS", 0.3)
    app.extensions[EXTENSION].recheck_seconds = 0.1
    access = services.store.access
    ticket = access.issue_ticket(access.caller(access.create_key("ada")), "ws", seconds=30)
    with connect(f"{url}?ticket={ticket}") as sock:
        assert closed_with(sock) == 4401


def test_a_socket_that_a_ticket_opened_ends_with_the_key_that_the_ticket_stands_for(services, app, url):
    app.extensions[EXTENSION].recheck_seconds = 0.1
    access = services.store.access
    key, other = access.create_key("ada"), access.create_key("ada")
    with (
        connect(f"{url}?ticket={access.issue_ticket(access.caller(key), 'ws', seconds=30)}") as sock,
        connect(f"{url}?ticket={access.issue_ticket(access.caller(other), 'ws', seconds=30)}") as stays,
    ):
        access.revoke_key(key)
        assert closed_with(sock) == 4401
        stays.recv()
        stays.send('{"type":"ping"}')
        assert json.loads(stays.recv())["type"] == "pong"


def test_a_client_that_answers_no_ping_is_closed(services, app, url):
    app.config["SOCK_SERVER_OPTIONS"]["ping_interval"] = 0.2
    key = services.store.access.create_key("ada")
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=15) as sock:
        sock.sendall(
            f"GET {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {key}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        heard = b""
        while more := sock.recv(4096):
            heard += more
    assert b"\x89\x00" in heard, "it was asked"
    assert (1008).to_bytes(2, "big") + b"Ping/Pong timeout" in heard


def test_a_client_that_answers_pings_stays(services, app, url):
    app.config["SOCK_SERVER_OPTIONS"]["ping_interval"] = 0.1
    key = services.store.access.create_key("ada")
    with connect(url, additional_headers={"Authorization": f"Bearer {key}"}) as sock:
        sock.recv()
        time.sleep(0.6)
        sock.send('{"type":"ping"}')
        assert json.loads(sock.recv(timeout=5))["type"] == "pong"


def test_the_last_client_leaves_nothing_behind(services, app, url):
    relay = app.extensions[EXTENSION]
    key = services.store.access.create_key("ada")
    with connect(url, additional_headers={"Authorization": f"Bearer {key}"}) as sock:
        sock.recv()
        assert relay.stats() == {"sockets": 1, "channels": 1}
    deadline = time.monotonic() + 5
    while relay.stats() != {"sockets": 0, "channels": 0}:
        assert time.monotonic() < deadline
        time.sleep(0.01)
