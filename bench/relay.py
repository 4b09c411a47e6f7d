"""Fan-out of 200-byte events: our relay beside a plain one, which has a queue per client and encodes for each.

    python -m bench.relay [clients ...]

Server, publisher and clients share the machine, so read the ratio and not the figures. A burst counts deliveries per
second; the steady part makes up to 20,000 deliveries a second and measures from publish to arrival.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SIZE = 200
BURST_EVENTS = 400
STEADY_EVENTS = 200
STEADY_DELIVERIES = 20_000
CHANNEL = "jobs:bench"


def serve_ours() -> None:
    from app.settings import Settings
    from app.web.server import run_relay

    run_relay(Settings.from_env())


def serve_plain() -> None:
    """What one writes first: a list of queues, and every client's thread encodes for itself."""
    from gunicorn.app.base import BaseApplication

    from app.settings import Settings

    settings = Settings.from_env()

    class Plain(BaseApplication):
        def load_config(self) -> None:
            options = {
                "bind": f"127.0.0.1:{settings.relay_port}",
                "worker_class": "gevent",
                "worker_connections": 5000,
                "control_socket_disable": True,
                "loglevel": "error",
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> object:
            from flask import Flask
            from flask_sock import Sock

            from app.bus import RedisBus

            queues: set[queue.Queue[dict[str, object]]] = set()
            app = Flask("plain")
            app.config["SOCK_SERVER_OPTIONS"] = {"ping_interval": 25}

            def listen() -> None:
                with RedisBus(settings.redis_url).subscribe() as ear:
                    while True:
                        news = ear.next(1.0)
                        if news:
                            event = json.loads(news.frame)
                            for waiting in list(queues):
                                waiting.put(event)

            @Sock(app).route("/ws/jobs")
            def jobs(ws: object) -> None:
                mine: queue.Queue[dict[str, object]] = queue.Queue()
                ws.send('{"type":"hello"}')
                queues.add(mine)
                try:
                    while True:
                        ws.send(json.dumps(mine.get(), separators=(",", ":")))
                finally:
                    queues.discard(mine)

            threading.Thread(target=listen, daemon=True).start()
            return app

    Plain().run()


@dataclass
class Place:
    environ: dict[str, str]
    port: int
    key: str


@contextlib.contextmanager
def place(kind: str) -> Iterator[Place]:
    """A server of one kind with its own queue server and database."""
    from app import schema
    from app.embedded.ports import any_free
    from app.embedded.queue import find_binary
    from app.store import Store

    with tempfile.TemporaryDirectory() as home:
        bus, port = any_free(), any_free()
        environ = os.environ | {
            "QUEUANT_HOME": home,
            "REDIS_URL": f"redis://127.0.0.1:{bus}/0",
            "QUEUANT_RELAY_PORT": str(port),
            "DATABASE_URL": f"sqlite:///{home}/bench.db",
            "QUEUANT_LOG_LEVEL": "ERROR",
        }
        store = Store(environ["DATABASE_URL"])
        schema.upgrade(store)
        key = store.access.create_key("bench")
        store.close()
        valkey = [str(find_binary()), "--port", str(bus), "--dir", home, "--save", ""]
        commands = (valkey, [sys.executable, "-m", "bench.relay", f"--serve-{kind}"])
        processes = [
            subprocess.Popen(line, env=environ, stdout=subprocess.DEVNULL, start_new_session=True) for line in commands
        ]
        try:
            yield Place(environ, port, key)
        finally:
            for process in processes:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(15)


def open_socket(at: Place) -> socket.socket:
    """A client that is only a socket: a real one would cost more than the server."""
    for _ in range(100):
        try:
            sock = socket.create_connection(("127.0.0.1", at.port), timeout=10)
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    sock.sendall(
        f"GET /ws/jobs HTTP/1.1\r\nHost: 127.0.0.1:{at.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Authorization: Bearer {at.key}\r\n\r\n".encode()
    )
    answer = b""
    while b"hello" not in answer or not answer.endswith(b"}"):
        answer += sock.recv(65536)
    sock.setblocking(False)
    return sock


class Crowd(threading.Thread):
    """Counts whole frames by their size and, when asked, notes when each arrived; as little work as Python allows."""

    def __init__(self, sockets: list[socket.socket], events: int, *, stamps: bool) -> None:
        super().__init__()
        self.sockets = {sock.fileno(): sock for sock in sockets}
        self.want = events * (SIZE + 4)
        self.stamps = stamps
        self.arrivals: list[tuple[int, float]] = []
        self.ended = 0.0

    def run(self) -> None:
        got = dict.fromkeys(self.sockets, 0)
        receive = {number: sock.recv_into for number, sock in self.sockets.items()}
        buffer = bytearray(262_144)
        patience = time.monotonic() + 60
        left = len(got)
        with select.epoll() as poll:
            for number in got:
                poll.register(number, select.EPOLLIN)
            while left and time.monotonic() < patience:
                for number, _ in poll.poll(1.0, 4096):
                    before = got[number]
                    after = got[number] = before + receive[number](buffer)
                    if self.stamps:
                        now = time.monotonic()
                        frames = range(before // (SIZE + 4), after // (SIZE + 4))
                        self.arrivals.extend((frame, now) for frame in frames)
                    if before < self.want <= after:
                        left -= 1
        if left:
            raise SystemExit(f"{left} clients did not get everything")
        self.ended = time.monotonic()


def frame_of(seq: int) -> str:
    bare = json.dumps({"v": 1, "seq": seq, "channel": "jobs", "type": "job_queued", "pad": ""}, separators=(",", ":"))
    return bare[:-2] + "x" * (SIZE - len(bare)) + '"}'


def publish(at: Place, first: int, count: int, rate: float | None) -> list[float]:
    import redis

    from app.bus import TOPIC, News

    times = []
    with redis.Redis.from_url(at.environ["REDIS_URL"]) as client:
        for number in range(count):
            times.append(time.monotonic())
            client.publish(TOPIC, News(CHANNEL, first + number, frame_of(first + number)).encode())
            if rate:
                time.sleep(max(0.0, times[0] + (number + 1) / rate - time.monotonic()))
            elif number % 50 == 49:
                time.sleep(0.02)  # a burst, but not one that a client's bounded outbox must refuse
    return times


def measure(kind: str, clients: int) -> tuple[float, float, float, float]:
    """Deliveries per second in a burst, p50 and p99 in milliseconds, memory in MiB."""
    with place(kind) as at:
        sockets = [open_socket(at) for _ in range(clients)]
        time.sleep(1.0)
        crowd = Crowd(sockets, BURST_EVENTS, stamps=False)
        crowd.start()
        began = publish(at, 1, BURST_EVENTS, None)[0]
        crowd.join()
        burst = clients * BURST_EVENTS / (crowd.ended - began)
        crowd = Crowd(sockets, STEADY_EVENTS, stamps=True)
        crowd.start()
        times = publish(at, 1 + BURST_EVENTS, STEADY_EVENTS, min(50.0, STEADY_DELIVERIES / clients))
        crowd.join()
        delays = sorted((when - times[number]) * 1000 for number, when in crowd.arrivals)
        memory = server_memory(at.port)
        for sock in sockets:
            sock.close()
        return burst, statistics.median(delays), delays[int(len(delays) * 0.99)], memory


def server_memory(port: int) -> float:
    """Resident MiB of the largest process that names the port in its environment (Linux)."""
    best = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"QUEUANT_RELAY_PORT={port}\0".encode() in (folder / "environ").read_bytes():
                best = max(best, int((folder / "statm").read_text().split()[1]) * 4096 / 2**20)
    return best


def main() -> None:
    roles = {"--serve-ours": serve_ours, "--serve-plain": serve_plain}
    if sys.argv[1:] and sys.argv[1] in roles:
        roles[sys.argv[1]]()
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clients", nargs="*", type=int, default=[200, 500], help="how many listen at once")
    asked = parser.parse_args()
    print(f"{'clients':>8} {'relay':<8} {'burst deliveries/s':>19} {'p50 ms':>8} {'p99 ms':>8} {'MiB':>6}")
    for clients in asked.clients:
        figures = {kind: measure(kind, clients) for kind in ("plain", "ours")}
        for kind, (burst, p50, p99, memory) in figures.items():
            print(f"{clients:>8} {kind:<8} {burst:>19,.0f} {p50:>8.1f} {p99:>8.1f} {memory:>6.0f}")
        print(f"{clients:>8} ratio of bursts: {figures['ours'][0] / figures['plain'][0]:.2f}")


if __name__ == "__main__":
    main()
