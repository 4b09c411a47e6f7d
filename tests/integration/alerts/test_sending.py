"""What is to be sent is written with the alert, and taken by one sender of many."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.alerts import sending
from app.errors import Overloaded
from app.store import deliveries as store_deliveries
from app.tables import deliveries
from tests.alerts import SECRET, both


def test_the_outbox_is_written_with_the_alert_for_whoever_wants_to_hear_it(platform, hook):
    hook("loud", severity="critical")
    hook("as_loud", severity="warning")
    hook("off", enabled=False)
    platform.store.deliveries.put(
        "bob", "his", {"url": "https://x.example/", "severity": "info", "enabled": True}, secret="s"
    )
    platform.fail()
    platform.round()
    assert platform.outbox() == [("as_loud", "pending", 0, None)]


def test_two_senders_at_once_send_once(platform, hook, receiver):
    for number in range(5):
        hook(f"h{number}")
    platform.fail()
    platform.round()
    assert sum(both(lambda: sending.send_due(platform.services))) == 5
    assert len(receiver.heard) == 5


def test_owners_and_their_webhooks_take_turns(platform, hook):
    hook("slow")
    for number in range(4):
        platform.rule(f"r{number}", kind="job_failed")
    platform.fail()
    platform.round()
    platform.clock.advance(600)  # five alerts have waited for long
    hook("good")
    platform.rule("late", kind="job_failed")
    his = {"url": "https://x.example/", "severity": "info", "enabled": True}
    platform.store.deliveries.put("bob", "his", his, secret="s")
    for owner in ("ada", "bob"):
        platform.fail(owner)
    platform.round()
    of = {row.id: (row.owner, row.webhook_id) for row in everything(platform)}
    first = [of[name] for name in platform.store.deliveries.due(limit=3)]
    assert {owner for owner, _ in first[:2]} == {"ada", "bob"}
    assert set(first) == {("ada", "slow"), ("ada", "good"), ("bob", "his")}
    assert sorted(platform.store.deliveries.due(limit=99)) == sorted(of)


def test_a_round_of_slow_receivers_ends_and_the_next_one_goes_on(platform, hook, receiver, monkeypatch):
    monkeypatch.setattr(sending, "SECONDS", 0.0)
    monkeypatch.setattr(sending, "post", lambda *_: 204)
    for number in range(3):
        hook(f"h{number}")
    platform.fail()
    platform.round()
    assert [sending.send_due(platform.services) for _ in range(4)] == [1, 1, 1, 0]


def everything(platform):
    """All deliveries."""
    with platform.store.database.read() as tx:
        return tx.execute(select(deliveries)).all()


def test_a_sender_that_died_leaves_it_to_the_next_and_writes_nothing_afterwards(platform, hook):
    hook()
    platform.fail()
    platform.round()
    store = platform.store.deliveries
    (delivery_id,) = store.due(limit=9)
    frozen, _ = store.take(delivery_id)
    assert store.due(limit=9) == []
    assert store.take(delivery_id) is None
    platform.clock.advance(store_deliveries.LEASE_SECONDS + 1)
    taken, webhook = store.take(delivery_id)
    assert (taken.attempt, webhook.secret) == (2, SECRET)
    assert store.missed(frozen, "late") is False
    assert store.sent(taken) is True
    assert platform.outbox() == [("ops", "sent", 2, None)]


def test_a_webhook_keeps_its_secret_until_another_one_is_given(platform, hook):
    hook()
    hook(severity="critical")
    values = {"url": "https://x.example/", "severity": "info", "enabled": True}
    assert platform.store.deliveries.put("ada", "ops", values, secret="offered").secret == SECRET
    assert platform.store.deliveries.put("ada", "ops", {**values, "secret": "given"}, secret="x").secret == "given"


def test_an_owner_has_so_many_webhooks_and_no_more(platform, monkeypatch):
    monkeypatch.setattr(store_deliveries, "MOST_WEBHOOKS", 2)
    values = {"url": "https://x.example/", "severity": "info", "enabled": True}
    for name in ("a", "b", "a"):
        platform.store.deliveries.put("ada", name, values, secret="s")
    with pytest.raises(Overloaded) as refused:
        platform.store.deliveries.put("ada", "c", values, secret="s")
    assert refused.value.code == "too_many_webhooks"
