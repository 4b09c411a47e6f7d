"""API keys and tickets."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from app.store import Caller
from app.store.access import SCOPES
from app.tables import api_keys, tickets

ADA = Caller("ada", frozenset({"read", "run"}))


def test_a_key_opens_what_it_was_made_for(store):
    key = store.access.create_key("ada", ["read", "run"])

    assert key.startswith("bt_")
    assert store.access.caller(key) == ADA
    assert ADA.may("run")
    assert not ADA.may("admin")
    assert Caller("root", frozenset({"admin"})).may("run")


def test_a_key_that_expires_opens_until_then(store, clock):
    key, other = store.access.create_key("ada", seconds=60), store.access.create_key("ada")
    clock.advance(59.9)
    assert store.access.caller(key) is not None
    assert not store.access.has_expired(key)

    clock.advance(0.1)
    assert store.access.caller(key) is None
    assert store.access.has_expired(key)
    assert not store.access.ensure_key(key, "ada")
    assert store.access.caller(other) is not None


def test_only_who_has_an_expired_key_is_told_so(store, clock):
    key = store.access.create_key("ada", seconds=1)
    clock.advance(1)

    assert not store.access.has_expired(key[:-1])
    assert not store.access.has_expired("bt_00000000_x")
    store.access.revoke_key(key)
    assert not store.access.has_expired(key)


def test_an_owner_is_one_while_a_key_is_open(store, clock):
    store.access.create_key("ada")
    store.access.create_key("bob", seconds=1)
    store.access.revoke_key(store.access.create_key("eve"))
    assert store.access.owners() == ["ada", "bob"]
    clock.advance(1)
    assert store.access.owners() == ["ada"]


def test_keys_are_listed_without_what_opens_them(store, clock):
    made = clock()
    store.access.create_key("ada", ["read"], label="notebook", seconds=90)
    clock.advance(1)
    store.access.revoke_key(store.access.create_key("bob"))
    first, second = store.access.keys()

    assert (first.owner, first.scopes, first.label, first.is_open) == ("ada", ["read"], "notebook", True)
    assert (first.created_at, first.expires_at, first.last_used_at) == (made, made + 90, None)
    assert (second.owner, second.label, second.is_open, second.revoked_at) == ("bob", None, False, made + 1)
    assert "hash" not in first._fields


def test_the_last_use_is_noted_once_a_minute(store, clock):
    key, began = store.access.create_key("ada"), clock()

    def last_used():
        store.access.caller(key)
        (row,) = store.access.keys()
        return row.last_used_at - began

    assert last_used() == 0
    clock.advance(59)
    assert last_used() == 0
    clock.advance(1)
    assert last_used() == 60


def test_who_uses_a_key_waits_for_no_lock(store):
    key = store.access.create_key("ada")
    with store.database.write() as tx:
        tx.execute(update(api_keys).values(label="held"))
        began = time.monotonic()
        assert store.access.caller(key) == Caller("ada", frozenset(SCOPES))
        assert time.monotonic() - began < 2

    assert store.access.keys()[0].last_used_at is None
    store.access.caller(key)
    assert store.access.keys()[0].last_used_at is not None


@pytest.mark.parametrize("spoil", [lambda key: key[:-1], lambda key: key + "x", lambda key: key.upper(), lambda _: ""])
def test_a_wrong_key_opens_nothing(store, spoil):
    key = store.access.create_key("ada")

    assert store.access.caller(spoil(key)) is None


@pytest.mark.parametrize("text", ["bt", "bt_", "bt__", "bt_x", "xx_1_2", "bt_" + "a" * 5000 + "_b", "ключ", "bt_%_x"])
def test_what_is_no_key_opens_nothing(store, text):
    store.access.create_key("ada")

    assert store.access.caller(text) is None


@pytest.mark.parametrize("name", [lambda key: key, lambda key: key.split("_")[1]])
def test_a_revoked_key_opens_nothing(store, name):
    key, other = store.access.create_key("ada"), store.access.create_key("ada")

    assert store.access.revoke_key(name(key))
    assert not store.access.revoke_key(name(key))
    assert store.access.caller(key) is None
    assert store.access.caller(other) == Caller("ada", frozenset(SCOPES))


def test_a_revoked_key_from_elsewhere_stays_closed(store):
    key = store.access.create_key("ada")
    store.access.revoke_key(key)

    assert not store.access.ensure_key(key, "ada")
    assert store.access.caller(key) is None


def test_what_is_no_key_is_not_let_in(store):
    assert not store.access.ensure_key("garbage", "ada")


def test_the_database_holds_no_secret(store):
    key = store.access.create_key("ada")
    ticket = store.access.issue_ticket(ADA, "login", seconds=60)
    with store.database.read() as tx:
        stored = repr(tx.execute(select(api_keys)).all()) + repr(tx.execute(select(tickets)).all())

    assert key.split("_", 2)[2] not in stored
    assert ticket not in stored


def test_a_key_from_elsewhere_is_let_in_once(store):
    key = store.access.create_key("ada")
    with store.database.write() as tx:
        tx.execute(api_keys.delete())

    assert store.access.ensure_key(key, "ada")
    assert store.access.ensure_key(key, "ada")
    assert store.access.caller(key).owner == "ada"
    with store.database.read() as tx:
        assert len(tx.execute(select(api_keys)).all()) == 1


def test_a_ticket_is_used_up_by_its_first_use(store):
    ticket = store.access.issue_ticket(ADA, "socket", seconds=30)

    assert store.access.redeem(ticket, "socket") == ADA
    assert store.access.redeem(ticket, "socket") is None


def test_a_ticket_is_used_up_once_by_many(store):
    ticket = store.access.issue_ticket(ADA, "socket", seconds=30)
    start = threading.Barrier(8)

    def redeem(_):
        start.wait()
        return store.access.redeem(ticket, "socket")

    with ThreadPoolExecutor(8) as pool:
        assert sorted(map(bool, pool.map(redeem, range(8)))) == [False] * 7 + [True]


def test_a_ticket_serves_its_purpose_only(store):
    ticket = store.access.issue_ticket(ADA, "socket", seconds=30)

    assert store.access.redeem(ticket, "login") is None
    assert store.access.holder(ticket, "login") is None
    assert store.access.redeem(ticket, "socket") == ADA


def test_a_session_can_be_shown_often_until_it_ends(store, clock):
    session = store.access.issue_ticket(ADA, "session", seconds=30)
    clock.advance(30)
    assert store.access.holder(session, "session") == ADA
    assert store.access.holder(session, "session") == ADA
    clock.advance(0.001)

    assert store.access.holder(session, "session") is None
    assert store.access.redeem(session, "session") is None


def test_tickets_that_ran_out_are_swept_away(store, clock):
    store.access.issue_ticket(ADA, "login", seconds=1)
    clock.advance(2)
    store.access.issue_ticket(ADA, "login", seconds=1)
    with store.database.read() as tx:
        assert len(tx.execute(select(tickets)).all()) == 1


def test_a_ticket_and_a_session_end_with_the_key_that_they_come_from(store):
    key = store.access.create_key("ada")
    login = store.access.issue_ticket(store.access.caller(key), "login", seconds=60)
    session = store.access.issue_ticket(store.access.redeem(login, "login"), "session", seconds=60)
    unused = store.access.issue_ticket(store.access.holder(session, "session"), "ws", seconds=60)
    store.access.revoke_key(key)
    assert store.access.holder(session, "session") is None
    assert store.access.redeem(unused, "ws") is None


def test_a_ticket_and_a_session_end_when_their_key_expires(store, clock):
    key = store.access.create_key("ada", seconds=30)
    caller = store.access.caller(key)
    session = store.access.issue_ticket(caller, "session", seconds=60)
    unused = store.access.issue_ticket(caller, "ws", seconds=60)
    clock.advance(30)
    assert store.access.holder(session, "session") is None
    assert store.access.redeem(unused, "ws") is None
    assert not store.access.may_stay(caller)


def test_a_ticket_of_no_key_outlives_every_key(store):
    key = store.access.create_key("ada")
    session = store.access.issue_ticket(ADA, "session", seconds=60)
    store.access.revoke_key(key)
    assert store.access.holder(session, "session") == ADA
    assert store.access.may_stay(ADA)
