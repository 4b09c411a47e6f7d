"""A connection of the Python client: where the server is, who asks, and calls of the HTTP API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from app.client.transport import Transport
from app.embedded.home import Home
from app.settings import Settings


class Connection:
    """A server, found by its URL or in the home folder, and the key that it is asked with."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        home: str | Path | None = None,
        live_url: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        settings = Settings.from_env(home=home, client_url=url, client_key=api_key)
        folder = Home(settings.home)
        note = {} if settings.client_url else folder.server() or {}
        # The key in the home folder is for the server of this home, not for any server that is named.
        key = settings.client_key or ("" if settings.client_url else folder.key() or "")
        self.url = settings.client_url or note.get("api_url") or settings.api_url
        self._live_url = live_url or note.get("live_url")
        self._transport = Transport(self.url, key, transport=transport)

    @property
    def live_url(self) -> str:
        """Where sockets are opened. A server that was only named by its URL is asked."""
        if self._live_url is None:
            self._live_url = str(self.api("POST", "/ws-tickets")["url"])
        return self._live_url.rstrip("/")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def api(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """One call of the HTTP API under /api/v1, decoded. Raises ApiError and Unreachable."""
        return self._transport.json(method, path, body=body, query=query, idempotency_key=idempotency_key)

    def download(self, path: str, *, query: Mapping[str, Any] | None = None) -> bytes:
        """The bytes of a file."""
        return self._transport.send("GET", path, query=query).content

    def pages(self, path: str, key: str, *, query: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Every item of a list that comes in pages."""
        cursor: str | None = None
        while True:
            page = self.api("GET", path, query={**(query or {}), "cursor": cursor})
            yield from page[key]
            cursor = page.get("next")
            if not cursor:
                return
