"""A filter holds events back and nothing else: order, replay and resumption are as without one."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from app.bus import News
from app.shelf import Shelf
from app.web import channels
from app.web.feeds import CHANNELS, filters_of
from app.web.filters import Filter, read_filter
from engine.errors import InvalidInput, UnknownName

KNOWN = {"symbol": (), "severity": ("info", "warning", "critical"), "type": ("drawdown", "stale_data")}
EURUSD = Filter((("symbol", frozenset({"EURUSD"})),))


def say(newsroom, *symbols):
    for symbol in symbols:
        newsroom.bus.publish(newsroom.write(symbol=symbol))


def seqs(messages):
    return [message["seq"] for message in messages]


def until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_client_hears_only_what_its_filter_lets_through_and_moves_past_the_rest(newsroom, hub, new_listener):
    some, all_of_it = new_listener(hub), new_listener(hub)
    some.join(wanted=EURUSD)
    all_of_it.join()
    some.wait_until_live()
    say(newsroom, "EURUSD", "USDJPY", "USDJPY", "EURUSD", "USDJPY")
    assert seqs(some.hear(2)) == [1, 4]
    assert seqs(all_of_it.hear(5)) == [1, 2, 3, 4, 5]
    until(lambda: some.subscription.cursor == 5)
    assert some.subscription.told == 4
    some.hear_nothing()


@pytest.mark.parametrize("count", [20, 300])  # out of the ring, and out of the log
def test_a_replay_goes_through_the_filter_too(newsroom, hub, listener, count):
    say(newsroom, *("EURUSD" if number % 10 == 0 else "USDJPY" for number in range(count)))
    assert listener.join((newsroom.epoch, 5), wanted=EURUSD).recovered is True
    assert seqs(listener.hear(count // 10 - 1)) == list(range(11, count + 1, 10))
    until(lambda: listener.subscription.cursor == count)


def test_a_client_is_told_how_far_it_has_got_and_resumes_from_there(newsroom, hub, listener):
    listener.join(wanted=EURUSD)
    listener.wait_until_live()
    say(newsroom, "EURUSD", "USDJPY", "USDJPY")
    assert seqs(listener.hear(1)) == [1]
    until(lambda: listener.subscription.cursor == 3)
    listener.client.beat(epoch=newsroom.epoch)
    listener.client.beat(epoch=newsroom.epoch)
    said = {"v": 1, "type": "cursor", "channel": "jobs:ada", "epoch": newsroom.epoch, "seq": 3}
    assert listener.hear(1) == [said]
    listener.hear_nothing()


def test_a_quiet_client_wakes_to_be_told_before_its_place_is_too_far_back(newsroom, hub, listener, monkeypatch):
    monkeypatch.setattr(channels, "FAR_BEHIND", 3)
    listener.join(wanted=EURUSD)
    listener.wait_until_live()
    say(newsroom, "USDJPY", "USDJPY")
    until(lambda: listener.subscription.cursor == 2)
    assert not listener.client.is_far()
    say(newsroom, "USDJPY")
    until(lambda: listener.client.is_far())


def test_a_filter_is_asked_once_for_each_event_and_not_for_each_client(newsroom, hub, new_listener, monkeypatch):
    asked = []

    def counted(self, facts):
        asked.append(facts)
        return True

    monkeypatch.setattr(Filter, "passes", counted)
    listeners = [new_listener(hub) for _ in range(6)]
    for number, listener in enumerate(listeners):
        listener.join(wanted=Filter((("symbol", frozenset({"EURUSD", str(number % 2)})),)))
        listener.wait_until_live()
    hub.hear(News.of(newsroom.write(symbol="EURUSD")))
    assert [seqs(listener.hear(1)) for listener in listeners] == [[1]] * 6
    assert len(asked) == 2, "two distinct filters"


def test_severity_is_the_least_and_the_other_filters_name_what_passes():
    wanted = read_filter({"severity": "warning", "symbol": "EURUSD, USDJPY"}, KNOWN)
    for severity, symbol, passes in (
        ("critical", "EURUSD", True),
        ("warning", "USDJPY", True),
        ("info", "EURUSD", False),
        ("critical", "GBPUSD", False),
        (None, "EURUSD", False),
    ):
        assert wanted.passes({"severity": severity, "symbol": symbol, "type": "drawdown"}) is passes


def test_a_list_and_a_text_with_commas_say_the_same():
    assert read_filter({"type": ["drawdown", "stale_data"]}, KNOWN) == read_filter(
        {"type": "stale_data,drawdown"}, KNOWN
    )
    assert read_filter({}, KNOWN) is None


@pytest.mark.parametrize(
    ("given", "code", "near"),
    [
        ({"symbl": "EURUSD"}, "unknown_filter", "symbol"),
        ({"type": "drawdwn"}, "unknown_type", "drawdown"),
        ({"severity": "warn"}, "unknown_severity", "warning"),
    ],
)
def test_an_unknown_filter_or_value_is_refused_with_the_nearest(given, code, near):
    with pytest.raises(UnknownName) as caught:
        read_filter(given, KNOWN)
    assert (caught.value.code, caught.value.nearest) == (code, near)


@pytest.mark.parametrize("value", ["", ",", 5, None, [1], {"a": 1}, ["x" * 101], [str(n) for n in range(51)]])
def test_a_value_is_a_text_or_a_few(value):
    with pytest.raises(InvalidInput):
        read_filter({"symbol": value}, KNOWN)


def test_of_several_channels_each_takes_the_filters_that_it_has():
    of = filters_of(None, ["alerts", "jobs"], {"severity": "critical"})
    assert of["jobs"] is None
    assert of["alerts"].passes({"severity": "critical"})
    with pytest.raises(UnknownName, match="no filter 'severity'"):
        filters_of(None, ["jobs"], {"severity": "critical"})


def test_an_unknown_strategy_is_pointed_at_where_the_client_said_it():
    with pytest.raises(UnknownName) as caught:
        filters_of(SimpleNamespace(shelf=Shelf()), ["signals"], {"strategy": "sma_cros"})
    assert (caught.value.pointer, caught.value.nearest) == ("/filter/strategy", "sma_cross")


def test_every_channel_has_types_and_filters_that_events_can_answer():
    for family in CHANNELS.values():
        assert family.types
        assert set(family.filters) <= {"strategy", "symbol", "severity"}
