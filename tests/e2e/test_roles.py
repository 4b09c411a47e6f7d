"""Each role by itself, as containers run them: the commands of docker-compose.yml on PostgreSQL and a queue server."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.client import Client
from app.store import Store
from tests.roles import Deployment

ROLES = ("api", "relay", "worker", "supervisor")


@pytest.fixture
def deployment(tmp_path: Path, empty_postgres_url: str, redis_url: str) -> Iterator[Deployment]:
    deployment = Deployment(tmp_path, empty_postgres_url, redis_url)
    yield deployment
    deployment.kill()


@pytest.mark.timeout(180)
def test_the_roles_of_the_compose_file_work_together_on_postgresql(
    deployment: Deployment, empty_postgres_url: str, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    assert "from none to" in deployment.migrate()
    unused = [old(tmp_path / "home" / "cache" / name) for name in ("bars/gone/0.bars", "sources/0")]
    for role in ROLES:
        deployment.start(role)
    key = deployment.run("keys", "create", "--owner", "ada").strip()
    eventually(deployment.is_ready, 60)
    with Client(deployment.api_url, key, home=deployment.folder) as client:
        assert client.live_url == f"ws://127.0.0.1:{deployment.relay}"
        with client.listen() as listener:
            job = client.backtest("sma_cross", dataset="fx_daily", symbols=["EURUSD"])
            heard = []
            for event in listener.events(timeout=30):
                heard.append(event.type)
                if event.ended:
                    break
        assert [kind for kind in heard if kind != "job_progress"] == ["job_queued", "job_running", "job_succeeded"]
        result = job.wait(timeout=10).result()
        assert result.metrics["final_equity"] == pytest.approx(result.equity["value"].iloc[-1])
    assert roles_seen(empty_postgres_url) == sorted(ROLES)
    assert not any(path.exists() for path in unused)
    started = time.monotonic()
    assert deployment.stop() == dict.fromkeys(ROLES, 0)
    assert time.monotonic() - started < 30
    assert roles_seen(empty_postgres_url) == []


def old(path: Path) -> Path:
    """A file that was last used ten days ago."""
    path.parent.mkdir(parents=True)
    path.touch()
    os.utime(path, (time.time() - 864_000,) * 2)
    return path


def roles_seen(url: str) -> list[str]:
    """Of the nodes that spoke and did not say that they end."""
    store = Store(url)
    try:
        return sorted(row.role for row in store.nodes.all()[1])
    finally:
        store.close()
