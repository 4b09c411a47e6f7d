"""Every type of event, brought about as it comes about in use, and heard on a WebSocket and on its twin."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import update
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from app.alerts.kinds import KINDS
from app.client import Client, Job
from app.store import Store
from app.tables import deliveries
from app.web.feeds import CHANNELS
from tests.alerts import Receiver
from tests.roles import ROOT, Deployment

OWN = '''
import os
import signal
from pathlib import Path

import numpy as np

from engine import strategy

MARK = Path(__file__).with_name("died")
NOWHERE = {"family": "house", "source": "house", "dataset": "nowhere"}


def moves(bars):
    return np.diff(bars.close, axis=0, prepend=bars.close[:1]) / bars.close


@strategy(family="house", source="house", dataset="prices")
def follower(bars):
    """Go where the last move went."""
    return np.where(moves(bars) < 0, -1.0, 1.0)


@strategy(family="house", source="house", dataset="prices")
def fader(bars):
    """Hold little, and much once the price has fallen far."""
    fell = np.maximum.accumulate(moves(bars) < -0.05, axis=0)
    return np.where(fell, 0.9, 0.2)


@strategy(**NOWHERE)
def broken(bars):
    """Fail."""
    raise ValueError("This was to be expected.")


@strategy(**NOWHERE)
def mortal(bars):
    """End the process of the worker that runs it first."""
    if not MARK.exists():
        MARK.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return np.zeros(bars.close.shape)
'''
pytestmark = pytest.mark.timeout(300)  # one story for all

EURUSD = {"dataset": "fx_daily", "symbols": ["EURUSD"]}
# What fires at what the story brings about, whatever it is by default.
THRESHOLDS = {"queue_age": 0.5, "var_breach": 1e-6, "drawdown": 1e-6, "limit_breach": 1e-6}
# What a client may be told, and how: of a search its own channel alone tells rows.
TYPES = {
    (channel, type)
    for channel, family in CHANNELS.items()
    for type in family.types
    if channel != "alerts" or type in KINDS or type.startswith("alert_")
}


class Ear:
    """What one client has heard, kept by a thread: events that are numbered in order, and every type."""

    def __init__(self, messages: Iterator[dict[str, Any]], channels: int) -> None:
        self.events: list[dict[str, Any]] = []
        self.types: set[tuple[str, str]] = set()
        self._greeted = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._listen, args=(messages,), daemon=True)
        self._thread.start()
        for _ in range(channels):
            assert self._greeted.acquire(timeout=20), "a channel says no hello"

    def _listen(self, messages: Iterator[dict[str, Any]]) -> None:
        for message in messages:
            if message["type"] == "hello":
                self._greeted.release()
            elif message["type"] != "closed":
                self.types.add((message["channel"].partition("/")[0], message["type"]))
                self.events += [message] if "seq" in message else []

    def told(self, channel: str, type: str, **data: Any) -> list[dict[str, Any]]:
        """The data of the events of a type that say this."""
        found = [event["data"] for event in self.events if (event["channel"], event["type"]) == (channel, type)]
        return [each for each in found if data.items() <= each.items()]

    def end(self) -> None:
        self._thread.join(20)


def over_socket(url: str, key: str, channels: list[str]) -> Iterator[dict[str, Any]]:
    """What a WebSocket says; it ends with the relay."""
    first, *others = channels
    with connect(f"ws://{url}/ws/{first}", additional_headers={"Authorization": f"Bearer {key}"}) as socket:
        for channel in others:
            socket.send(json.dumps({"type": "subscribe", "channel": channel}))
        with suppress(ConnectionClosed):
            while True:
                yield json.loads(socket.recv())


def over_stream(url: str, key: str, channels: list[str]) -> Iterator[dict[str, Any]]:
    """What a stream says; it ends with the relay."""
    query, headers = {"channels": ",".join(channels)}, {"Authorization": f"Bearer {key}"}
    with httpx.stream("GET", f"http://{url}/events", params=query, headers=headers, timeout=None) as response:
        for line in response.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line[6:])


class Story:
    """An installation in which everything happens that can be told, one thing after another."""

    client: Client
    searched: Job

    def __init__(self, roles: Deployment, eventually: Callable[..., None]) -> None:
        self.roles = roles
        self.eventually = eventually
        self.store = Store(roles.database_url)
        self.ears: list[Ear] = []

    def begin(self) -> None:
        self.roles.migrate()
        for role in ("api", "relay"):
            self.roles.start(role)
        key = self.roles.run("keys", "create", "--owner", "ada").strip()
        self.eventually(self.roles.is_ready, 60)
        self.client = Client(self.roles.api_url, key, home=self.roles.folder)
        self.prepare()
        self.listen(key)
        self.wait_too_long()
        self.work()
        self.turn()

    def end(self) -> None:
        self.roles.kill()
        for ear in self.ears:
            ear.end()
        self.client.close()
        self.store.close()

    def heard(self, channel: str, type: str, **data: Any) -> dict[str, Any]:
        """Wait until both have heard it; the data."""
        self.eventually(lambda: all(ear.told(channel, type, **data) for ear in self.ears), 60)
        return self.ears[0].told(channel, type, **data)[0]

    def prices(self, moves: list[float], sessions_ago: int) -> None:
        """Another version of the bars: these moves after a long calm, up to so many sessions before today."""
        today = np.datetime64("today")
        last = np.busday_offset(today, -sessions_ago, roll="backward")
        days = np.busday_offset(last, np.arange(-119 - len(moves), 1), roll="backward")
        closes = 100.0 * np.cumprod(1.0 + np.concatenate([np.full(120, 0.001), moves]))
        path = self.roles.folder / "prices.csv"
        rows = [f"{day},{close:.6f}" for day, close in zip(days, closes, strict=True)]
        path.write_text("\n".join(["date,A", *rows]))
        self.client.upload(path, name="prices", quality="proxy")

    def prepare(self) -> None:
        """Before anybody works: a book, rules, data that are old already, and a job that waits."""
        self.client.set_book(["follower", "fader"])
        for kind in KINDS.keys() & THRESHOLDS.keys():
            self.client.api("PUT", f"/alerts/rules/{kind}", body={"threshold": THRESHOLDS[kind]})
        self.prices([], 5)
        self.searched = self.client.sweep("sma_cross", grid={"fast": [5, 10], "slow": [30, 40]}, **EURUSD)

    def listen(self, key: str) -> None:
        channels, url = [*CHANNELS, f"jobs/{self.searched.id}"], f"127.0.0.1:{self.roles.relay}"
        self.ears = [Ear(listen(url, key, channels), len(channels)) for listen in (over_socket, over_stream)]

    def wait_too_long(self) -> None:
        """Nobody works, and data have been old for long."""
        self.roles.start("supervisor")
        self.heard("alerts", "queue_age")
        stale = self.heard("alerts", "stale_data", dataset_id="prices")
        self.client.api("POST", f"/alerts/{stale['alert_id']}/ack")
        self.heard("alerts", "alert_acknowledged", kind="stale_data")

    def work(self) -> None:
        """The first signals, a book; jobs that fail, lose their worker, are stopped."""
        self.roles.start("worker")
        self.eventually(self.roles.is_ready, 120)
        self.searched.wait(timeout=60)
        self.heard("alerts", "alert_resolved", kind="queue_age")
        failing = self.client.backtest("broken", **EURUSD)
        losing = self.client.backtest("mortal", **EURUSD)
        long = self.client.montecarlo("sma_cross", paths=100_000, **EURUSD)
        self.heard("jobs", "job_running", job_id=long.id)
        self.eventually(lambda: all(("jobs", "job_progress") in ear.types for ear in self.ears), 60)
        long.cancel()
        self.heard("jobs", "job_cancelled", job_id=long.id)
        self.heard("alerts", "job_failed", job_id=failing.id)
        self.heard("alerts", "worker_lost", strategy_id="mortal")
        assert losing.wait(timeout=60).status == "succeeded"
        self.heard("portfolio", "position_update")

    def let_pauses_pass(self) -> None:
        """Whatever waits for its next attempt is due now, as it is after minutes and hours."""
        waits = update(deliveries).where(deliveries.c.status == "pending")
        with self.store.database.write() as tx:
            tx.execute(waits.values(due_at=0.0))

    def turn(self) -> None:
        """New bars: the price falls, one strategy turns, another one is sure of the contrary."""
        self.prices([0.001, -0.08, -0.01, -0.01], 1)
        self.heard("portfolio", "rebalance")
        self.heard("alerts", "alert_resolved", kind="stale_data")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, redis_url: str, eventually: Callable[..., None]) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("live")
    (folder / "home" / "strategies").mkdir(parents=True)
    (folder / "home" / "strategies" / "own.py").write_text(OWN)
    often = {"QUEUANT_SIGNALS_SECONDS": "0.5", "QUEUANT_ALERTS_SECONDS": "0.5"}
    database = f"sqlite:///{folder}/home/queuant.db"
    roles = Deployment(folder, database, redis_url, QUEUANT_WEBHOOK_LOOPBACK="1", **often)
    story = Story(roles, eventually)
    try:
        story.begin()
        yield story
    finally:
        story.end()


def test_every_type_of_event_is_heard_from_a_cause_of_its_own(story: Story) -> None:
    story.client.close_book()
    with suppress(AssertionError):  # which are missing says more than that time is up
        story.eventually(lambda: all(ear.types >= TYPES for ear in story.ears), 60)
    assert [TYPES - ear.types for ear in story.ears] == [set(), set()]


def test_a_socket_and_a_stream_say_the_same_and_leave_nothing_out(story: Story) -> None:
    def by_channel(ear: Ear) -> dict[str, list[dict[str, Any]]]:
        names = {event["channel"] for event in ear.events}
        return {name: [event for event in ear.events if event["channel"] == name] for name in names}

    story.eventually(lambda: by_channel(story.ears[0]) == by_channel(story.ears[1]), 60)
    for events in by_channel(story.ears[0]).values():
        numbers = [event["seq"] for event in events]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_what_new_bars_make_strategies_say_is_what_alerts_and_the_book_follow(story: Story) -> None:
    flip = story.heard("signals", "signal_flip", dataset_id="prices")
    surge = story.heard("signals", "conviction_surge", dataset_id="prices")
    parted = story.heard("signals", "signal_divergence", dataset_id="prices")
    assert (flip["strategy_id"], flip["conviction"], surge["strategy_id"]) == ("follower", -1.0, "fader")
    assert parted["short"] == [{"strategy_id": "follower", "conviction": -1.0}]
    for kind, said in (("signal_flip", flip), ("conviction_surge", surge), ("signal_divergence", parted)):
        assert story.heard("alerts", kind, dataset_id="prices")["data"] == said

    first, *_, last = story.ears[0].told("portfolio", "position_update")
    assert first["positions"][0]["quantity"] > 0 > last["positions"][0]["quantity"]
    trades = story.heard("portfolio", "rebalance")
    assert flip["bar_at"] < trades["bar_at"] < last["bar_at"]
    assert sum(trade["quantity"] for trade in trades["trades"]) < 0
    assert story.heard("portfolio", "pnl_update", bar_at=flip["bar_at"])["pnl"] < 0


@pytest.fixture
def receivers() -> Iterator[dict[str, Receiver]]:
    """Two that are not well."""
    found = {name: Receiver() for name in ("ill", "gone")}
    for receiver in found.values():
        receiver.status = 500
    yield found
    for receiver in found.values():
        receiver.close()


def test_a_webhook_is_told_again_until_it_answers_and_at_last_no_more(
    story: Story, receivers: dict[str, Receiver]
) -> None:
    rule = {"kind": "job_failed", "severity": "critical", "filter": {"strategy_id": "broken"}}
    story.client.api("PUT", "/alerts/rules/loud", body=rule)
    for name, receiver in receivers.items():
        address = {"url": f"http://127.0.0.1:{receiver.port}/", "severity": "critical"}
        secret = story.client.api("PUT", f"/alerts/webhooks/{name}", body=address)["secret"]
        receiver.secret = secret
    failing = story.client.backtest("broken", fresh=True, **EURUSD)
    alert = story.heard("alerts", "job_failed", job_id=failing.id, rule_id="loud")
    story.eventually(lambda: all(receiver.heard for receiver in receivers.values()), 30)
    receivers["ill"].status = 204

    def deliveries() -> dict[str, tuple[str, int]]:
        story.let_pauses_pass()
        found = story.client.api("GET", f"/alerts/{alert['alert_id']}")["deliveries"]
        return {each["webhook_id"]: (each["status"], each["attempt"]) for each in found}

    story.eventually(lambda: deliveries() == {"ill": ("sent", 2), "gone": ("failed", 6)}, 60)
    for name, receiver in receivers.items():
        # What else is critical, such as a fall of the book, is told to them too.
        heard = [one for one in receiver.heard if json.loads(one[2])["alert"]["alert_id"] == alert["alert_id"]]
        assert len(heard) == {"ill": 2, "gone": 6}[name]
        for number, (_, headers, body) in enumerate(heard, 1):
            stamp, signature = headers["X-Queuant-Timestamp"], headers["X-Queuant-Signature"]
            assert is_genuine(receiver.secret, stamp, body, signature)
            assert not is_genuine(receiver.secret, stamp, body + b" ", signature)
            assert abs(time.time() - int(stamp)) < 120
            told = json.loads(body)
            assert told == {**told, "attempt": number, "delivery_id": headers["X-Queuant-Delivery"], "alert": alert}
        assert len({headers["X-Queuant-Delivery"] for _, headers, _ in heard}) == 1


def is_genuine(secret: str, timestamp: str, body: bytes, signature: str) -> bool:
    """What the page on alerts gives to receivers, as it stands there."""
    page = (ROOT / "docs" / "alerts.md").read_text("utf-8")
    (recipe,) = re.findall(r"```python\n(import hashlib.*?)```", page, re.DOTALL)
    found: dict[str, Any] = {}
    exec(recipe, found)
    return bool(found["is_genuine"](secret, timestamp, body, signature))
