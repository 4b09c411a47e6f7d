"""What was raised goes to webhooks: signed, in bounded time, and again later where it did not arrive.

A receiver that knows the secret computes HMAC-SHA256 of `<timestamp>.<body>` and compares it with the signature; a
timestamp that is old tells a replay.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import SplitResult

from sqlalchemy import Row

from app.alerts.targets import Refused, check, resolve
from app.settings import Settings
from app.wiring import Services
from engine.errors import InvalidInput

log = logging.getLogger(__name__)

SECONDS = 5.0
MOST_IN_A_ROUND = 20


class Missed(Exception):
    """It has not arrived; another attempt may."""


def send_due(services: Services) -> int:
    """Send what is due; how many have arrived. Raises StoreUnavailable.

    After some seconds of slow receivers the round is over: the next one sees whose turn it is by then.
    """
    arrived, ends = 0, time.monotonic() + SECONDS
    for delivery_id in services.store.deliveries.due(limit=MOST_IN_A_ROUND):
        taken = services.store.deliveries.take(delivery_id)
        if taken is not None:
            arrived += _send(services, *taken)
        if time.monotonic() > ends:
            break
    return arrived


def _send(services: Services, delivery: Row[Any], webhook: Row[Any] | None) -> bool:
    deliveries = services.store.deliveries
    if webhook is None or not webhook.enabled:
        deliveries.missed(delivery, "The webhook is switched off.", final=True)
        return False
    try:
        parts = check(webhook.url, services.settings)
        if parts is None:
            _notify(webhook.url, delivery.body)
        else:
            body = message(delivery)
            headers = signed(body, webhook.secret, int(services.store.now()), delivery.id)
            status = post(parts, body, headers, services.settings)
            if not 200 <= status < 300:
                raise Missed(f"The receiver answered with HTTP {status}.")
    except (Refused, InvalidInput) as error:
        deliveries.missed(delivery, str(error), final=True)
    except (Missed, OSError, http.client.HTTPException) as error:
        log.info("alert %s did not reach %s: %s", delivery.alert_id, delivery.webhook_id, error)
        deliveries.missed(delivery, str(error) or type(error).__name__)
    else:
        return deliveries.sent(delivery)
    return False


def message(delivery: Row[Any]) -> bytes:
    """What a receiver gets: the alert as it was raised."""
    told = {"v": 1, "delivery_id": delivery.id, "attempt": delivery.attempt, "alert": delivery.body}
    return json.dumps(told, allow_nan=False, separators=(",", ":")).encode()


def signed(body: bytes, secret: str, timestamp: int, delivery_id: str) -> dict[str, str]:
    """The headers by which a receiver knows who has sent it, when, and whether it had it before."""
    signature = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "queuant",
        "X-Queuant-Delivery": delivery_id,
        "X-Queuant-Timestamp": str(timestamp),
        "X-Queuant-Signature": f"v1={signature}",
    }


def post(parts: SplitResult, body: bytes, headers: Mapping[str, str], settings: Settings) -> int:
    """The status of the answer; no redirect is followed. Raises Refused, OSError and HTTPException.

    The connection goes to the address that was checked; the name is what a certificate must be for.
    """
    address, port = resolve(parts, settings)
    began = time.monotonic()
    plain = socket.create_connection((address, port), timeout=SECONDS)
    # A receiver that sends a byte now and then keeps every single wait short: all of them together end here. TLS takes
    # the connection out of `plain`'s hands, so it is held by another one.
    line = plain.dup()
    end = threading.Timer(max(0.0, began + SECONDS - time.monotonic()), _hang_up, (line,))
    end.daemon = True
    end.start()
    try:
        with line, plain:
            wire = (
                _authorities().wrap_socket(plain, server_hostname=parts.hostname) if parts.scheme == "https" else plain
            )
            with wire:
                connection = http.client.HTTPConnection(parts.hostname or "", port, timeout=SECONDS)
                connection.sock = wire
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request("POST", path, body, {**headers, "Host": parts.netloc, "Connection": "close"})
                return connection.getresponse().status  # what else it says is not read
    finally:
        end.cancel()


def _hang_up(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has ended a moment before
        log.debug("a webhook's connection was closed already")


@cache
def _authorities() -> ssl.SSLContext:
    return ssl.create_default_context()


def _notify(url: str, alert: Mapping[str, Any]) -> None:
    """Hand an alert to a service that Apprise knows. Raises Missed."""
    try:
        import apprise
    except ImportError as error:
        text = "The package 'apprise' is not installed: pip install 'queuant[alerts]'."
        raise Missed(text) from error
    sender = apprise.Apprise()
    if not sender.add(url):
        raise Missed("Apprise does not understand this address.")
    if not sender.notify(title=f"{alert['severity']}: {alert['rule_id']}", body=alert["message"]):
        raise Missed("The service did not take it.")
