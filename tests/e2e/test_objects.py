"""Machines that share nothing but a database, a queue server and a bucket of datasets."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.client import Client
from app.settings import Settings
from app.wiring import build
from tests.objects import ObjectServer
from tests.roles import Deployment
from tests.working import Hand

DAYS = np.busday_offset("2015-01-01", np.arange(1500), roll="forward")
PRICES = 100 * np.exp(np.cumsum(np.random.default_rng(7).normal(0, 0.01, 1500)))


@pytest.fixture
def prefix() -> str:
    return secrets.token_hex(6)


@pytest.fixture
def deployment(
    tmp_path: Path, empty_postgres_url: str, redis_url: str, objects: ObjectServer, prefix: str
) -> Iterator[Deployment]:
    deployment = Deployment(tmp_path, empty_postgres_url, redis_url, QUEUANT_DATASET_DIR=objects.url(prefix))
    yield deployment
    deployment.kill()


@pytest.mark.timeout(180)
def test_an_upload_to_one_machine_is_computed_on_by_another_one_as_if_it_lay_in_a_folder(
    deployment: Deployment, objects: ObjectServer, prefix: str, redis_url: str, eventually: Callable[..., None]
) -> None:
    folder = deployment.folder
    deployment.migrate()
    deployment.start("api", QUEUANT_HOME=str(folder / "api"))
    deployment.start("worker", QUEUANT_HOME=str(folder / "home"))
    key = deployment.run("keys", "create", "--owner", "ada").strip()
    eventually(deployment.is_ready, 60)
    with Client(deployment.api_url, key, home=folder) as client:
        found = client.upload(_csv(folder), name="mine")

        def run() -> Any:
            return client.backtest("sma_cross", dataset="mine", fresh=True)

        first = run().wait(timeout=60).result()
        assert first.provenance["dataset_version"] == found["version"]
        assert deployment.stop("worker") == {"worker": 0}
        shutil.rmtree(folder / "home")
        deployment.start("worker", QUEUANT_HOME=str(folder / "home"))
        eventually(deployment.is_ready, 60)
        assert run().wait(timeout=60).result().provenance["result_hash"] == first.provenance["result_hash"]
        assert deployment.stop("worker") == {"worker": 0}
        third = run()
        _download(objects, prefix, folder / "library")
        alone = Settings.from_env(
            {},
            home=folder / "third",
            dataset_dir=str(folder / "library"),
            database_url=deployment.database_url,
            redis_url=redis_url,
        )
        services = build(alone)
        assert Hand(services, "third").do(third.id) == "succeeded"
        services.close()
        assert third.result().provenance["result_hash"] == first.provenance["result_hash"]
    assert deployment.stop() == {"api": 0}
    assert not (folder / "home" / "datasets").exists()


def _csv(folder: Path) -> Path:
    path = folder / "prices.csv"
    path.write_text("date,A\n" + "".join(f"{day},{price:.4f}\n" for day, price in zip(DAYS, PRICES, strict=True)))
    return path


def _download(objects: ObjectServer, prefix: str, folder: Path) -> None:
    """As any tool copies a bucket into a folder."""
    for name in objects.names(prefix):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with objects.files.open_input_file(f"bucket/{prefix}/{name}") as source:
            (folder / name).write_bytes(source.read())
