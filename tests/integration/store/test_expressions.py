"""Documents of expression strategies: versions that stay, ids that have an owner."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import Conflict
from app.store import expressions

SPEC = {"name": "mine", "weight": "1"}


def put(store, version="v1", *, strategy_id="mine", owner="ada", **spec):
    return store.expressions.put(strategy_id, version, owner=owner, spec=SPEC | spec)


def listed(store):
    return {row.strategy_id: row.version for row in store.expressions.all()}


def test_the_newest_version_is_listed_and_the_older_ones_stay(store):
    assert put(store, "v1")
    assert not put(store, "v1")
    assert put(store, "v2", weight="2")
    assert put(store, "v1", strategy_id="other")

    assert listed(store) == {"mine": "v2", "other": "v1"}
    assert store.expressions.newest("mine").spec == SPEC | {"weight": "2"}
    assert store.expressions.version("mine", "v1").spec == SPEC
    assert store.expressions.version("mine", "v3") is None
    assert store.expressions.newest("nobody") is None


def test_an_older_version_that_is_posted_again_is_the_newest_though_no_time_has_passed(store):
    put(store, "v1")
    put(store, "v2")

    assert put(store, "v1")
    assert listed(store) == {"mine": "v1"}
    assert not put(store, "v1")


def test_a_withdrawn_strategy_is_off_the_list_and_its_versions_are_found(store):
    put(store, "v1")
    put(store, "v2")

    assert not store.expressions.withdraw("mine", "bob")
    assert store.expressions.withdraw("mine", "ada")
    assert not store.expressions.withdraw("mine", "ada")
    assert listed(store) == {}
    assert store.expressions.newest("mine") is None
    assert store.expressions.version("mine", "v1").withdrawn_at is not None


def test_what_was_withdrawn_can_be_posted_again_by_its_owner_alone(store):
    put(store, "v1")
    put(store, "v2")
    store.expressions.withdraw("mine", "ada")

    with pytest.raises(Conflict) as taken:
        put(store, "v3", owner="bob")
    assert taken.value.code == "strategy_taken"
    assert put(store, "v1")
    assert listed(store) == {"mine": "v1"}


def test_an_owner_has_so_many_strategies_and_no_more(store, monkeypatch):
    monkeypatch.setattr(expressions, "MOST", 2)
    put(store, strategy_id="one")
    put(store, strategy_id="two")

    with pytest.raises(Conflict) as full:
        put(store, strategy_id="three")
    assert full.value.code == "too_many_strategies"
    assert put(store, "v2", strategy_id="two")
    assert put(store, strategy_id="three", owner="bob")
    store.expressions.withdraw("one", "ada")
    assert put(store, strategy_id="four")


def test_of_many_who_post_a_new_name_at_once_one_has_it(store):
    def post(owner):
        try:
            return put(store, f"v{owner}", owner=owner)
        except Conflict:
            return False

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(post, "abcdef")) == [False] * 5 + [True]
    assert len(store.expressions.all()) == 1
