"""The jobs: real backtests, each like no other, and what clients do to them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.client import ApiError, Client, ClientError, Unreachable
from app.errors import QueueUnavailable
from app.taskqueue import INTERACTIVE, CeleryQueue

DOUBLED, RUNG_TWICE, CANCELLED = 0.03, 0.05, 0.03
POISON_EVERY = 250  # and the first of them among the first jobs
PATIENCE_SECONDS = 60.0
POISON = '''
import os
import signal

from typing import Annotated

from engine import Range, strategy


@strategy(family="house", source="house", dataset="fx_daily", symbols=("EURUSD",))
def poison(bars, dose: Annotated[int, Range(1, 1_000_000)] = 1):
    """Kill whoever runs it."""
    os.kill(os.getpid(), signal.SIGKILL)
'''


@dataclass
class Posted:
    """What clients were told."""

    ids: list[str] = field(default_factory=list)
    poison: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)  # acknowledged
    refused: int = 0  # answers that were no promise


def prepare(home: Path) -> None:
    """The strategy that kills its worker, in the home's folder of strategies."""
    folder = home / "strategies"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "poison.py").write_text(POISON)


def post(client: Client, queue: CeleryQueue, posted: Posted, *, seed: int, number: int, at: float) -> None:
    """One job, not before its time; some are posted twice under the same key, rung twice, or cancelled."""
    time.sleep(max(0.0, at - time.monotonic()))
    chance = random.Random(f"{seed}/{number}")
    kills = number % POISON_EVERY == POISON_EVERY // 8
    for _ in range(2 if chance.random() < DOUBLED else 1):
        job_id = _insist(posted, lambda: _ask(client, seed, number, kills=kills))
        if job_id not in posted.ids[-100:]:
            posted.ids.append(job_id)
    if kills:
        posted.poison.add(job_id)
    if chance.random() < RUNG_TWICE:
        with suppress(QueueUnavailable):
            queue.ring(job_id, INTERACTIVE)
    if chance.random() < CANCELLED:
        time.sleep(chance.random() * 0.2)
        _insist(posted, lambda: _cancel(client, posted, job_id))


def _ask(client: Client, seed: int, number: int, *, kills: bool) -> str:
    params = {"dose": 1 + number} if kills else {"fast": 5 + number % 40, "slow": 60 + number // 40 % 100}
    return client.backtest(
        "poison" if kills else "sma_cross",
        params=params,
        dataset="fx_daily",
        symbols=["EURUSD"],
        seed=number,
        idempotency_key=f"chaos-{seed}-{number}",
    ).id


def _cancel(client: Client, posted: Posted, job_id: str) -> str:
    try:
        client.job(job_id).cancel()
        posted.cancelled.add(job_id)
    except ApiError as error:
        if error.code != "illegal_transition":  # it has ended already
            raise
    return job_id


def _insist(posted: Posted, ask: Callable[[], str]) -> str:
    """As a client does that is told 503, or nothing: again, until it is answered."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except (Unreachable, ClientError) as error:
            if time.monotonic() > ends or (isinstance(error, ApiError) and error.status < 500):
                raise
            posted.refused += 1
            time.sleep(0.2)
