"""A frame leaves whole or not at all."""

from __future__ import annotations

import hashlib
import socket
import threading
import time

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Ping, Pong, TextMessage

from app.web.wire import Wire, close_frame, text_frame


@pytest.fixture
def pair():
    with socket.create_server(("127.0.0.1", 0)) as server:
        far = socket.create_connection(server.getsockname())
        near, _ = server.accept()
    far.settimeout(10)
    with near, far:
        yield near, far


@pytest.fixture
def reader():
    """Reads frames as a client does, and refuses what RFC 6455 forbids."""
    return Connection(ConnectionType.CLIENT)


def events_in(reader, data):
    reader.receive_data(data)
    return list(reader.events())


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_text_frame_of_any_size_is_understood(reader, size):
    text = "ä" + "x" * size if size else ""
    parts = events_in(reader, text_frame(text))
    assert "".join(part.data for part in parts) == text
    assert parts[-1].message_finished


def test_a_close_frame_says_its_code_and_reason(reader):
    (event,) = events_in(reader, close_frame(4408, "too slow"))
    assert isinstance(event, CloseConnection)
    assert (event.code, event.reason) == (4408, "too slow")


def test_frames_from_several_threads_never_mix_even_when_the_reader_is_slow(pair, reader):
    near, far = pair
    wire = Wire(near)
    texts = [f"{number}:" + "x" * 300_000 for number in range(4)]

    def talk(text):
        for _ in range(3):
            wire.send(text_frame(text))

    def ping():
        for _ in range(20):
            wire.send(b"\x89\x00")
            time.sleep(0.005)

    def post():
        for _ in range(50):
            with wire.lock:
                wire.write_at_once(text_frame("posted" + "y" * 50_000))
            time.sleep(0.002)
        wire.send(b"")

    threads = [threading.Thread(target=talk, args=(text,)) for text in texts]
    threads += [threading.Thread(target=ping), threading.Thread(target=post)]
    for thread in threads:
        thread.start()
    whole, pings, part = [], 0, ""
    while pings < 20 or len([text for text in whole if not text.startswith("posted")]) < 12:
        time.sleep(0.001)
        for event in events_in(reader, far.recv(100_000)):
            if isinstance(event, Ping):
                pings += 1
            else:
                assert isinstance(event, TextMessage)
                part += event.data
                if event.message_finished:
                    whole.append(part)
                    part = ""
    for thread in threads:
        thread.join()
    digests = {hashlib.sha256(text.encode()).hexdigest() for text in [*texts, "posted" + "y" * 50_000]}
    assert {hashlib.sha256(text.encode()).hexdigest() for text in whole} <= digests


def test_a_client_that_takes_nothing_is_given_up(pair):
    near, _ = pair
    wire = Wire(near, stall_seconds=0.2)
    with pytest.raises(TimeoutError):
        wire.send(b"x" * 20_000_000)
    assert wire.closed
    assert wire.send(b"more") == 4, "nothing may follow half a frame"


def test_sending_at_once_never_waits(pair):
    near, _ = pair
    wire = Wire(near)
    began = time.monotonic()
    with wire.lock:
        while wire.write_at_once(text_frame("x" * 50_000)):
            pass
        assert not wire.write_at_once(b"y")
    assert time.monotonic() - began < 2


def test_nothing_follows_a_close_frame(pair, reader):
    near, far = pair
    wire = Wire(near)
    wire.send(b"\x8a\x00" + close_frame(1000, ""))  # a pong and a close in one piece, as simple-websocket sends them
    wire.send(text_frame("late"))
    wire.close()
    events = events_in(reader, far.recv(1000))
    assert [type(event) for event in events] == [Pong, CloseConnection]
    assert far.recv(1) == b""


def test_a_client_that_talks_without_listening_is_not_read_on(pair):
    near, far = pair
    wire = Wire(near)
    wire.backlog = [b"message"] * 100
    far.sendall(b"hello")
    got = []
    thread = threading.Thread(target=lambda: got.append(wire.recv(10)))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    wire.backlog = []
    thread.join(5)
    assert got == [b"hello"]


def test_closing_wakes_who_waits(pair):
    near, _ = pair
    wire = Wire(near)
    woken = threading.Event()
    wire.on_close = woken.set
    wire.close()
    wire.close()
    assert woken.is_set()
