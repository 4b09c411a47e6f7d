"""One body of tests for both buses: the one in memory must not behave better than the real one."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.bus import MemoryBus, News, RedisBus
from app.errors import QueueUnavailable
from app.events import Event

SOON = 5.0  # how long a test waits for what must come
NEVER = 0.1  # how long it waits for what must not


def news(seq, channel="jobs:ada", **data):
    return Event(channel, "e1", seq, "job_queued", 1_750_000_000.0, {"job_id": "j1", **data})


@pytest.fixture(params=["memory", "redis"])
def bus(request):
    return MemoryBus() if request.param == "memory" else RedisBus(request.getfixturevalue("redis_url"))


def test_whoever_listens_hears_what_is_published(bus):
    event = news(1, text="größer\n„als“\u2028\nzuvor")
    with bus.subscribe() as ear:
        bus.publish(event)
        assert ear.next(SOON) == News("jobs:ada", 1, event.frame())
        assert ear.next(NEVER) is None


def test_news_arrive_in_the_order_of_publishing(bus):
    with bus.subscribe() as ear:
        for seq in range(1, 201):
            bus.publish(news(seq))
        assert [ear.next(SOON).seq for _ in range(200)] == list(range(1, 201))


def test_every_listener_hears_everything(bus):
    with bus.subscribe() as first, bus.subscribe() as second:
        bus.publish(news(1))
        bus.publish(news(1, "jobs/j1"))
        for ear in (first, second):
            assert [ear.next(SOON).channel for _ in range(2)] == ["jobs:ada", "jobs/j1"]


def test_who_listens_later_hears_only_what_is_new(bus):
    bus.publish(news(1))
    with bus.subscribe() as ear:
        bus.publish(news(2))
        assert ear.next(SOON).seq == 2
        assert ear.next(NEVER) is None


def test_publishing_to_nobody_is_no_error(bus):
    bus.ping()
    bus.publish(news(1))


def test_nothing_is_lost_from_the_moment_the_block_begins(bus):
    for round_ in range(20):
        with bus.subscribe() as ear:
            bus.publish(news(round_))
            assert ear.next(SOON).seq == round_


def test_many_may_publish_at_once(bus):
    with bus.subscribe() as ear, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seq: bus.publish(news(seq)), range(100)))
        assert sorted(ear.next(SOON).seq for _ in range(100)) == list(range(100))


@pytest.mark.parametrize("seq", [None, 0, 7])
@pytest.mark.parametrize("frame", ["{}", '{"a":"b\\nc"}', "line\nbreak\n", ""])
def test_news_travel_as_text_and_come_back_equal(seq, frame):
    piece = News("jobs/j1", seq, frame)

    assert News.decode(piece.encode()) == piece


def test_nothing_listening_means_unavailable_at_once():
    bus = RedisBus("redis://127.0.0.1:1/0")
    started = time.monotonic()
    with pytest.raises(QueueUnavailable):
        bus.ping()
    with pytest.raises(QueueUnavailable):
        bus.publish(news(1))
    with pytest.raises(QueueUnavailable), bus.subscribe():
        pass
    assert time.monotonic() - started < 2


def test_a_server_that_dies_is_noticed_by_publisher_and_listener(queue_server):
    bus = RedisBus(queue_server.url)
    with bus.subscribe() as ear:
        queue_server.kill()
        started = time.monotonic()
        with pytest.raises(QueueUnavailable):
            ear.next(SOON)
        with pytest.raises(QueueUnavailable):
            bus.publish(news(1))
        assert time.monotonic() - started < 3


def test_a_server_that_freezes_is_noticed_by_the_publisher(queue_server):
    bus = RedisBus(queue_server.url)
    bus.ping()
    queue_server.freeze()
    started = time.monotonic()
    with pytest.raises(QueueUnavailable):
        bus.publish(news(1))
    assert time.monotonic() - started < 3.5
    queue_server.thaw()
    bus.publish(news(2))


def test_a_wrong_password_is_unavailable_too(redis_url):
    with pytest.raises(QueueUnavailable):
        RedisBus(redis_url.replace("redis://:", "redis://:wrong")).publish(news(1))
