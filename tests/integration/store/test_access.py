"""API keys and tickets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

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


def test_a_ticket_of_no_key_outlives_every_key(store):
    key = store.access.create_key("ada")
    session = store.access.issue_ticket(ADA, "session", seconds=60)
    store.access.revoke_key(key)
    assert store.access.holder(session, "session") == ADA
    assert store.access.may_stay(ADA)
