"""The listener against a small WebSocket server on a port of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from app.client import ApiError, LiveEvent, StillRunning, Unreachable
from app.client.live import Listener

Script = Callable[[ServerConnection, int], None]


@pytest.fixture
def play() -> Iterator[Callable[[Script], str]]:
    """Start a server that plays a script for each connection, given its number; returns its URL."""
    servers = []

    def start(script: Script) -> str:
        count = iter(range(100))

        def handle(socket: ServerConnection) -> None:
            try:
                script(socket, next(count))
            except ConnectionClosed:
                return

        server = serve(handle, "127.0.0.1", 0)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"ws://127.0.0.1:{server.socket.getsockname()[1]}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join(5)


def say(socket: ServerConnection, **message: Any) -> None:
    socket.send(json.dumps({"v": 1, "epoch": "e1", "channel": "jobs/x", "at": "2020-01-01T00:00:00Z", **message}))


def event(seq: int | None, kind: str, **data: Any) -> dict[str, Any]:
    told = {"type": kind, "data": {"job_id": "x", **data}}
    return told if seq is None else told | {"seq": seq}


def take(listener: Listener, count: int) -> list[str]:
    found = []
    for heard in listener.events(timeout=5):
        found.append(heard.type)
        if len(found) == count:
            break
    return found


def test_events_come_in_order_and_once(play: Callable[[Script], str]) -> None:
    def script(socket: ServerConnection, _: int) -> None:
        say(socket, type="hello", head=0, recovered=None)
        say(socket, **event(1, "job_queued"))
        say(socket, **event(1, "job_queued"))
        say(socket, **event(2, "job_running"))
        say(socket, **event(None, "job_progress", fraction=0.5))
        say(socket, **event(3, "job_succeeded"))
        socket.recv()

    with Listener(play(script), "key", "jobs/x") as listener:
        assert take(listener, 4) == ["job_queued", "job_running", "job_progress", "job_succeeded"]


def test_rows_of_a_search_are_heard_and_answers_of_the_relay_are_no_events(play: Callable[[Script], str]) -> None:
    def script(socket: ServerConnection, _: int) -> None:
        say(socket, type="hello", head=0, recovered=None)
        say(socket, type="pong")
        say(socket, **event(None, "trial_rows", trials=2, rows=[]))
        say(socket, **event(1, "job_succeeded"))
        socket.recv()

    with Listener(play(script), "key", "jobs/x") as listener:
        assert take(listener, 2) == ["trial_rows", "job_succeeded"]


def test_the_key_goes_into_the_header_and_never_into_the_address(play: Callable[[Script], str]) -> None:
    seen: list[Any] = []

    def script(socket: ServerConnection, _: int) -> None:
        assert socket.request is not None
        seen.append((socket.request.path, socket.request.headers["Authorization"]))
        say(socket, type="hello", head=0, recovered=None)
        say(socket, **event(1, "job_queued"))
        socket.recv()

    with Listener(play(script), "key", "jobs") as listener:
        take(listener, 1)
    assert seen == [("/ws/jobs", "Bearer key")]


def test_a_lost_connection_is_resumed_where_it_stopped(play: Callable[[Script], str]) -> None:
    paths: list[str] = []

    def script(socket: ServerConnection, number: int) -> None:
        assert socket.request is not None
        paths.append(socket.request.path)
        if number == 0:
            say(socket, type="hello", head=0, recovered=None)
            say(socket, **event(1, "job_queued"))
            return
        say(socket, type="hello", head=2, recovered=True)
        say(socket, **event(2, "job_succeeded"))
        socket.recv()

    with Listener(play(script), "key", "jobs/x") as listener:
        assert take(listener, 2) == ["job_queued", "job_succeeded"]
    assert paths == ["/ws/jobs/x", "/ws/jobs/x?epoch=e1&seq=1"]


def test_what_was_before_the_connection_is_read_from_the_log(play: Callable[[Script], str]) -> None:
    log = [
        LiveEvent.of({"epoch": "e1", "channel": "jobs/x", **event(seq, kind)})
        for seq, kind in ((1, "job_queued"), (2, "job_running"))
    ]

    def script(socket: ServerConnection, _: int) -> None:
        say(socket, type="hello", head=2, recovered=None)
        say(socket, **event(3, "job_succeeded"))
        socket.recv()

    listener = Listener(play(script), "key", "jobs/x", missed=lambda seq: log[seq:])
    with listener:
        assert take(listener, 3) == ["job_queued", "job_running", "job_succeeded"]


def test_a_gap_that_the_relay_cannot_replay_is_read_from_the_log(play: Callable[[Script], str]) -> None:
    asked: list[int] = []

    def missed(seq: int) -> list[LiveEvent]:
        asked.append(seq)
        return [LiveEvent.of({"epoch": "e1", "channel": "jobs/x", **event(2, "job_running")})]

    def script(socket: ServerConnection, number: int) -> None:
        if number == 0:
            say(socket, type="hello", head=0, recovered=None)
            say(socket, **event(1, "job_queued"))
            return
        say(socket, type="hello", head=2, recovered=False, resync="/api/v1/jobs/x")
        socket.recv()

    with Listener(play(script), "key", "jobs/x", missed=missed) as listener:
        assert take(listener, 2) == ["job_queued", "job_running"]
    assert asked == [1]


def test_silence_ends_when_the_time_given_is_over(play: Callable[[Script], str]) -> None:
    def script(socket: ServerConnection, _: int) -> None:
        say(socket, type="hello", head=0, recovered=None)
        socket.recv()

    with Listener(play(script), "key", "jobs") as listener, pytest.raises(StillRunning):
        list(listener.events(timeout=0.1))


def test_a_refused_key_is_an_api_error() -> None:
    problem = {"code": "unauthorized", "detail": "This key is not valid."}

    def refuse(socket: ServerConnection, _: Any) -> Any:
        response = socket.respond(401, json.dumps(problem))
        response.headers["Content-Type"] = "application/problem+json"
        return response

    with serve(lambda _: None, "127.0.0.1", 0, process_request=refuse) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        with pytest.raises(ApiError, match="not valid") as caught:
            Listener(url, "key", "jobs").connect()
        server.shutdown()
        thread.join(5)
    assert caught.value.status == 401


def test_no_relay_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="ws://127"):
        Listener("ws://127.0.0.1:9", "key", "jobs").connect()
