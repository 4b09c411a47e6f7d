"""What was raised is sent: signed, in bounded time, and again later where it missed."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import sys
import threading
import time
from contextlib import ExitStack, closing

import pytest

from app.alerts import sending
from app.store import deliveries as store_deliveries
from tests.alerts import SECRET, Receiver
from tests.tls import certificate


def test_an_alert_arrives_signed_and_once(platform, hook, receiver):
    hook()
    platform.fail()
    platform.round()
    assert sending.send_due(platform.services) == 1
    assert sending.send_due(platform.services) == 0
    ((path, headers, body),) = receiver.heard
    assert path == "/hook?team=1"
    told = json.loads(body)
    alert = platform.store.events.since("alerts:ada", 0)[0].data
    (delivery,) = platform.store.deliveries.of_alert(alert["alert_id"])
    assert told == {"v": 1, "delivery_id": delivery.id, "attempt": 1, "alert": alert}
    stamp = headers["X-Queuant-Timestamp"]
    wanted = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert (headers["X-Queuant-Signature"], headers["X-Queuant-Delivery"]) == (f"v1={wanted}", delivery.id)
    assert int(stamp) == int(platform.clock.now)
    assert platform.outbox() == [("ops", "sent", 1, None)]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, "The receiver answered with HTTP 500."),
        (302, "The receiver answered with HTTP 302."),
        (404, "The receiver answered with HTTP 404."),
    ],
)
def test_what_misses_is_tried_six_times_over_hours_and_then_no_more(platform, hook, receiver, status, error):
    hook()
    receiver.status = status
    platform.fail()
    platform.round()
    began, attempts = platform.clock.now, []
    for _ in range(9):
        sending.send_due(platform.services)
        sending.send_due(platform.services)
        attempts.append(len(receiver.heard))
        platform.clock.advance(store_deliveries.PAUSES[min(len(attempts), 5) - 1])
    assert attempts == [1, 2, 3, 4, 5, 6, 6, 6, 6]
    assert {path for path, *_ in receiver.heard} == {"/hook?team=1"}  # no redirect was followed
    assert platform.outbox() == [("ops", "failed", 6, error)]
    assert 3600 * 3 < sum(store_deliveries.PAUSES) < 3600 * 6
    assert began < platform.clock.now


def test_a_receiver_that_is_away_gets_it_when_it_is_back(platform, hook, receiver):
    port = socket.socket()
    port.bind(("127.0.0.1", 0))  # nobody listens there
    hook(url=f"http://127.0.0.1:{port.getsockname()[1]}/")
    platform.fail()
    platform.round()
    assert sending.send_due(platform.services) == 0
    assert "refused" in platform.outbox()[0][3]
    hook()
    platform.clock.advance(29)
    assert sending.send_due(platform.services) == 0
    platform.clock.advance(1)
    assert sending.send_due(platform.services) == 1
    port.close()


def test_a_receiver_that_trickles_is_hung_up_on(platform, hook, receiver, monkeypatch):
    monkeypatch.setattr(sending, "SECONDS", 0.3)
    hook()
    receiver.pause = 0.02
    platform.fail()
    platform.round()
    began = time.monotonic()
    sending.send_due(platform.services)
    receiver.pause = 0.0
    assert time.monotonic() - began < 3
    assert platform.outbox()[0][1:3] == ("pending", 1)


class Taking:
    """As a context of TLS does: the connection is taken out of the hands of the plain socket."""

    def wrap_socket(self, plain, *, server_hostname):
        wire = socket.socket(fileno=plain.detach())
        wire.settimeout(sending.SECONDS)
        return wire


def test_a_receiver_that_trickles_behind_tls_is_hung_up_on_too(platform, hook, receiver, monkeypatch):
    monkeypatch.setattr(sending, "SECONDS", 0.3)
    monkeypatch.setattr(sending, "_authorities", Taking)
    hook(url=f"https://127.0.0.1:{receiver.port}/hook")
    receiver.pause = 0.02
    platform.fail()
    platform.round()
    stop = threading.Timer(4, setattr, (receiver, "pause", 0.0))
    stop.start()
    began = time.monotonic()
    sending.send_due(platform.services)
    took = time.monotonic() - began
    stop.cancel()
    receiver.pause = 0.0
    assert took < 3
    assert platform.outbox()[0][1:3] == ("pending", 1)


def test_behind_tls_only_a_receiver_with_a_certificate_that_is_trusted_is_told(platform, hook, tmp_path, monkeypatch):
    trusted, known = certificate(tmp_path, "known")
    _, strange = certificate(tmp_path, "strange")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.setattr(sending, "_authorities", sending._authorities.__wrapped__)
    receivers = {}
    with ExitStack() as stack:
        for name, context in (("known", known), ("strange", strange)):
            receivers[name] = found = stack.enter_context(closing(Receiver(context)))
            hook(name, url=f"https://127.0.0.1:{found.port}/hook")
            hook(f"{name}_by_name", url=f"https://localhost:{found.port}/hook")
        platform.fail()
        platform.round()
        assert sending.send_due(platform.services) == 1
    assert {name: len(found.heard) for name, found in receivers.items()} == {"known": 1, "strange": 0}
    outbox = {name: (status, error) for name, status, _, error in platform.outbox()}
    assert outbox.pop("known") == ("sent", None)
    assert {status for status, _ in outbox.values()} == {"pending"}
    assert "certificate verify failed" in outbox["strange"][1]
    assert "'localhost'" in outbox["known_by_name"][1], "a certificate for another name"


def test_of_an_answer_the_status_counts_and_the_rest_is_not_read(platform, hook, receiver):
    hook()
    receiver.status, receiver.answer = 200, b"x" * 20_000_000
    platform.fail()
    platform.round()
    assert sending.send_due(platform.services) == 1


def test_an_address_that_became_private_is_never_sent_to(platform, hook, receiver):
    hook()
    platform.fail()
    platform.round()
    strict = platform.services.settings.replace(webhook_loopback=0)
    object.__setattr__(platform.services, "settings", strict)
    assert sending.send_due(platform.services) == 0
    assert platform.outbox()[0][1] == "failed"
    assert receiver.heard == []


def test_a_webhook_that_was_switched_off_or_deleted_gets_nothing_more(platform, hook, receiver):
    hook("off")
    hook("gone")
    platform.fail()
    platform.round()
    hook("off", enabled=False)
    platform.store.deliveries.delete("ada", "gone")
    assert sending.send_due(platform.services) == 0
    assert receiver.heard == []
    assert platform.outbox() == [("off", "failed", 1, "The webhook is switched off.")]


def test_without_the_extra_a_service_of_apprise_says_what_is_missing(platform, hook, monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    object.__setattr__(platform.services, "settings", platform.services.settings.replace(apprise_schemes=("tgram",)))
    hook(url="tgram://token/chat")
    platform.fail()
    platform.round()
    assert sending.send_due(platform.services) == 0
    assert "pip install 'queuant[alerts]'" in platform.outbox()[0][3]
