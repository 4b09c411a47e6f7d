"""The API has few threads: no client may hold one, or the loop that accepts the others, by being slow."""

from __future__ import annotations

import contextlib
import socket
import time

import httpx
import pytest

THREADS = 6


@pytest.fixture
def api(new_live):
    return new_live("api", QUEUANT_API_THREADS=str(THREADS), QUEUANT_API_SOCKETS="1")


@pytest.fixture
def say(api):
    """Opens connections that stay, and sends the same bytes on each."""
    with contextlib.ExitStack() as stack:

        def many(text, count=1):
            socks = [socket.create_connection(("127.0.0.1", api.port), timeout=30) for _ in range(count)]
            for sock in socks:
                stack.enter_context(sock).sendall(text.replace("\n", "\r\n").encode())
            return socks

        yield many


def seconds_of_a_look(api):
    started = time.monotonic()
    assert httpx.get(f"http://127.0.0.1:{api.port}/healthz", timeout=30).status_code == 200
    return time.monotonic() - started


def test_clients_that_never_finish_their_headers_are_let_go(api, say):
    say("GET /healthz HTTP/1.1\nHost: x\nX-Slow: ", THREADS)
    time.sleep(0.2)
    assert seconds_of_a_look(api) < 10


def test_clients_that_never_finish_their_body_are_let_go(api, say):
    (first, *_) = say(
        f"POST /api/v1/backtest/run HTTP/1.1\nHost: x\nAuthorization: Bearer {api.key}\n"
        "Content-Type: application/json\nContent-Length: 100\n\n{",
        THREADS,
    )
    time.sleep(0.2)
    assert seconds_of_a_look(api) < 20
    assert first.recv(100).startswith(b"HTTP/1.1 400 ")


def test_clients_that_do_not_close_their_side_keep_nobody_waiting(api, say):
    for sock in say("GET /healthz HTTP/1.1\nHost: x\nConnection: close\n\n", 3):
        assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
    assert seconds_of_a_look(api) < 1


@pytest.mark.parametrize("size", ["zz", "-5"])
def test_a_broken_chunk_is_a_bad_request(api, say, size):
    (sock,) = say(
        f"POST /api/v1/backtest/run HTTP/1.1\nHost: x\nAuthorization: Bearer {api.key}\n"
        f"Content-Type: application/json\nTransfer-Encoding: chunked\n\n2\n{{}}\n{size}\n"
    )
    reply = sock.recv(4096)
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in reply
