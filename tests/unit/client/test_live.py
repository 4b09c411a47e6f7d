"""The listener against a small WebSocket server on a port of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from app.client import ApiError, LiveEvent, StillRunning, Unreachable
from app.client.alive import listen
from app.client.channels import Patience, Place, channels_of
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


def test_an_event_may_be_large(play: Callable[[Script], str]) -> None:
    def script(socket: ServerConnection, _: int) -> None:
        say(socket, type="hello", head=0, recovered=None)
        say(socket, **event(1, "position_update", positions=["x" * 1000] * 2000))
        socket.recv()

    with Listener(play(script), "key", "jobs/x") as listener:
        assert len(next(listener.events(timeout=5)).data["positions"]) == 2000


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


def test_several_channels_share_a_socket_each_with_its_filter(play: Callable[[Script], str]) -> None:
    asked: list[Any] = []

    def script(socket: ServerConnection, number: int) -> None:
        assert socket.request is not None
        asked.append((socket.request.path, json.loads(socket.recv())))
        say(socket, type="hello", channel="jobs", head=4, recovered=None)
        say(socket, **event(5, "job_queued"), channel="jobs")
        say(socket, type="hello", channel="signals", head=7, recovered=None)
        say(socket, type="cursor", channel="signals", seq=9)
        say(socket, **event(10, "signal_flip"), channel="signals")
        if number:
            socket.recv()

    wanted = {"jobs": {"type": ["job_queued", "job_failed"]}, "signals": {"symbol": "EURUSD"}}
    with Listener(play(script), "key", wanted) as listener:
        found = listener.events(timeout=5)
        first, second = next(found), next(found)
        assert (first.position, second.position) == ("e1:jobs=5", "e1:jobs=5,signals=10")
        again = listener.events(timeout=0.6)
        with pytest.raises(StillRunning):
            list(again)
    assert asked[0] == (
        "/ws/jobs?type=job_queued%2Cjob_failed",
        {"type": "subscribe", "channel": "signals", "filter": {"symbol": "EURUSD"}},
    )
    path, request = asked[1]
    assert path.startswith("/ws/jobs?epoch=e1&seq=5&")
    assert (request["epoch"], request["seq"]) == ("e1", 10)


def test_a_position_is_gone_on_from(play: Callable[[Script], str]) -> None:
    paths: list[str] = []

    def script(socket: ServerConnection, _: int) -> None:
        assert socket.request is not None
        paths.append(socket.request.path)
        say(socket, type="hello", channel="jobs", head=9, recovered=True)
        say(socket, **event(9, "job_queued"), channel="jobs")
        socket.recv()

    with Listener(play(script), "key", "jobs", since="e1:jobs=8,signals=3") as listener:
        assert take(listener, 1) == ["job_queued"]
    assert paths == ["/ws/jobs?epoch=e1&seq=8"]


def test_events_that_are_lost_for_good_are_told(play: Callable[[Script], str]) -> None:
    def script(socket: ServerConnection, _: int) -> None:
        say(socket, type="hello", channel="jobs", epoch="e2", head=40, recovered=False, resync="/api/v1/jobs")
        say(socket, **event(41, "job_queued"), channel="jobs", epoch="e2")
        socket.recv()

    with Listener(play(script), "key", "jobs", since="e1:jobs=8") as listener:
        found = listener.events(timeout=5)
        lost, queued = next(found), next(found)
    assert (lost.type, lost.data) == ("resync", {"resync": "/api/v1/jobs", "head": 40, "last": 8})
    assert (queued.type, queued.position) == ("job_queued", "e2:jobs=41")


def test_a_channel_that_is_refused_later_is_an_api_error(play: Callable[[Script], str]) -> None:
    def script(socket: ServerConnection, _: int) -> None:
        say(socket, type="hello", channel="jobs", head=0, recovered=None)
        say(socket, type="error", code="unknown_filter", message="There is no filter 'symbl'.", nearest="symbol")
        socket.recv()

    with pytest.raises(ApiError, match="symbl") as caught:
        Listener(play(script), "key", {"jobs": None, "signals": {"symbl": "x"}}).connect()
    assert (caught.value.code, caught.value.nearest) == ("unknown_filter", "symbol")


def test_asyncio_hears_the_same_across_a_lost_connection_and_stops_cleanly(play: Callable[[Script], str]) -> None:
    gone = threading.Event()

    def script(socket: ServerConnection, number: int) -> None:
        say(socket, type="hello", channel="jobs", head=number, recovered=True if number else None)
        say(socket, **event(1, "job_queued"), channel="jobs")
        if number == 0:
            return
        say(socket, **event(2, "job_succeeded"), channel="jobs")
        try:
            socket.recv()
        finally:
            gone.set()

    async def take_two(url: str) -> list[tuple[str, str]]:
        found = []
        stream = listen(url, "key", Place({"jobs": None}))
        async for heard in stream:
            found.append((heard.type, heard.position))
            if len(found) == 2:
                break
        await stream.aclose()
        return found

    assert asyncio.run(take_two(play(script))) == [("job_queued", "e1:jobs=1"), ("job_succeeded", "e1:jobs=2")]
    assert gone.wait(5)


def test_a_connection_that_was_opened_again_is_not_lost_however_silent_it_was(
    play: Callable[[Script], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(socket: ServerConnection, number: int) -> None:
        say(socket, type="hello", head=0, recovered=True if number else None)
        if number % 4 == 3:
            say(socket, **event(number, "job_queued"))
            socket.recv()

    async def take_one(url: str) -> int | None:
        async with aclosing(listen(url, "key", Place({"jobs/x": None}))) as stream:
            async for heard in stream:
                return heard.seq
        return None

    for module in ("live", "alive"):
        monkeypatch.setattr(f"app.client.{module}.Patience", lambda url: Patience(url, 0.0))
    url = play(script)
    with Listener(url, "key", "jobs/x") as listener:
        assert next(listener.events(timeout=5)).seq == 3
    assert asyncio.run(take_one(url)) == 7


def test_a_filter_holds_for_all_channels_and_that_of_one_has_the_last_word() -> None:
    filters = {"signals": {"symbol": "EURUSD"}, "alerts": {"type": ["drawdown"], "severity": "critical"}, "jobs": None}
    assert channels_of(filters, {"severity": "warning"}) == {
        "signals": {"severity": "warning", "symbol": "EURUSD"},
        "alerts": {"type": ["drawdown"], "severity": "critical"},
        "jobs": {"severity": "warning"},
    }


def test_pauses_grow_are_never_the_same_and_end() -> None:
    patience = Patience("ws://x", 60.0)
    pauses = [patience.pause_after(OSError()) for _ in range(8)]
    assert all(0.05 * 2**number <= pause <= 0.1 * 2**number for number, pause in enumerate(pauses[:5]))
    assert max(pauses) <= 5.0
    impatient = Patience("ws://x", 0.0)
    impatient.pause_after(OSError())
    with pytest.raises(Unreachable, match="does not come back"):
        impatient.pause_after(OSError())


@pytest.mark.parametrize("text", ["5", "e1", "e1:", "e1:jobs", "e1:jobs=x", "e1:jobs=1,"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no position"):
        Place({"jobs": None}, since=text)
