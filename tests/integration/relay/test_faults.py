"""Nothing is missed when the relay, the queue server or a client fails."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time

import httpx
import pytest
import redis
from websockets.exceptions import InvalidStatus, WebSocketException

from app.bus import TOPIC, News

FRAME_TEXT = "x" * 4000


def seqs(messages):
    return [message["seq"] for message in messages]


def test_clients_of_a_killed_relay_resume_without_a_gap(new_live, hear):
    live = new_live("relay")
    seen = {number: [] for number in range(4)}
    done = threading.Event()

    def follow(number):
        """A client that comes back with its last position, as the Python client and the dashboard do."""
        position = {}
        while not done.is_set() or seen[number][-1:] != [total]:
            try:
                sock = live.connect(**position)
                while True:
                    (message,) = hear(sock, timeout=0.5)
                    if message["type"] == "hello":
                        position = {"epoch": message["epoch"], "seq": position.get("seq", message["head"])}
                        assert message["recovered"] in (True, None)
                    else:
                        seen[number].append(message["seq"])
                        position["seq"] = message["seq"]
            except (WebSocketException, OSError, TimeoutError):  # closed, or in the middle of a handshake
                time.sleep(0.05)

    total = 300
    clients = [threading.Thread(target=follow, args=(number,)) for number in seen]
    for client in clients:
        client.start()
    time.sleep(0.5)
    publisher = threading.Thread(target=lambda: [(live.say(), time.sleep(0.005)) for _ in range(total)])
    publisher.start()
    time.sleep(0.6)
    live.kill()
    live.start()
    publisher.join()
    done.set()
    for client in clients:
        client.join(30)
        assert not client.is_alive()
    assert all(numbers == list(range(1, total + 1)) for numbers in seen.values())


@pytest.mark.parametrize("role", ["api", "relay"])
def test_nothing_is_missed_while_the_queue_server_is_away(new_live, queue_server, hear, role):
    live = new_live(role, queue_url=queue_server.url)
    sock = live.connect()
    hear(sock)
    live.say(3)
    assert seqs(hear(sock, 3)) == [1, 2, 3]
    queue_server.kill()
    live.say(4, publish=False)
    assert seqs(hear(sock, 4)) == [4, 5, 6, 7], "the event log is asked when the bus is silent"
    queue_server.process = restart(queue_server)
    live.say(3, publish=False)
    deadline = time.monotonic() + 15
    count = live_subscribers(queue_server.url)
    while count == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
        count = live_subscribers(queue_server.url)
    assert count == 1, "the relay listens again"
    began = time.monotonic()
    live.say(2)
    assert seqs(hear(sock, 5)) == [8, 9, 10, 11, 12]
    assert time.monotonic() - began < 1.5
    queue_server.process.kill()
    queue_server.process.wait(10)


def restart(server):
    old = server.process
    return subprocess.Popen(old.args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def live_subscribers(url):
    try:
        with redis.Redis.from_url(url, socket_timeout=1) as client:
            return client.pubsub_numsub("bt:events")[0][1]
    except redis.ConnectionError:
        return 0


def test_a_client_that_does_not_read_is_closed_with_4408_and_others_hear_on(live, hear, hear_out):
    slow = live.connect(options={"max_queue": 1, "ping_interval": None})
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
    quick = live.connect(options={"max_queue": None})
    hear(slow)
    hear(quick)
    # More than twice what the ring and all buffers hold. It must read again before it counts as gone.
    total, worst = 700, 0.0
    for number in range(1, total + 1):
        live.say(text=FRAME_TEXT)
        began = time.monotonic()
        assert seqs(hear(quick)) == [number]
        worst = max(worst, time.monotonic() - began)
    messages, code = hear_out(slow)
    received = seqs(messages)
    assert code == 4408
    assert received == list(range(1, len(received) + 1)), "what it did get is whole and in order"
    assert len(received) < total
    assert worst < 1.0
    again = live.connect(epoch=live.services.store.events.epoch, seq=received[-1])
    (hello,) = hear(again)
    assert hello["recovered"] is True
    assert seqs(hear(again, total - received[-1])) == list(range(received[-1] + 1, total + 1))


def test_frames_to_a_slow_reader_are_whole_with_pings_in_between(live, hear):
    """More than one MiB, in frames larger than any buffer, to a client that sleeps, while its pings are answered."""
    sock = live.connect(options={"max_queue": 1, "max_size": None, "ping_interval": 0.05, "ping_timeout": None})
    sock.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    hear(sock)
    text = "".join(chr(97 + number % 26) for number in range(150_000))
    writer = threading.Thread(target=live.say, args=(8,), kwargs={"text": text})
    writer.start()
    messages = []
    for _ in range(8):
        time.sleep(0.25)
        messages += hear(sock)
    writer.join()
    assert seqs(messages) == list(range(1, 9))
    assert all(message["data"]["text"] == text for message in messages)


def test_progress_is_passed_on_and_never_delays_a_state(live, hear):
    job, _ = live.services.jobs.submit(live.owner, "backtest", {"seed": 1})
    claim = live.services.jobs.claim(job.id, lease_owner="w1")
    sock = live.connect(f"/ws/jobs/{job.id}")
    hear(sock)
    for done in range(300):
        live.services.jobs.tell_progress(claim, {"done": done, "total": 300}, 1.75e9)
    live.services.jobs.cancel(job.id, live.owner)
    messages = []
    while not messages or messages[-1]["type"] != "job_cancelling":
        messages += hear(sock)
    progress = [message["data"]["done"] for message in messages if message["type"] == "job_progress"]
    assert progress == sorted(progress)
    assert progress[-1] == 299


def test_a_client_that_vanishes_leaves_its_place(new_live, hear):
    live = new_live("relay", QUEUANT_RELAY_SOCKETS="1")
    sock = live.connect()
    hear(sock)
    sock.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.socket.shutdown(socket.SHUT_RDWR)
    deadline = time.monotonic() + 10
    while True:
        try:
            assert json.loads(live.connect().recv(timeout=5))["type"] == "hello"
            return
        except InvalidStatus:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_flood_of_news_does_not_keep_the_relay_from_answering(relay, hear):
    sock = relay.connect()
    hear(sock)
    with redis.Redis.from_url(relay.environ["REDIS_URL"]) as client:
        pipeline = client.pipeline(transaction=False)
        for number in range(60_000):
            pipeline.publish(TOPIC, News("jobs:nobody", number, '{"a":"flood"}').encode())
        (event,) = relay.say(publish=False)
        pipeline.publish(TOPIC, News.of(event).encode())
        flood = threading.Thread(target=pipeline.execute)
        flood.start()
        began = time.monotonic()
        assert httpx.get(f"http://127.0.0.1:{relay.port}/healthz", timeout=30).status_code == 200
        answered = time.monotonic() - began
        hear(sock, timeout=30)
        assert answered < max(1.0, (time.monotonic() - began) / 2)
        flood.join()
