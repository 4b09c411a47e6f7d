"""Every client hears every durable event once and in order, whatever the bus does."""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager

import pytest
from sqlalchemy import delete

from app.bus import News
from app.errors import QueueUnavailable
from app.events import Event
from app.tables import events as event_rows
from app.web import channels as channels_module
from app.web import hub as hub_module

CHANNEL = "jobs:ada"


def seqs(messages):
    return [message["seq"] for message in messages]


def heard_by(hub, events):
    """Give the hub these events as news, in this order."""
    for event in events:
        hub.hear(News.of(event))


def test_a_new_client_hears_what_happens_after_its_hello(newsroom, listener):
    newsroom.say(3)
    greeting = listener.join()
    assert (greeting.epoch, greeting.head, greeting.recovered) == (newsroom.epoch, 3, None)
    listener.wait_until_live()
    newsroom.say(2)
    assert seqs(listener.hear(2)) == [4, 5]
    listener.hear_nothing()


def test_a_client_that_resumes_gets_exactly_what_it_missed(newsroom, listener):
    newsroom.say(5)
    assert listener.join((newsroom.epoch, 2)).recovered is True
    assert seqs(listener.hear(3)) == [3, 4, 5]
    newsroom.say()
    assert seqs(listener.hear(1)) == [6]


def test_a_client_that_has_everything_is_recovered_without_a_replay(newsroom, listener):
    newsroom.say(2)
    assert listener.join((newsroom.epoch, 2)).recovered is True
    listener.hear_nothing()


def test_a_replay_of_several_pages_is_complete(newsroom, listener):
    newsroom.say(450)
    listener.join((newsroom.epoch, 0))
    assert seqs(listener.hear(450)) == list(range(1, 451))


@pytest.mark.parametrize(("epoch", "seq"), [("another", 1), (None, 7), (None, 10**15)])
def test_a_client_that_cannot_resume_starts_at_the_head(newsroom, listener, epoch, seq):
    newsroom.say(3)
    greeting = listener.join((epoch or newsroom.epoch, seq))
    assert (greeting.recovered, greeting.head) == (False, 3)
    newsroom.say()
    assert seqs(listener.hear(1)) == [4]


def test_a_client_that_missed_too_much_starts_at_the_head(newsroom, listener, monkeypatch):
    monkeypatch.setattr(hub_module, "MAX_REPLAY", 4)
    newsroom.say(6)
    assert listener.join((newsroom.epoch, 1)).recovered is False
    newsroom.say()
    assert seqs(listener.hear(1)) == [7]


def test_a_client_whose_history_was_deleted_starts_at_the_head(newsroom, listener):
    newsroom.say(6)
    with newsroom.store.database.write() as tx:
        tx.execute(delete(event_rows).where(event_rows.c.seq <= 3))
    assert listener.join((newsroom.epoch, 1)).recovered is False
    newsroom.say()
    assert seqs(listener.hear(1)) == [7]


def test_news_that_arrives_out_of_order_leaves_in_order(newsroom, hub, listener):
    listener.join()
    first, second, third = (newsroom.write() for _ in range(3))
    heard_by(hub, [third, first, second, third])
    assert seqs(listener.hear(3)) == [1, 2, 3]
    listener.hear_nothing()


def test_lost_news_is_fetched_when_the_next_arrives(newsroom, listener):
    listener.join()
    newsroom.write()
    newsroom.write()
    newsroom.say()
    assert seqs(listener.hear(3)) == [1, 2, 3]


def test_news_lost_without_a_word_is_found_by_the_poll(newsroom, new_hub, new_listener):
    listener = new_listener(new_hub(poll_seconds=0.05))
    listener.join()
    newsroom.write()
    newsroom.write()
    assert seqs(listener.hear(2)) == [1, 2]


def test_a_live_client_goes_on_after_a_hole_by_resuming(newsroom, hub, listener, new_listener):
    newsroom.say(2)
    listener.join()
    listener.wait_until_live()
    for _ in range(3):
        newsroom.write()
    with newsroom.store.database.write() as tx:
        tx.execute(delete(event_rows).where(event_rows.c.seq == 3))
    newsroom.say()
    deadline = time.monotonic() + 5
    while listener.client.ending is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert listener.client.ending == channels_module.TOO_SLOW
    again = new_listener(hub)
    assert again.join((newsroom.epoch, 2)).recovered is False
    newsroom.say()
    assert seqs(again.hear(1)) == [7]


def test_the_hub_hears_again_after_the_bus_was_away(newsroom, new_hub, new_listener):
    class Flaky:
        """Breaks on the first attempt, and after each piece of news."""

        def __init__(self):
            self.attempts = 0

        @contextmanager
        def subscribe(self):
            self.attempts += 1
            if self.attempts == 1:
                raise QueueUnavailable("away")
            with newsroom.bus.subscribe() as ear:
                yield Breaking(ear)

    class Breaking:
        def __init__(self, ear):
            self.ear = ear
            self.spoke = False

        def next(self, timeout):
            if self.spoke:
                raise QueueUnavailable("gone again")
            news = self.ear.next(timeout)
            self.spoke = news is not None
            return news

    flaky = Flaky()
    listener = new_listener(new_hub(bus=flaky))
    listener.join()
    for number in range(1, 5):
        newsroom.say()
        assert seqs(listener.hear(1)) == [number]
    assert flaky.attempts >= 3


def test_clients_that_come_while_events_are_published_miss_nothing_and_see_nothing_twice(
    newsroom, new_hub, new_listener
):
    hub = new_hub(poll_seconds=0.1)
    total, writers = 600, 3
    chance = random.Random(7)

    def publish(seed):
        mine = random.Random(seed)
        held: list[Event] = []
        for _ in range(total // writers):
            held.append(newsroom.write())
            if len(held) > 3 or mine.random() < 0.7:  # some arrive late and in another order, some never
                mine.shuffle(held)
                for event in held:
                    if mine.random() < 0.9:
                        newsroom.bus.publish(event)
                held.clear()

    threads = [threading.Thread(target=publish, args=(seed,)) for seed in range(writers)]
    for thread in threads:
        thread.start()
    joined = []
    for number in range(16):
        time.sleep(chance.random() * 0.02)
        listener = new_listener(hub)
        known = newsroom.store.events.head(CHANNEL)
        back = chance.randrange(known + 1)
        resume = (newsroom.epoch, known - back) if number % 2 else None
        greeting = listener.join(resume)
        joined.append((listener, known - back if resume else greeting.head))
    for thread in threads:
        thread.join()
    for listener, seen in joined:
        assert seqs(listener.hear(total - seen)) == list(range(seen + 1, total + 1))
        listener.hear_nothing(0.01)


def test_a_client_that_does_not_read_is_closed_and_the_others_hear_on(newsroom, hub, new_listener):
    slow, quick = new_listener(hub), new_listener(hub)
    slow.join()
    quick.join()
    slow.wait_until_live()
    quick.wait_until_live()
    text = "x" * 8000
    for number in range(1, 401):
        newsroom.say(text=text)
        assert seqs(quick.hear(1)) == [number]
        if slow.client.ending:
            break
    assert slow.client.ending == channels_module.TOO_SLOW
    assert quick.client.ending is None


def test_of_progress_that_waits_the_latest_wins(newsroom, hub, listener):
    listener.join()
    listener.wait_until_live()
    with listener.wire.lock:  # as if the client were taking its time
        for done in range(50):
            hub.hear(progress_news(newsroom, done, "j1"))
            hub.hear(progress_news(newsroom, done, "j2"))
        assert len(listener.client._moments) == 2
    messages = listener.hear(2)
    assert {(m["data"]["job_id"], m["data"]["done"]) for m in messages} == {("j1", 49), ("j2", 49)}


def test_waiting_progress_is_bounded(newsroom, hub, listener):
    listener.join()
    listener.wait_until_live()
    with listener.wire.lock:
        for number in range(1000):
            hub.hear(progress_news(newsroom, 1, f"j{number}"))
        assert len(listener.client._moments) == channels_module.MAX_MOMENTS


def test_progress_that_waits_goes_with_its_channel(newsroom, hub, listener):
    listener.join()
    listener.wait_until_live()
    with listener.wire.lock:
        hub.hear(progress_news(newsroom, 1, "j1"))
        listener.subscription.live = False  # the client has left the channel
    listener.hear_nothing()


def progress_news(newsroom, done, job_id):
    data = {"job_id": job_id, "done": done}
    return News.of(Event(CHANNEL, newsroom.epoch, None, "job_progress", 0.0, data))


def test_progress_reaches_a_client_at_once(newsroom, listener):
    listener.join()
    listener.wait_until_live()
    newsroom.progress(7)
    (message,) = listener.hear(1)
    assert message["type"] == "job_progress"
    assert "seq" not in message


def test_the_last_client_out_ends_the_channel(hub, new_listener):
    first, second = new_listener(hub), new_listener(hub)
    first.join()
    second.join()
    hub.leave(first.subscription)
    assert hub.channel_count() == 1
    hub.leave(second.subscription)
    assert hub.channel_count() == 0


def test_one_client_may_hear_several_channels(newsroom, hub, listener):
    listener.join()
    listener.join(channel="jobs/j1")
    listener.wait_until_live()
    newsroom.bus.publish(newsroom.write(channel="jobs/j1"))
    (message,) = listener.hear(1)
    assert (message["channel"], message["seq"]) == ("jobs/j1", 1)


def test_the_ring_keeps_to_its_bounds_in_frames_and_bytes():
    channel = channels_module.Channel("jobs:ada")
    channel.begin(0)
    for seq in range(1, 1001):
        channel.append(channels_module.Frame(seq, "x"))
    assert channel.after(1000 - channels_module.RING_FRAMES - 1) is None
    assert channel.after(1000 - channels_module.RING_FRAMES) is not None
    for seq in range(1001, 1011):
        channel.append(channels_module.Frame(seq, "x" * 300_000))
    assert channel.after(1006) is None
    assert channel.after(1010) == []
