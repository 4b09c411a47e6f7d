"""What the platform adds to a job, beside bare Celery on the same queue server in the same run.

    python -m bench.overhead [--jobs 200] [--posts 200]

Starts a server of its own in a temporary folder with two worker processes, and a bare Celery worker of two processes
with one task that does nothing. Prints medians and ratios; nothing is asserted.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import redis
from celery import Celery

from app.embedded.home import Home
from app.store import TERMINAL
from bench.serving import serving

RUN = {"strategy_id": "sma_cross", "dataset": "sp500_daily", "start_date": "2009-01-01", "end_date": "2018-12-31"}
WORKERS = 2
REPLIES = "bench:replies"


@contextmanager
def platform(home: Path) -> Iterator[tuple[httpx.Client, str]]:
    """A running server: a client with its key, and the address of its queue server."""
    with serving(home, WORKERS, QUEUANT_LOG_LEVEL="WARNING"):
        found = Home(home)
        url, headers = (found.server() or {})["api_url"], {"Authorization": f"Bearer {found.key()}"}
        with httpx.Client(base_url=f"{url}/api/v1", headers=headers) as client:
            yield client, found.queue_url()


def noop_app(url: str) -> Celery:
    """Bare Celery with its defaults, in its own key space; the task only answers."""
    app = Celery("noop", broker=url)
    app.conf.update(broker_transport_options={"global_keyprefix": "noop:"}, task_ignore_result=True)
    replies = redis.Redis.from_url(url)

    @app.task(name="noop")  # type: ignore[untyped-decorator]
    def noop(number: int) -> None:
        replies.lpush(REPLIES, number)

    return app


@contextmanager
def noop_worker(url: str) -> Iterator[None]:
    command = [sys.executable, "-m", "bench.overhead", "--noop-worker", url]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(30)


def timed(action: Callable[[], object], count: int) -> list[float]:
    """Milliseconds of each call."""
    spent = []
    for _ in range(count):
        started = time.perf_counter()
        action()
        spent.append((time.perf_counter() - started) * 1000)
    return spent


def post(client: httpx.Client) -> str:
    answer = client.post("/backtest/run?fresh=true", json=RUN)
    answer.raise_for_status()
    return str(answer.json()["job_id"])


def finished(client: httpx.Client, job_id: str) -> dict[str, object]:
    """The job's view when it has ended; polled every 2 ms."""
    while True:
        job: dict[str, object] = client.get(f"/jobs/{job_id}").raise_for_status().json()
        if job["status"] in TERMINAL:
            return job
        time.sleep(0.002)


def drain(client: httpx.Client) -> None:
    while any(client.get("/jobs", params={"status": name}).json()["jobs"] for name in ("queued", "running")):
        time.sleep(0.01)


def quantiles(values: list[float]) -> str:
    p99 = statistics.quantiles(values, n=100)[98] if len(values) > 1 else values[0]
    return f"median {statistics.median(values):.1f} ms, p99 {p99:.1f} ms"


def busy_posts(client: httpx.Client, count: int) -> list[float]:
    """Latency of POST while both workers have work all the time."""
    stop = threading.Event()

    def feed() -> None:
        with httpx.Client(base_url=client.base_url, headers=client.headers) as other:
            while not stop.is_set():
                if len(other.get("/jobs", params={"status": "queued", "limit": 50}).json()["jobs"]) < 30:
                    for _ in range(10):
                        post(other)
                stop.wait(0.05)

    feeder = threading.Thread(target=feed)
    feeder.start()
    time.sleep(1.0)
    spent = []
    for _ in range(count):
        spent += timed(lambda: post(client), 1)
        time.sleep(0.02)
    stop.set()
    feeder.join()
    drain(client)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--posts", type=int, default=200)
    parser.add_argument("--noop-worker", metavar="URL", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.noop_worker:
        noop_app(asked.noop_worker).worker_main(["worker", f"--concurrency={WORKERS}", "--loglevel=ERROR"])
        return
    with tempfile.TemporaryDirectory(prefix="bench") as folder, platform(Path(folder)) as (client, queue_url):
        finished(client, post(client))
        with noop_worker(queue_url):
            compare(client, queue_url, asked.jobs)
        idle = []
        for _ in range(asked.posts):
            idle += timed(lambda: post(client), 1)
            drain(client)
        print(f"POST, workers idle          {quantiles(idle)}")
        print(f"POST, both workers busy     {quantiles(busy_posts(client, asked.posts))}")


def compare(client: httpx.Client, queue_url: str, count: int) -> None:
    replies = redis.Redis.from_url(queue_url)
    task = noop_app(queue_url).tasks["noop"]

    def noop() -> None:
        task.delay(1)
        replies.blpop([REPLIES], timeout=30)

    for _ in range(3):
        noop()
    computed: list[float] = []

    def job() -> None:
        computed.append(float(str(finished(client, post(client))["compute_ms"])))

    bare, whole = timed(noop, count), timed(job, count)
    overhead = statistics.median(whole) - statistics.median(computed)
    print(f"bare Celery no-op           {quantiles(bare)}")
    print(f"POST to succeeded           {quantiles(whole)}, of which computing {statistics.median(computed):.1f} ms")
    print(f"platform overhead per job   {overhead:.1f} ms = {overhead / statistics.median(bare):.1f} x bare Celery")
    started = time.perf_counter()
    for number in range(count):
        task.delay(number)
    for _ in range(count):
        replies.blpop([REPLIES], timeout=30)
    bare_rate = count / (time.perf_counter() - started)
    started = time.perf_counter()
    for _ in range(count):
        post(client)
    drain(client)
    rate = count / (time.perf_counter() - started)
    print(f"throughput                  {rate:.0f} jobs/s, bare Celery {bare_rate:.0f}/s, ratio {rate / bare_rate:.2f}")


if __name__ == "__main__":
    main()
