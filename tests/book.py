"""A small world for the paper book: two symbols, strategies that turn, a supervisor and a worker in this process."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from app.library import Meaning
from app.web.factory import create_app
from engine import Bars, Config, simulate, strategy
from engine.errors import QueuantError
from engine.signals import last_words
from tests.shelf import Few
from workers import pipeline, supervisor

DAYS = [str(day) for day in np.busday_offset("2026-06-01", np.arange(80), roll="forward")]
START = 40
BOOK = Config(initial_capital=1e6, rebalance="drift", drift_band=0.01)


def closes(seed):
    return np.round(100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.02, (80, 2)), axis=0)), 4)


PRICES = closes(1)


def turning(bars, every):
    """Long and short by turns."""
    way = np.where(np.arange(len(bars)) // every % 2 == 0, 0.5, -0.25)
    return np.column_stack([way, -way])


@strategy(family="none", source="none", dataset="prices")
def fast(bars):
    """Turn often."""
    return turning(bars, 3)


@strategy(family="none", source="none", dataset="prices")
def slow(bars):
    """Turn seldom."""
    return turning(bars, 7)


@strategy(family="none", source="none", dataset="other")
def steady(bars):
    """Hold one."""
    return np.ones(bars.close.shape)


@strategy(family="none", source="none", dataset="prices")
def idle(bars):
    """Hold nothing."""
    return np.zeros(bars.close.shape)


def application(like, services, *shelf):
    """An application over services of its own, whose shelf holds `fast` and `slow`, or these."""
    services = replace(services, shelf=Few(*(shelf or (fast, slow))))
    return type(like)(create_app(services), services)


def upload(web, count, name="prices", prices=PRICES, days=DAYS, quality="real"):
    """The first bars of the data, as the dataset's newest version."""
    columns = {symbol: prices[:count, at] for at, symbol in enumerate("AB")}
    table = pa.table({"time": np.array(days[:count], dtype="datetime64[s]"), **columns})
    kept = web.services.catalog.library.put(table, id=name, meaning=Meaning(name, quality=quality))
    return kept.dataset.version


def work(web):
    """Do as a worker does with every job that waits; how each ended."""
    ended = []
    while job_id := web.services.queue.take() or web.services.queue.take("batch"):
        if (claim := web.services.jobs.claim(job_id, lease_owner="test")) is None:
            continue  # somebody has it
        try:
            output = pipeline.run(claim, web.services, lambda *_: None)
            ended.append((claim.kind, web.services.jobs.finish(claim, output)))
        except QueuantError as error:
            ended.append((claim.kind, error.code))
            web.services.jobs.fail(claim, error.detail())
    return ended


def follow(web):
    """Look and work until nothing is due; the steps of the book."""
    steps = []
    for _ in range(5):
        supervisor.look(web.services)
        supervisor.follow(web.services)
        if not (done := work(web)):
            return steps
        steps += [status for kind, status in done if kind == "book"]
    raise AssertionError("it does not come to rest")


def get(web, path, status=200):
    reply = web.get(f"/api/v1/portfolio{path}")
    assert reply.status_code == status, reply.text
    return reply.get_json()


def put(web, **body):
    return web.call("PUT", "/api/v1/portfolio/book", json=body)


def expected(count, config, first=0):
    """The same account as one simulation over the bars from `first` on, knowing what was said before."""
    time = np.array(DAYS[:count], dtype="datetime64[ns]")
    bars = Bars.from_closes(time, PRICES[:count], ("A", "B"))
    weights = (last_words(fast.bind()(bars)) + last_words(slow.bind()(bars))) * 0.5
    part = Bars.from_closes(time[first:], PRICES[first:count], ("A", "B"))
    return simulate(part, weights[first:], config)


def open_book(web):
    """A book with some bars of its own."""
    for count in (START, START + 3):
        upload(web, count)
        assert follow(web) == ["succeeded"]
    return web
