"""What clients say is read strictly and never hurts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Unknown
from app.store import Caller
from app.web.feeds import Feed, open_feed, read_channel, read_message, read_resume
from app.web.sse import read_channels, read_position
from engine.errors import InvalidInput, UnknownName

ADA = Caller("ada", frozenset({"read"}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "1",
        '"ping"',
        '{"a": NaN}',
        '{"a": Infinity}',
        "[" * 4000,
        '{"a":' * 800,
        b'{"type":"ping"}',
        "\ud800",
        "{" + '"a":' + "9" * 5000 + "}",
    ],
)
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(InvalidInput, match="Send JSON objects"):
        read_message(text)


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_message_raises_anything_else(text):
    with contextlib.suppress(InvalidInput):
        assert isinstance(read_message(text), dict)


def test_a_client_that_says_nothing_does_not_resume():
    assert read_resume(None, None) is None
    assert read_resume("", "") is None


@pytest.mark.parametrize("seq", ["7", 7])
def test_a_query_and_a_message_resume_alike(seq):
    assert read_resume("e", seq) == ("e", 7)


@pytest.mark.parametrize(
    ("epoch", "seq"),
    [
        ("e", None),
        (None, 1),
        ("e", -1),
        ("e", "-1"),
        ("e", True),
        ("e", 1.5),
        ("e", "x"),
        ("e", "²"),
        ("e", 10**17),
        ("e", "9" * 5000),
        (1, 1),
        ("e", [1]),
        ("e", float("nan")),
    ],
)
def test_half_a_position_is_refused(epoch, seq):
    with pytest.raises(InvalidInput, match="whole `seq`"):
        read_resume(epoch, seq)


@pytest.mark.parametrize("name", [None, "", 5, ["jobs"], "j" * 101])
def test_a_channel_has_a_name(name):
    with pytest.raises(InvalidInput):
        read_channel({"channel": name})


def test_a_position_tells_epoch_and_seq_of_each_channel():
    assert read_position("") == {}
    assert read_position("e1:jobs=3,jobs/ab=0,signals=12") == {
        "jobs": ("e1", 3),
        "jobs/ab": ("e1", 0),
        "signals": ("e1", 12),
    }


@pytest.mark.parametrize(
    "text", ["e1", "e1:", ":jobs=1", "e1:jobs", "e1:jobs=-1", "e1:jobs=1,", "e1:jobs=" + "9" * 17, "é:jobs=1", "5"]
)
def test_what_is_no_position_is_refused(text):
    with pytest.raises(InvalidInput, match="Last-Event-ID"):
        read_position(text)


@pytest.mark.parametrize("text", ["", ",", "j" * 101, ",".join(f"jobs/{number}" for number in range(51))])
def test_a_stream_is_of_one_channel_or_a_few(text):
    with pytest.raises(InvalidInput, match="1 to 50 channels"):
        read_channels(text)


def test_signals_are_for_everybody_and_alerts_for_their_owner():
    assert open_feed(None, ADA, "signals") == Feed("signals", "/api/v1/signals/latest")
    assert open_feed(None, ADA, "alerts") == Feed("alerts:ada", "/api/v1/alerts")
    for name in ("signals/sma_cross", "alerts/bob", "alerts:bob", "workers"):
        with pytest.raises((Unknown, UnknownName)) as refused:
            open_feed(None, ADA, name)
        assert refused.value.code == "unknown_channel"


def test_the_paper_book_is_for_everybody_and_has_no_parts():
    assert open_feed(None, ADA, "portfolio") == Feed("portfolio", "/api/v1/portfolio/current")
    with pytest.raises(Unknown) as refused:
        open_feed(None, ADA, "portfolio/ada")
    assert refused.value.code == "unknown_channel"
