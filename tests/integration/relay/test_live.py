"""What clients of a running server hear."""

from __future__ import annotations

import json
import signal
import threading
import time

import httpx
import pytest

from app.events import owner_channel


def seqs(messages):
    return [message["seq"] for message in messages]


def test_a_client_is_greeted_and_hears_the_life_of_a_job(live, hear):
    sock = live.connect()
    (hello,) = hear(sock)
    assert hello == {
        "v": 1,
        "type": "hello",
        "channel": "jobs",
        "epoch": live.services.store.events.epoch,
        "head": 0,
        "recovered": None,
        "resync": "/api/v1/jobs",
    }
    job, _ = live.services.jobs.submit(live.owner, "backtest", {"seed": 1})
    live.services.jobs.cancel(job.id, live.owner)
    queued, cancelled = hear(sock, 2)
    assert (queued["type"], cancelled["type"]) == ("job_queued", "job_cancelled")
    assert queued["channel"] == "jobs"
    assert seqs([queued, cancelled]) == [1, 2]


def test_a_client_of_one_job_hears_only_that(live, hear):
    job, _ = live.services.jobs.submit(live.owner, "backtest", {"seed": 1})
    sock = live.connect(f"/ws/jobs/{job.id}")
    assert hear(sock)[0]["channel"] == f"jobs/{job.id}"
    live.services.jobs.submit(live.owner, "backtest", {"seed": 2})
    live.services.jobs.cancel(job.id, live.owner)
    (message,) = hear(sock)
    assert (message["type"], message["data"]["job_id"]) == ("job_cancelled", job.id)


def test_clients_see_every_event_once_while_many_are_published(live, hear):
    total = 400
    publisher = threading.Thread(target=live.say, args=(total,))
    publisher.start()
    joined = []
    log = live.services.store.events
    for number in range(6):
        time.sleep(0.03)
        resume = {"epoch": log.epoch, "seq": log.head(owner_channel(live.owner)) // 2} if number % 2 else {}
        sock = live.connect(**resume)
        (hello,) = hear(sock)
        assert hello["recovered"] is (True if resume else None)
        joined.append((sock, resume.get("seq", hello["head"])))
    publisher.join()
    for sock, seen in joined:
        assert seqs(hear(sock, total - seen)) == list(range(seen + 1, total + 1))


def test_a_client_of_another_epoch_is_told_where_to_resync(live, hear):
    live.say(3)
    (hello,) = hear(live.connect(epoch="another", seq=1))
    assert (hello["recovered"], hello["resync"], hello["head"]) == (False, "/api/v1/jobs", 3)


def test_subscriptions_share_one_socket(live, hear):
    job, _ = live.services.jobs.submit(live.owner, "backtest", {"seed": 1})
    channel = f"jobs/{job.id}"
    sock = live.connect()
    (hello,) = hear(sock)
    sock.send(json.dumps({"type": "subscribe", "channel": channel, "epoch": hello["epoch"], "seq": 0}))
    again, missed = hear(sock, 2)
    assert (again["type"], again["channel"], again["recovered"], again["head"]) == ("hello", channel, True, 1)
    assert (missed["channel"], missed["seq"]) == (channel, 1)
    sock.send(json.dumps({"type": "unsubscribe", "channel": "jobs"}))
    assert hear(sock) == [{"v": 1, "type": "unsubscribed", "channel": "jobs"}]
    live.services.jobs.cancel(job.id, live.owner)
    assert hear(sock)[0]["channel"] == channel
    sock.send('{"type":"ping"}')
    assert hear(sock) == [{"v": 1, "type": "pong"}]


STRANGE = (
    ("{", "bad_message"),
    ('{"type": NaN}', "bad_message"),
    ("[" * 4000, "bad_message"),
    ('{"type":"dance"}', "unknown_type"),
    ('{"type":["ping"]}', "unknown_type"),
    ('{"type":"subscribe","channel":"jobs"}', "already_subscribed"),
    ('{"type":"subscribe","channel":"weather"}', "unknown_channel"),
    ('{"type":"subscribe","channel":"jobs/of-another"}', "unknown_job"),
    ('{"type":"subscribe","channel":"jobs/\\u0000"}', "unknown_job"),
    ('{"type":"subscribe","channel":"jobs/\\ud800"}', "unknown_job"),
    ('{"type":"subscribe","channel":"\\ud800"}', "unknown_channel"),
    ('{"type":"subscribe","channel":"jobs/"}', "unknown_channel"),
    ('{"type":"\\udfff"}', "unknown_type"),
    ('{"type":"subscribe","channel":"jobs","epoch":5,"seq":"x"}', "invalid_request"),
    ('{"type":"unsubscribe","channel":"jobs/1"}', "not_subscribed"),
)


def test_a_strange_message_is_answered_and_the_socket_lives(live, hear):
    for text, code in STRANGE:
        sock = live.connect()
        hear(sock)
        sock.send(text)
        (error,) = hear(sock)
        assert (error["type"], error["code"]) == ("error", code), text
        assert error["message"]
        sock.send('{"type":"ping"}')
        assert hear(sock)[0]["type"] == "pong", text
        sock.close()


def test_a_client_that_talks_too_much_is_closed(relay, hear, hear_out):
    sock = relay.connect()
    hear(sock)
    for _ in range(40):
        sock.send('{"type":"ping"}')
    assert hear_out(sock)[1] == 1008


def test_a_message_that_is_too_long_ends_the_socket(relay, hear, hear_out):
    sock = relay.connect()
    hear(sock)
    sock.send("x" * 5000)
    assert hear_out(sock)[1] == 1009


def test_a_socket_carries_a_bounded_number_of_channels(relay, hear):
    jobs = [relay.services.jobs.submit(relay.owner, "backtest", {"seed": seed})[0].id for seed in range(51)]
    sock = relay.connect()
    hear(sock)
    answers = []
    for job in jobs:
        sock.send(json.dumps({"type": "subscribe", "channel": f"jobs/{job}"}))
        answers += hear(sock)
        time.sleep(0.07)
    assert [answer["type"] for answer in answers] == ["hello"] * 49 + ["error"] * 2
    assert answers[-1]["code"] == "too_many_subscriptions"


@pytest.mark.parametrize("role", ["api", "relay"])
@pytest.mark.parametrize("sign", ["SIGTERM", "SIGINT"])
def test_clients_hear_1001_and_the_server_ends_promptly(new_live, hear, hear_out, role, sign):
    live = new_live(role)
    socks = [live.connect() for _ in range(3)]
    for sock in socks:
        hear(sock)
    live.process.send_signal(getattr(signal, sign))
    assert [hear_out(sock)[1] for sock in socks] == [1001] * 3
    began = time.monotonic()
    live.process.wait(10)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("role", ["api", "relay"])
def test_the_child_goes_with_its_parent(new_live, hear, hear_out, role):
    live = new_live(role)
    sock = live.connect()
    hear(sock)
    live.process.kill()
    live.process.wait(5)
    assert hear_out(sock)[1] == 1001


def test_the_relay_serves_nothing_else(relay):
    base = f"http://127.0.0.1:{relay.port}"
    headers = {"Authorization": f"Bearer {relay.key}"}
    assert httpx.get(f"{base}/healthz").status_code == 200
    assert httpx.get(f"{base}/readyz").status_code == 200
    assert httpx.get(f"{base}/metrics", headers=headers).status_code == 200
    assert httpx.get(f"{base}/api/v1/jobs", headers=headers).status_code == 404


def test_the_relay_works_on_both_databases(new_live, database_url, hear):
    live = new_live("relay", DATABASE_URL=database_url)
    live.say(3)
    sock = live.connect(epoch=live.services.store.events.epoch, seq=1)
    assert hear(sock)[0]["recovered"] is True
    assert seqs(hear(sock, 2)) == [2, 3]
    live.say(2)
    assert seqs(hear(sock, 2)) == [4, 5]
