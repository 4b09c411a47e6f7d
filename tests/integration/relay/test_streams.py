"""Server-Sent Events: the same channels, cursors and caps as sockets, on both servers."""

from __future__ import annotations

import contextlib
import json
import socket
import time

import httpx
import pytest


class Reader:
    """A client of one stream: its messages, each with the id that stood before it."""

    def __init__(self, live, **options):
        headers = {"Authorization": f"Bearer {live.key}"} | options.pop("headers", {})
        self._stack = live.sockets
        client = self._stack.enter_context(httpx.Client(timeout=10, headers=headers))
        url = f"http://127.0.0.1:{live.port}/events"
        self.response = self._stack.enter_context(client.stream("GET", url, params=options))
        self._lines = self.response.iter_lines()
        self.id = ""

    def blocks(self):
        """Each block of lines as a list."""
        block = []
        for line in self._lines:
            if line:
                block.append(line)
                continue
            for item in block:
                if item.startswith("id: "):
                    self.id = item[4:]
            yield block
            block = []

    def hear(self, count):
        messages = []
        for block in self.blocks():
            messages += [json.loads(line[6:]) for line in block if line.startswith("data: ")]
            if len(messages) == count:
                return messages
        raise AssertionError(f"the stream ended after {messages}")


def refusal(live, headers=None, **params):
    given = {"Authorization": f"Bearer {live.key}"} if headers is None else headers
    reply = httpx.get(f"http://127.0.0.1:{live.port}/events", params=params, headers=given)
    assert reply.headers["Content-Type"] == "application/problem+json"
    return reply.status_code, reply.json()["code"]


def seqs(messages):
    return [message["seq"] for message in messages]


def test_a_stream_carries_several_channels_and_its_id_resumes_them_all(live):
    job, _ = live.services.jobs.submit(live.owner, "backtest", {"seed": 1})
    reader = Reader(live, channels=f"jobs,jobs/{job.id}")
    assert reader.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert reader.response.headers["Cache-Control"] == "no-store"
    hellos = reader.hear(2)
    assert [(hello["type"], hello["channel"], hello["head"]) for hello in hellos] == [
        ("hello", "jobs", 1),
        ("hello", f"jobs/{job.id}", 1),
    ]
    epoch = live.services.store.events.epoch
    assert reader.id == f"{epoch}:jobs=1,jobs/{job.id}=1"
    live.services.jobs.cancel(job.id, live.owner)
    heard = reader.hear(2)
    assert sorted(message["channel"] for message in heard) == ["jobs", f"jobs/{job.id}"]
    assert reader.id == f"{epoch}:jobs=2,jobs/{job.id}=2"
    live.say(3)
    again = Reader(live, channels=f"jobs,jobs/{job.id}", headers={"Last-Event-ID": reader.id})
    hellos = again.hear(2)
    assert [hello["recovered"] for hello in hellos] == [True, True]
    assert seqs(again.hear(3)) == [3, 4, 5]


def test_a_stream_begins_with_how_long_to_wait_before_the_next(relay):
    reader = Reader(relay, channels="jobs")
    assert next(reader.blocks()) == ["retry: 2000"]


def test_a_position_of_another_log_is_told_where_to_resync(relay):
    reader = Reader(relay, channels="jobs", last_event_id="another:jobs=1")
    (hello,) = reader.hear(1)
    assert (hello["recovered"], hello["resync"]) == (False, "/api/v1/jobs")


def test_a_filter_on_a_stream_holds_back_and_moves_the_id_on(new_live):
    live = new_live("relay")
    reader = Reader(live, channels="jobs", type="job_cancelled")
    reader.hear(1)
    live.say(3)
    job, _ = live.services.jobs.submit(live.owner, "backtest", {"seed": 1})
    live.services.jobs.cancel(job.id, live.owner)
    assert [message["type"] for message in reader.hear(1)] == ["job_cancelled"]
    assert reader.id.endswith(":jobs=5")


def test_what_cannot_be_streamed_is_refused_before_the_first_byte(live):
    assert refusal(live, headers={}, channels="jobs") == (401, "unauthorized")
    assert refusal(live) == (422, "invalid_request")
    assert refusal(live, channels="jobbs") == (422, "unknown_channel")
    assert refusal(live, channels="jobs/nobody") == (404, "unknown_job")
    assert refusal(live, channels="jobs", symbol="EURUSD") == (422, "unknown_filter")
    assert refusal(live, channels="jobs", typ="job_queued") == (422, "unknown_filter")
    assert refusal(live, channels="jobs", type="job_quued") == (422, "unknown_type")
    assert refusal(live, channels="signals", strategy="sma_cros") == (422, "unknown_strategy")
    assert refusal(live, channels="jobs", last_event_id="nonsense") == (422, "bad_position")
    key = {"Authorization": f"Bearer {live.key}", "Origin": "https://evil.example"}
    assert refusal(live, headers=key, channels="jobs") == (403, "origin_refused")


def test_a_ticket_opens_one_stream(live):
    access = live.services.store.access
    ticket = access.issue_ticket(access.caller(live.key), "ws", seconds=30)
    url = f"http://127.0.0.1:{live.port}/events"
    with httpx.stream("GET", url, params={"channels": "jobs", "ticket": ticket}) as it:
        assert it.status_code == 200
    assert refusal(live, headers={}, channels="jobs", ticket=ticket) == (401, "unauthorized")
    assert ticket not in live.log.read_text()


def test_head_asks_and_opens_nothing(live):
    url = f"http://127.0.0.1:{live.port}/events?channels=jobs"
    reply = httpx.head(url, headers={"Authorization": f"Bearer {live.key}"}, timeout=5)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")


@pytest.mark.parametrize("role", ["api", "relay"])
def test_streams_and_sockets_share_the_places_and_one_that_leaves_makes_room(new_live, hear, role):
    cap = {"api": "QUEUANT_API_SOCKETS", "relay": "QUEUANT_RELAY_SOCKETS"}[role]
    live = new_live(role, **{cap: "2"})
    hear(live.connect())
    url, key = f"http://127.0.0.1:{live.port}/events?channels=jobs", {"Authorization": f"Bearer {live.key}"}
    with httpx.stream("GET", url, headers=key) as response:
        lines = response.iter_lines()  # held: an iterator that is let go of closes its response
        assert next(lines) == "retry: 2000"
        assert refusal(live, channels="jobs") == (503, "too_many_sockets")
        assert httpx.get(f"http://127.0.0.1:{live.port}/healthz").status_code == 200
    deadline = time.monotonic() + 25
    while httpx.head(url, headers=key).status_code != 200:
        live.say()  # whoever has gone is found out when something is sent, at the latest with the next beat
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_owner_cannot_take_all_places(new_live, hear):
    live = new_live("relay", QUEUANT_OWNER_SOCKETS="2")
    hear(live.connect())
    reader = Reader(live, channels="jobs")  # its place is given back when nobody holds it any more
    reader.hear(1)
    assert refusal(live, channels="jobs") == (429, "too_many_connections")
    bob = live.services.store.access.create_key("bob")
    hear(live.connect(headers={"Authorization": f"Bearer {bob}"}))


def test_a_reader_that_does_not_read_is_cut_off_and_others_hear_on(live, hear):
    with socket.create_connection(("127.0.0.1", live.port)) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
        slow.sendall(
            f"GET /events?channels=jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {live.key}\r\n\r\n".encode()
        )
        while b"hello" not in slow.recv(4096):
            pass
        quick = live.connect(options={"max_queue": None})
        hear(quick)
        total = 1200
        for number in range(1, total + 1):
            live.say(text="x" * 4000)
            assert seqs(hear(quick)) == [number]
        slow.settimeout(20)
        received = b""
        with contextlib.suppress(ConnectionError):
            while more := slow.recv(1 << 20):
                received += more
    assert received.count(b"data: ") < total


def test_a_stopping_server_says_so(new_live):
    live = new_live("relay")
    reader = Reader(live, channels="jobs")
    reader.hear(1)
    live.process.terminate()
    (closed,) = reader.hear(1)
    assert (closed["type"], closed["code"]) == ("closed", 1001)
