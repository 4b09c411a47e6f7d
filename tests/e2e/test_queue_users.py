"""What each role may do on the queue server: all that it does, and nothing that another one does.

The server runs as in containers, by `deploy/kubernetes/queue.sh`.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from limits import RateLimitItemPerSecond

from app.bus import TOPIC
from app.client import Client
from app.embedded.ports import any_free
from app.embedded.queue import answers
from app.settings import Settings
from app.taskqueue import INTERACTIVE, PREFIX, TASK, make_celery
from app.web import limiting
from tests.conftest import queue_binary
from tests.roles import ROOT, Deployment

ROLES = ("api", "relay", "worker", "supervisor")
RING = ("LPUSH", PREFIX + INTERACTIVE, "x")
HEAR = ("HGET", f"{PREFIX}unacked", "x")
COUNT = ("GET", f"{PREFIX}rate:x")
SPEAK = ("PUBLISH", TOPIC, "x")
LISTEN = ("SUBSCRIBE", TOPIC)
MAY = {
    "api": {RING, COUNT, SPEAK, LISTEN},
    "relay": {COUNT, LISTEN},
    "worker": {RING, HEAR, SPEAK},
    "supervisor": {RING, SPEAK},
}
NOBODY_MAY = [
    *("FLUSHALL", "FLUSHDB", "KEYS *", "SCAN 0", "RANDOMKEY", "CONFIG GET *", "CONFIG SET dir /tmp", "ACL LIST"),
    *("CLIENT LIST", "CLIENT KILL ID 1", "MONITOR", "DEBUG SLEEP 1", "SHUTDOWN", "SAVE", "REPLICAOF 10.0.0.1 6379"),
    *("EVAL x 0", "SCRIPT FLUSH", "FUNCTION FLUSH", "SWAPDB 0 1", "GET other", "SET other x", "DEL other"),
    *("PSUBSCRIBE *", "SUBSCRIBE other", "PUBLISH other x", "PUBSUB CHANNELS"),
]


class Guarded:
    """A queue server with the users of the roles."""

    def __init__(self, folder: Path) -> None:
        self.port = any_free()
        names = ["REDIS_PASSWORD", *(f"REDIS_{role.upper()}_PASSWORD" for role in ROLES)]
        self.passwords = {name: secrets.token_hex(12) for name in names}
        (folder / "valkey-server").symlink_to(queue_binary())
        environment = os.environ | self.passwords | {"PATH": f"{folder}:{os.environ['PATH']}"}
        command = ["sh", str(ROOT / "deploy/kubernetes/queue.sh"), "--port", str(self.port), "--bind", "127.0.0.1"]
        with (folder / "queue.log").open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        self.admin = redis.Redis.from_url(self.url(), decode_responses=True)

    def url(self, role: str = "") -> str:
        password = self.passwords[f"REDIS_{role.upper()}_PASSWORD" if role else "REDIS_PASSWORD"]
        return f"redis://{role}:{password}@127.0.0.1:{self.port}/0"

    def may(self, role: str, *words: str) -> bool:
        return bool(self.admin.execute_command("ACL", "DRYRUN", role, *words) == "OK")

    def refused(self) -> list[Any]:
        """What somebody was not allowed, since the last time that this was asked."""
        found = self.admin.acl_log()
        self.admin.acl_log_reset()
        return list(found)


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory, eventually: Callable[..., None]) -> Iterator[Guarded]:
    queue = Guarded(tmp_path_factory.mktemp("queue"))
    eventually(lambda: answers(queue.url()))
    yield queue
    queue.admin.close()
    queue.process.kill()
    queue.process.wait(10)


@pytest.fixture
def deployment(tmp_path: Path, sqlite_url: str, queue: Guarded) -> Iterator[Deployment]:
    few = {"QUEUANT_RATE_WRITES": "6", "QUEUANT_SIGNALS_SECONDS": "0"}
    deployment = Deployment(tmp_path, sqlite_url, queue.url(), **few)
    for role in ROLES:
        deployment.start(role, REDIS_URL=queue.url(role))
    yield deployment
    deployment.kill()


@pytest.mark.timeout(240)
def test_every_role_does_its_work_with_the_rights_that_it_has(
    deployment: Deployment, queue: Guarded, eventually: Callable[..., None]
) -> None:
    key = deployment.run("keys", "create", "--owner", "ada").strip()
    eventually(deployment.is_ready, 120)
    with Client(deployment.api_url, key, home=deployment.folder) as client:
        with client.listen() as listener:
            job = client.backtest("sma_cross", dataset="fx_daily", symbols=["EURUSD"])
            assert any(event.ended for event in listener.events(timeout=30))
        days = {"fast": {"start": 2, "stop": 20}, "slow": {"start": 50, "stop": 90}}
        search = client.sweep("sma_cross", grid=days, dataset="fx_daily", symbols=["EURUSD"])
        assert {job.wait(30).status, search.wait(60).status} == {"succeeded"}
        headers = {"Authorization": f"Bearer {key}"}
        posted = [httpx.post(f"{deployment.api_url}/api/v1/ws-tickets", headers=headers) for _ in range(6)]
        assert posted[-1].status_code == 429
    stranger = httpx.get(
        f"http://127.0.0.1:{deployment.relay}/events?channels=jobs", headers={"Authorization": "Bearer x"}
    )
    assert stranger.status_code == 401
    counted = {name.split("{")[1].split("/")[0] for name in queue.admin.keys(f"{PREFIX}rate:*")}
    assert {"writes", "failures"} <= counted
    assert deployment.stop() == dict.fromkeys(ROLES, 0)
    assert queue.refused() == []


def test_a_doorbell_whose_worker_died_is_rung_again_by_another_worker(queue: Guarded) -> None:
    celery = make_celery(Settings(redis_url=queue.url("worker")))
    with celery.connection_for_write() as connection, celery.amqp.Producer(connection) as producer:
        celery.send_task(TASK, args=["0" * 32], queue=INTERACTIVE, producer=producer)
        channel = connection.default_channel
        assert channel.basic_get(INTERACTIVE) is not None
        assert queue.admin.hlen(f"{PREFIX}unacked") == 1
        channel.visibility_timeout = -60
        channel.qos.restore_visible()
    assert queue.admin.hlen(f"{PREFIX}unacked") == 0
    assert queue.admin.llen(PREFIX + INTERACTIVE) == 1
    assert queue.refused() == []


@pytest.mark.parametrize("role", ["api", "relay"])
def test_windows_of_rates_slide_on(queue: Guarded, role: str, eventually: Callable[..., None]) -> None:
    counter, second = limiting._on_server(queue.url(role)), RateLimitItemPerSecond(5, namespace=role)

    def has_slid() -> bool:
        counter.hit(second, "ada")
        counter.get_window_stats(second, "ada")
        return bool(queue.admin.keys(f"{PREFIX}rate:*{role}*/-1"))

    eventually(has_slid)
    assert queue.refused() == []


@pytest.mark.parametrize("role", ROLES)
def test_no_role_may_do_what_another_one_does(queue: Guarded, role: str) -> None:
    every = set().union(*MAY.values())
    assert {words for words in every if queue.may(role, *words)} == MAY[role]
    assert [command for command in NOBODY_MAY if queue.may(role, *command.split())] == []


def test_nobody_is_let_in_without_a_password_or_with_that_of_another_role(queue: Guarded) -> None:
    other = queue.url("api").replace("api:", "relay:", 1)
    assert not answers(f"redis://127.0.0.1:{queue.port}/0")
    assert not answers(other)
    assert answers(queue.url("relay"))
    assert len(queue.refused()) >= 1


def test_the_server_does_not_start_without_a_password_of_each_role(tmp_path: Path) -> None:
    passwords = {f"REDIS_{role.upper()}_PASSWORD": "x" * 24 for role in ROLES if role != "relay"}
    environment = os.environ | passwords | {"REDIS_PASSWORD": "x" * 24, "REDIS_RELAY_PASSWORD": ""}
    command = ["sh", str(ROOT / "deploy/kubernetes/queue.sh")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=20)
    assert done.returncode != 0
    assert "REDIS_RELAY_PASSWORD" in done.stderr


def test_no_process_list_shows_a_password(queue: Guarded) -> None:
    shown = Path(f"/proc/{queue.process.pid}/cmdline").read_text()
    assert not [password for password in queue.passwords.values() if password in shown]
    assert "valkey-server" in shown
