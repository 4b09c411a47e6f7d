"""The queue carries doorbells: small, in JSON, under a prefix, and never a reason to wait."""

from __future__ import annotations

import base64
import json
import pickle
import time

import pytest
import redis
from celery.exceptions import QueueNotFound
from kombu import Connection, Consumer, Queue
from kombu.exceptions import ContentDisallowed

from app.errors import QueueUnavailable
from app.settings import Settings
from app.taskqueue import PREFIX, QUEUES, TASK, CeleryQueue, MemoryQueue, make_celery


@pytest.fixture
def server(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def queue(redis_url, server):
    return CeleryQueue(Settings(redis_url=redis_url))


def test_a_ring_puts_one_json_message_on_the_queue(queue, server):
    queue.ring("j1", "interactive")

    assert server.llen(PREFIX + "interactive") == 1
    message = json.loads(server.lindex(PREFIX + "interactive", 0))
    assert message["content-type"] == "application/json"
    assert message["headers"]["task"] == TASK
    assert json.loads(base64.b64decode(message["body"]))[0] == ["j1"]


@pytest.mark.parametrize("name", QUEUES)
def test_the_length_counts_what_waits_in_each_queue(queue, name):
    for number in range(3):
        queue.ring(f"j{number}", name)

    assert {each: queue.length(each) for each in QUEUES} == {each: 3 * (each == name) for each in QUEUES}


def test_a_doorbell_is_small_and_says_nothing_of_the_job(queue, server):
    queue.ring("j" * 32, "interactive")

    assert len(server.lindex(PREFIX + "interactive", 0)) < 1500


def test_an_unknown_queue_is_refused_instead_of_made(queue, server):
    with pytest.raises(QueueNotFound):
        queue.ring("j1", "nonsense")
    assert server.keys(PREFIX + "nonsense*") == []


def test_a_pickle_is_refused(queue, redis_url, server):
    """Unpickling a message would let whoever reaches the queue server run code in a worker."""
    celery = queue._celery
    assert celery.conf.accept_content == ["json"]
    options = celery.conf.broker_transport_options
    with Connection(redis_url, transport_options=options) as connection:
        with connection.SimpleQueue("interactive", serializer="pickle") as simple:
            simple.put(pickle.dumps("harmless"), serializer="pickle")
        with connection.channel() as channel:
            refused = []
            consumer = Consumer(
                channel,
                [Queue("interactive")],
                accept=celery.conf.accept_content,
                callbacks=[lambda body, message: pytest.fail("a pickle was read")],
                on_decode_error=lambda message, error: refused.append((message.ack(), error)),
            )
            with consumer:
                connection.drain_events(timeout=5)
    assert isinstance(refused[0][1], ContentDisallowed)


def test_nothing_listening_means_unavailable_within_two_seconds():
    queue = CeleryQueue(Settings(redis_url="redis://127.0.0.1:1/0"))
    for ask in (lambda: queue.ring("j1", "interactive"), lambda: queue.length("interactive"), queue.warm):
        started = time.monotonic()
        with pytest.raises(QueueUnavailable):
            ask()
        assert time.monotonic() - started < 2


def test_a_server_that_dies_and_comes_back_is_rung_again(queue_server):
    queue = CeleryQueue(Settings(redis_url=queue_server.url))
    queue.warm()
    queue.ring("j1", "interactive")
    queue_server.kill()
    started = time.monotonic()
    with pytest.raises(QueueUnavailable):
        queue.ring("j2", "interactive")
    with pytest.raises(QueueUnavailable):
        queue.length("interactive")
    assert time.monotonic() - started < 4


def test_a_worker_whose_every_place_was_taken_when_the_server_died_listens_again(queue_server):
    """It must want a next message: only by asking does it notice that the connection is gone."""
    celery = make_celery(Settings(redis_url=queue_server.url))
    CeleryQueue(Settings(redis_url=queue_server.url)).ring("j1", "interactive")
    taken = []
    with celery.connection_for_read() as connection, connection.channel() as channel:
        channel.basic_qos(0, 1, False)
        consumer = Consumer(channel, [Queue("interactive")], on_message=taken.append)
        consumer.consume()
        connection.drain_events(timeout=5)
        assert not channel.qos.can_consume()
        queue_server.kill()
        with pytest.raises(redis.ConnectionError):
            taken[0].ack()
        assert channel.qos.can_consume()


def test_a_server_that_freezes_does_not_hold_a_request_for_long(queue_server):
    queue = CeleryQueue(Settings(redis_url=queue_server.url))
    queue.ring("j1", "interactive")
    queue_server.freeze()
    started = time.monotonic()
    with pytest.raises(QueueUnavailable):
        queue.ring("j2", "interactive")
    waited = time.monotonic() - started
    queue_server.thaw()
    assert waited < 5


def test_a_wrong_password_is_unavailable(redis_url):
    queue = CeleryQueue(Settings(redis_url=redis_url.replace("redis://:", "redis://:wrong")))
    with pytest.raises(QueueUnavailable):
        queue.length("interactive")
    with pytest.raises(QueueUnavailable):
        queue.ring("j1", "interactive")


def test_the_settings_that_faults_have_taught():
    conf = make_celery(Settings(redis_url="redis://127.0.0.1:1/0", job_seconds=100)).conf

    assert conf.task_acks_late
    assert not conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.result_backend is None
    assert not conf.worker_enable_remote_control
    assert conf.task_time_limit == 130 > conf.task_soft_time_limit == 100
    # A message that is delivered again while its job still runs would be a second start.
    assert conf.broker_transport_options["visibility_timeout"] > conf.task_time_limit


def test_the_queue_in_memory_gives_doorbells_in_order():
    queue = MemoryQueue()
    for number in range(3):
        queue.ring(f"j{number}", "interactive")

    assert queue.length("interactive") == 3
    assert [queue.take() for _ in range(4)] == ["j0", "j1", "j2", None]
    assert queue.take("batch") is None
    with pytest.raises(KeyError):
        queue.ring("j1", "nonsense")
