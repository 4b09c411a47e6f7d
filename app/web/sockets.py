"""A WebSocket: what a client may say, and how the connection ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from simple_websocket import Server

from app.errors import StoreUnavailable
from app.web.auth import Visitor
from app.web.channels import Client
from app.web.feeds import read_channel, read_message, read_wanted
from app.web.session import Relay, Session
from app.web.wire import Wire
from engine.errors import InvalidInput, QueuantError, UnknownName

log = logging.getLogger(__name__)

MESSAGES_PER_SECOND = 10.0
MESSAGE_BURST = 20.0
GOODBYE_SECONDS = 2.0


class Conversation(Session):
    """One client at a WebSocket."""

    def __init__(self, relay: Relay, ws: Server, visitor: Visitor) -> None:
        self._ws = ws
        self._inbox: list[str | bytes] = ws.input_buffer
        self._wire: Wire = ws.sock
        self._wire.backlog = self._inbox
        self._wire.on_close = ws.event.set
        super().__init__(relay, visitor, Client(self._wire, ws.event.set), bell=ws.event)
        self._tokens = MESSAGE_BURST
        self._counted_at = time.monotonic()

    def is_open(self) -> bool:
        return super().is_open() and self._ws.thread.is_alive()

    def say_goodbye(self, code: int, reason: str) -> None:
        try:
            self._wire.say_goodbye(code, reason)
        except OSError as error:
            log.debug("a client did not take its close frame: %s", error)
        else:
            # Closing while the client's last bytes are unread would reset the connection and eat the close frame.
            self._ws.thread.join(GOODBYE_SECONDS)
        self._wire.close()
        self._ws.thread.join(GOODBYE_SECONDS)

    def hear(self) -> None:
        while self._inbox and self.client.ending is None:
            self._take(self._inbox.pop(0))

    def _take(self, text: str | bytes) -> None:
        now = time.monotonic()
        self._tokens = min(MESSAGE_BURST, self._tokens + (now - self._counted_at) * MESSAGES_PER_SECOND) - 1
        self._counted_at = now
        if self._tokens < 0:
            self.client.end(1008, f"more than {MESSAGES_PER_SECOND:.0f} messages a second")
            return
        try:
            self._answer(read_message(text))
        except StoreUnavailable:
            raise  # as at the beginning: the client is to come back, not to do without the channel
        except QueuantError as error:
            self.client.say({"type": "error", **error.detail()})

    def _answer(self, message: Mapping[str, Any]) -> None:
        kind = message.get("type")
        if kind == "ping":
            self.client.say({"type": "pong"})
        elif kind == "subscribe":
            wanted = read_wanted(self.relay.services, message)
            if self.may_listen():
                self.client.say(self.subscribe(wanted))
        elif kind == "unsubscribe":
            self._unsubscribe(read_channel(message))
        else:
            raise UnknownName.of("type", str(kind), ("ping", "subscribe", "unsubscribe"), pointer="/type")

    def _unsubscribe(self, name: str) -> None:
        subscription = self.client.subscriptions.pop(name, None)
        if subscription is None:
            raise InvalidInput("This socket is not subscribed to that channel.", code="not_subscribed")
        with self._wire.lock:
            subscription.live = False  # the listener may be about to send: nothing follows the confirmation
        self.relay.hub.leave(subscription)
        self.client.say({"type": "unsubscribed", "channel": name})
