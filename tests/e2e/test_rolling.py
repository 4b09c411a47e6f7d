"""A new version comes while the old one runs: workers of both stand side by side for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.client import Client, Job, JobFailed
from app.store import Store
from engine import ENGINE_VERSION
from tests.roles import ROOT, Deployment

OLD = "0.0.1"
# What Python reads before anything else. The old engine is this one, but for its version.
SHIM = f"""
import sys, types
sys.modules["engine.version"] = types.ModuleType("engine.version")
sys.modules["engine.version"].ENGINE_VERSION = "{OLD}"
"""
MINE = """
import numpy as np
from engine import strategy

@strategy(family="house", source="house", dataset="fx_daily", symbols=("EURUSD",))
def mine(bars):
    '''Hold a part of it.'''
    return np.full(bars.close.shape, {weight})
"""


@pytest.fixture
def deployment(tmp_path: Path, empty_postgres_url: str, redis_url: str) -> Iterator[Deployment]:
    deployment = Deployment(tmp_path, empty_postgres_url, redis_url, QUEUANT_STRATEGY_DIRS=str(tmp_path / "new"))
    for name, weight in (("old", 0.5), ("new", 0.25)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.py").write_text(MINE.format(weight=weight))
    yield deployment
    deployment.kill()


@pytest.fixture
def store(deployment: Deployment, empty_postgres_url: str) -> Iterator[Store]:
    deployment.migrate()
    store = Store(empty_postgres_url)
    yield store
    store.close()


@pytest.mark.timeout(420)
def test_what_older_workers_cannot_do_is_done_by_a_new_one(
    deployment: Deployment, store: Store, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    (tmp_path / "shim").mkdir()
    (tmp_path / "shim" / "sitecustomize.py").write_text(SHIM)
    deployment.start("api")
    deployment.start("supervisor")
    deployment.start("worker", "older engine", PYTHONPATH=f"{tmp_path / 'shim'}:{ROOT}")
    deployment.start("worker", "older strategy", QUEUANT_STRATEGY_DIRS=str(tmp_path / "old"))
    eventually(lambda: len(workers(store)) == 2, 150)
    deployment.start("worker", "newer")
    eventually(lambda: len(workers(store)) == 3, 150)
    assert sorted(workers(store)) == [OLD, ENGINE_VERSION, ENGINE_VERSION]
    with Client(deployment.api_url, deployment.run("keys", "create", "--owner", "ada").strip()) as client:

        def post(seed: int) -> Job:
            return client.backtest("mine", seed=seed)

        def left(name: str) -> int:
            return deployment.log(name).read_text().count("left to a worker of another version")

        for seed in range(100):  # until each of the older ones was the first to take one
            job = post(seed).wait(timeout=60)
            row = store.read.job(job.id, "ada")
            assert row is not None
            assert (row.status, row.attempt) == ("succeeded", 1)
            if left("older engine") and left("older strategy"):
                break
        assert left("older engine")
        assert left("older strategy")
        assert deployment.end("newer") == 0
        with pytest.raises(JobFailed) as refused:
            post(seed=1000).wait(timeout=60)
        assert refused.value.code == "version_changed"


def workers(store: Store) -> list[str]:
    """The version of each that is there."""
    return [row.version for row in store.nodes.all()[1] if row.role == "worker"]
