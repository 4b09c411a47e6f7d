"""Fan-out of 200-byte events: our relay beside plain ones, in the same run.

    python -m bench.relay [clients ...] [--kinds relay fastapi] [--rounds 3] [--rate 100] [--stuck]

    relay     ours: gevent
    threads   ours in the API's role: gthread, with as many threads as it needs
    plain     flask-sock on gevent: a queue for each client, whose thread encodes for itself
    fastapi   uvicorn: a set of clients, each event sent to each in turn
    deflate   the same with per-message deflate

Server, publisher and clients share the machine, so read ratios within a round and not figures. A burst counts
deliveries a second; `one` is from publish to arrival of single events to all, `steady` of events at a rate (at most
50,000 deliveries a second). With --stuck one more client never reads. FastAPI lives in an environment
of its own below the user's cache folder.
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
BURST_EVENTS, BURST_DELIVERIES = 400, 800_000
FILLING_EVENTS = 2_500  # more than the kernel keeps for a client that does not read
ONE_EVENTS, ONE_RATE = 20, 4.0
STEADY_SECONDS, STEADY_RATE, STEADY_DELIVERIES = 6.0, 100.0, 50_000
CHANNEL = "jobs:bench"
FASTAPI = {"fastapi": ("fastapi==0.*", "uvicorn[standard]==0.*", "redis>=8.1,<9")}


def serve_relay() -> None:
    from app.settings import Settings
    from app.web.server import run_relay

    run_relay(Settings.from_env())


def serve_threads() -> None:
    from app.settings import Settings
    from app.web.server import run_api

    run_api(Settings.from_env())


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
    deflate: bool


@contextlib.contextmanager
def place(kind: str, clients: int) -> Iterator[Place]:
    """A server of one kind with its own queue server and database."""
    from app import schema
    from app.embedded.ports import any_free
    from app.embedded.queue import find_binary
    from app.store import Store

    with tempfile.TemporaryDirectory() as home:
        bus, port = any_free(), any_free()
        environ = (
            os.environ
            | {
                "QUEUANT_HOME": home,
                "REDIS_URL": f"redis://127.0.0.1:{bus}/0",
                "QUEUANT_RELAY_PORT": str(port),
                "DATABASE_URL": f"sqlite:///{home}/bench.db",
                "QUEUANT_PORT": str(port),
                "QUEUANT_LOG_LEVEL": "ERROR",
                "QUEUANT_OWNER_SOCKETS": "100000",
                "QUEUANT_RELAY_SOCKETS": "100000",
                "QUEUANT_API_SOCKETS": str(clients + 10),
                "QUEUANT_API_THREADS": str(clients + 30),
            }
            | ({"BENCH_DEFLATE": "1"} if kind == "deflate" else {})
        )
        store = Store(environ["DATABASE_URL"])
        schema.upgrade(store)
        key = store.access.create_key("bench")
        store.close()
        valkey = [str(find_binary()), "--port", str(bus), "--dir", home, "--save", ""]
        commands = (valkey, serving(kind))
        processes = [
            subprocess.Popen(line, env=environ, stdout=subprocess.DEVNULL, start_new_session=True) for line in commands
        ]
        try:
            yield Place(environ, port, key, deflate=kind == "deflate")
        finally:
            for process in processes:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(15)


def serving(kind: str) -> list[str]:
    """The command of a server."""
    if kind not in ("fastapi", "deflate"):
        return [sys.executable, "-m", "bench.relay", f"--serve-{kind}"]
    from bench.peers import environment

    python = environment.prepared(environment.default().with_name("relay"), ["fastapi"], FASTAPI)
    if not python:
        raise SystemExit("FastAPI does not install here; leave it out with --kinds")
    return [python["fastapi"], str(Path(__file__).with_name("broadcast.py"))]


def open_socket(at: Place, *, stuck: bool = False) -> socket.socket:
    """A client that is only a socket: a real one would cost more than the server."""
    for _ in range(300):
        sock = socket.socket()
        if stuck:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.settimeout(30)
        try:
            sock.connect(("127.0.0.1", at.port))
            break
        except ConnectionRefusedError:
            sock.close()
            time.sleep(0.1)
    extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n" if at.deflate else ""
    sock.sendall(
        f"GET /ws/jobs HTTP/1.1\r\nHost: 127.0.0.1:{at.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"{extension}Authorization: Bearer {at.key}\r\n\r\n".encode()
    )
    answer = b""
    while at.deflate or b"hello" not in answer or not answer.endswith(b"}"):
        answer += sock.recv(65536)
        if at.deflate and len(answer.partition(b"\r\n\r\n")[2]) > 2:
            break
    sock.setblocking(False)
    return sock


class Crowd(threading.Thread):
    """Counts whole frames by their size and, when asked, notes when each arrived; as little work as Python allows."""

    def __init__(self, sockets: list[socket.socket], events: int, *, stamps: bool, deflate: bool = False) -> None:
        super().__init__()
        self.deflate = deflate  # sizes say nothing then: it is over after a second of silence
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
                ready = poll.poll(1.0, 4096)
                if self.deflate:
                    if not ready and self.ended:
                        return
                    for number, _ in ready:
                        receive[number](buffer)
                    self.ended = time.monotonic() if ready else self.ended
                    continue
                for number, _ in ready:
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


@dataclass(frozen=True)
class Figures:
    """What one round found: deliveries a second, milliseconds, KiB of a client, microseconds of the server's time."""

    burst: float
    one: tuple[float, float]
    steady: tuple[float, float]
    client_kib: float
    cpu_us: float


def delays(at: Place, sockets: list[socket.socket], first: int, count: int, rate: float) -> tuple[float, float]:
    """Median and 99th percentile from publish to arrival, in milliseconds."""
    crowd = Crowd(sockets, count, stamps=True)
    crowd.start()
    times = publish(at, first, count, rate)
    crowd.join()
    found = sorted((when - times[number]) * 1000 for number, when in crowd.arrivals)
    return statistics.median(found), found[int(len(found) * 0.99)]


def received(sock: socket.socket) -> int:
    """Bytes that a socket has got by now."""
    count = 0
    with contextlib.suppress(BlockingIOError, ConnectionError):
        while more := sock.recv(65536):
            count += len(more)
    return count


def measure(kind: str, clients: int, *, rate: float, stuck: bool = False, events: int = BURST_EVENTS) -> Figures:
    with place(kind, clients) as at:
        open_socket(at).close()
        time.sleep(1.0)
        pid = server_of(at.port)
        empty = resident(pid)
        sockets = [open_socket(at) for _ in range(clients)]
        time.sleep(1.0)
        kib = (resident(pid) - empty) / clients
        idle = [open_socket(at, stuck=True)] if stuck else []
        crowd = Crowd(sockets, events, stamps=False, deflate=at.deflate)
        worked = cpu_seconds(pid)
        crowd.start()
        began = publish(at, 1, events, None)[0]
        crowd.join()
        deliveries = clients * events
        burst, cpu = deliveries / (crowd.ended - began), (cpu_seconds(pid) - worked) / deliveries * 1e6
        one = steady = (float("nan"), float("nan"))
        if not at.deflate:
            rate = min(rate, STEADY_DELIVERIES / clients)
            count = int(STEADY_SECONDS * rate)
            steady = delays(at, sockets, 1 + events, count, rate)
            one = delays(at, sockets, 1 + events + count, ONE_EVENTS, ONE_RATE)
        if any(received(sock) >= events * (SIZE + 4) for sock in idle):
            raise SystemExit("nothing was stuck: what should have filled the socket went through")
        for sock in (*sockets, *idle):
            sock.close()
        return Figures(burst, one, steady, kib, cpu)


def server_of(port: int) -> int:
    """The largest process that names the port in its environment (Linux)."""
    sizes = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"QUEUANT_RELAY_PORT={port}\0".encode() in (folder / "environ").read_bytes():
                sizes[resident(int(folder.name))] = int(folder.name)
    return sizes[max(sizes)]


def resident(pid: int) -> float:
    """KiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def told(clients: int, kind: str, rounds: list[Figures]) -> str:
    """The medians of the rounds as a line."""
    middle = statistics.median
    pairs = [
        " /".join(f"{middle([getattr(item, part)[at] for item in rounds]):>7.1f}" for at in (0, 1))
        for part in ("one", "steady")
    ]
    burst, kib, cpu = (middle([getattr(item, part) for item in rounds]) for part in ("burst", "client_kib", "cpu_us"))
    return f"{clients:>7} {kind:<8} {burst:>14,.0f} {pairs[0]:>17} {pairs[1]:>17} {kib:>10.1f} {cpu:>7.1f}"


def main() -> None:
    roles = {"--serve-relay": serve_relay, "--serve-threads": serve_threads, "--serve-plain": serve_plain}
    if sys.argv[1:] and sys.argv[1] in roles:
        roles[sys.argv[1]]()
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clients", nargs="*", type=int, default=[500], help="how many listen at once")
    parser.add_argument("--kinds", nargs="+", default=["fastapi", "relay"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--stuck", action="store_true", help="measure the relay without and with a client that is stuck"
    )
    parser.add_argument("--rate", type=float, default=STEADY_RATE, help="events a second of the steady part")
    asked = parser.parse_args()
    print("clients server        deliveries/s  one p50 / p99 ms  steady p50/p99 ms  KiB/client  us each", flush=True)
    cases = [("relay", False), ("relay", True)] if asked.stuck else [(kind, False) for kind in asked.kinds]
    for clients in asked.clients:
        events = FILLING_EVENTS if asked.stuck else min(BURST_EVENTS, BURST_DELIVERIES // clients)
        found: dict[tuple[str, bool], list[Figures]] = {case: [] for case in cases}
        for _ in range(asked.rounds):
            for kind, stuck in cases:
                found[kind, stuck].append(measure(kind, clients, rate=asked.rate, stuck=stuck, events=events))
        for (kind, stuck), rounds in found.items():
            print(told(clients, f"{kind}+1" if stuck else kind, rounds), flush=True)
        first, last = (found[cases[0]], found[cases[-1]])
        bursts = statistics.median(b.burst / a.burst for a, b in zip(first, last, strict=True))
        tails = statistics.median(b.steady[1] / a.steady[1] for a, b in zip(first, last, strict=True))
        print(f"{clients:>7} {cases[-1][0]} / {cases[0][0]}: bursts {bursts:.2f}, steady p99 {tails:.2f}", flush=True)


if __name__ == "__main__":
    main()
