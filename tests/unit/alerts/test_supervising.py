"""A supervisor raises alerts and sends them, as often as the setting says, and outlives what goes wrong with them."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from app.alerts import sending, watching
from app.errors import StoreUnavailable
from workers import supervisor


class Until:
    """An event that is set once a condition is true, or after five seconds."""

    def __init__(self, condition):
        self._condition = condition
        self._deadline = time.monotonic() + 5

    def wait(self, _):
        time.sleep(0.005)
        return self._condition() or time.monotonic() > self._deadline


def with_settings(platform, **changed):
    settings = platform.services.settings.replace(signals_seconds=0.0, **changed)
    return replace(platform.services, settings=settings)


def test_a_failed_job_reaches_a_receiver_through_a_running_supervisor(platform, hook, receiver, monkeypatch):
    monkeypatch.setattr(supervisor, "SEND_SECONDS", 0.01)
    hook()
    platform.fail()
    supervisor.supervise(with_settings(platform, alerts_seconds=0.001), Until(lambda: receiver.heard))
    assert len(receiver.heard) == 1
    assert platform.outbox() == [("ops", "sent", 1, None)]
    assert "send-alerts" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(("days", "left"), [(31.0, 0), (1.0, 1), (0.0, 1)])
def test_a_supervisor_forgets_what_was_over_for_longer_than_the_setting_and_any_cooldown(
    platform, monkeypatch, days, left
):
    monkeypatch.setattr(supervisor, "FORGET_SECONDS", 0.001)
    platform.fail()
    platform.round()
    platform.store.alerts.resolve(platform.alerts()[0].id, "ada")
    platform.clock.advance((32 if days > 1.0 else 29) * 86_400)
    rounds = iter(range(5))
    settings = with_settings(platform, alerts_seconds=0.0, alerts_days=days)
    supervisor.supervise(settings, Until(lambda: next(rounds, None) is None))
    assert len(platform.alerts()) == left


@pytest.mark.parametrize("days", [0.0, 30.0])
def test_a_supervisor_deletes_jobs_and_events_when_the_settings_say_so(platform, monkeypatch, days):
    monkeypatch.setattr(supervisor, "FORGET_SECONDS", 0.001)
    platform.fail()
    platform.clock.advance(31 * 86_400)
    rounds = iter(range(5))
    settings = with_settings(platform, alerts_seconds=0.0, jobs_days=days, events_days=days)
    supervisor.supervise(settings, Until(lambda: next(rounds, None) is None))
    events = platform.store.events.since("jobs:ada", 0)
    assert (len(platform.store.read.ended(0.0)), len(events)) == ((0, 0) if days else (1, 3))


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_a_supervisor_looks_as_often_as_the_setting_says(platform, seconds):
    platform.fail()
    rounds = iter(range(5))
    supervisor.supervise(with_settings(platform, alerts_seconds=seconds), Until(lambda: next(rounds, None) is None))
    assert platform.alerts() == []


def test_lost_workers_are_looked_for_between_steps_that_may_wait_for_others(platform, monkeypatch):
    done = []
    for name in ("tick", "look", "follow", "watch"):
        monkeypatch.setattr(supervisor, name, lambda _, name=name: done.append(name))
    services = platform.services
    often = replace(services, settings=services.settings.replace(signals_seconds=1e-9, alerts_seconds=1e-9))
    supervisor.supervise(often, Until(lambda: done))
    assert done == ["tick", "look", "tick", "follow", "tick", "watch", "tick"]


@pytest.mark.parametrize("error", [StoreUnavailable("The database did not answer in time."), TypeError("a kind")])
def test_what_goes_wrong_with_alerts_ends_no_supervisor(platform, monkeypatch, error):
    asked = []

    def fail(_):
        asked.append(True)
        raise error

    monkeypatch.setattr(supervisor, "SEND_SECONDS", 0.001)
    monkeypatch.setattr(watching, "evaluate", fail)
    supervisor.watch(platform.services)
    monkeypatch.setattr(sending, "send_due", fail)
    with supervisor.sender(platform.services):
        until = Until(lambda: len(asked) > 3)
        while not until.wait(0):
            pass
    assert len(asked) > 3
